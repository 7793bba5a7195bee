//! How many rows of a small table one row meets: what a join makes of a reading.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use arrow::buffer::NullBuffer;
use datafusion::common::NullEquality;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::error::Result;
use datafusion::physical_expr_common::utils::evaluate_expressions_to_arrays;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::HashJoinExec;

/// Returns the most rows of `table`, the collected side of a join, that one row of the streamed side meets. A join without a
/// key has all of them.
///
/// # Errors
/// The errors of the key of a join, which may be an expression over its columns.
pub fn most(join: &Arc<dyn ExecutionPlan>, table: &RecordBatch) -> Result<usize> {
    match join.downcast_ref::<HashJoinExec>() {
        Some(join) => most_of_one_key(join, table),
        None => Ok(table.num_rows()),
    }
}

/// Keys are told apart by their hashes, as the join finds them: two keys of one hash count as one.
fn most_of_one_key(join: &HashJoinExec, table: &RecordBatch) -> Result<usize> {
    let keys = evaluate_expressions_to_arrays(join.on().iter().map(|(key, _)| key), table)?;
    let mut hashes = vec![0_u64; table.num_rows()];
    create_hashes(&keys, &RandomState::with_seed(0), &mut hashes)?;
    if join.null_equality() == NullEquality::NullEqualsNothing {
        let nulls = keys.iter().map(|key| key.logical_nulls());
        let nulls =
            nulls.fold(None::<NullBuffer>, |all, nulls| NullBuffer::union(all.as_ref(), nulls.as_ref()));
        if let Some(nulls) = nulls {
            let keyed = hashes.into_iter().zip(nulls.iter()).filter(|(_, has_key)| *has_key);
            hashes = keyed.map(|(hash, _)| hash).collect();
        }
    }
    hashes.sort_unstable();
    Ok(hashes.chunk_by(|one, next| one == next).map(<[u64]>::len).max().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int32Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::common::JoinType;
    use datafusion::physical_expr::PhysicalExpr;
    use datafusion::physical_expr::expressions::Column;
    use datafusion::physical_plan::empty::EmptyExec;
    use datafusion::physical_plan::joins::{CrossJoinExec, PartitionMode};

    use super::*;

    fn table(rows: &[(Option<i32>, &str)]) -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int32, true),
            Field::new("text", DataType::Utf8, false),
        ]);
        let ids = Int32Array::from_iter(rows.iter().map(|(id, _)| *id));
        let texts = StringArray::from_iter_values(rows.iter().map(|(_, text)| text));
        let columns: Vec<ArrayRef> = vec![Arc::new(ids), Arc::new(texts)];
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    }

    /// A join by the first `keys` columns of both sides; without one a cross join.
    fn join(table: &RecordBatch, keys: usize, equality: NullEquality) -> Arc<dyn ExecutionPlan> {
        let side = || Arc::new(EmptyExec::new(table.schema())) as Arc<dyn ExecutionPlan>;
        if keys == 0 {
            return Arc::new(CrossJoinExec::new(side(), side()));
        }
        let schema = table.schema();
        let key = |at: usize| -> Arc<dyn PhysicalExpr> { Arc::new(Column::new(schema.field(at).name(), at)) };
        let on: Vec<_> = (0..keys).map(|at| (key(at), key(at))).collect();
        let (kind, mode) = (JoinType::Inner, PartitionMode::CollectLeft);
        let join = HashJoinExec::try_new(side(), side(), on, None, &kind, None, mode, equality, false);
        Arc::new(join.unwrap())
    }

    #[test]
    fn a_row_meets_the_rows_of_its_key() {
        use NullEquality::{NullEqualsNothing, NullEqualsNull};
        let unique = table(&[(Some(1), "a"), (Some(2), "a"), (Some(3), "a")]);
        let repeated = table(&[(Some(1), "a"), (Some(2), "b"), (Some(1), "b"), (Some(1), "a")]);
        let unknown = table(&[(None, "a"), (Some(1), "a"), (None, "a"), (None, "b")]);
        let cases = [
            ("no rows", unique.slice(0, 0), 1, NullEqualsNothing, 0),
            ("all rows", unique.clone(), 0, NullEqualsNothing, 3),
            ("a key of each row", unique, 1, NullEqualsNothing, 1),
            ("a key of several rows", repeated.clone(), 1, NullEqualsNothing, 3),
            ("a key of two columns", repeated, 2, NullEqualsNothing, 2),
            ("NULL, which nothing equals", unknown.clone(), 1, NullEqualsNothing, 1),
            ("NULL in one of two columns", unknown.clone(), 2, NullEqualsNothing, 1),
            ("NULL, which NULL equals", unknown, 1, NullEqualsNull, 3),
        ];
        for (name, table, keys, equality, expected) in cases {
            assert_eq!(most(&join(&table, keys, equality), &table).unwrap(), expected, "{name}");
        }
    }
}
