//! Tests that joins of small tables have the rows that they have without their tables in the plan.

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{JoinType, NullEquality};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::memory_pool::{MemoryPool, UnboundedMemoryPool};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, cast, is_not_null, lit};
use datafusion::physical_expr::{LexOrdering, PhysicalExpr, PhysicalSortExpr};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::PartitionMode;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions, collect};

use super::*;
use crate::query::spread::inline_table::InlineTableExec;
use crate::query::spread::test_plans::answer;

const UNION: [JoinType; 5] =
    [JoinType::Inner, JoinType::Right, JoinType::RightSemi, JoinType::RightAnti, JoinType::RightMark];
const WHOLE: [JoinType; 5] =
    [JoinType::Left, JoinType::Full, JoinType::LeftSemi, JoinType::LeftAnti, JoinType::LeftMark];

fn rows(key: &str, keys: &[i32], text: &str) -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new(key, DataType::Int32, false),
        Field::new(format!("{key}_text"), DataType::Utf8, true),
    ]);
    let texts = keys.iter().map(|key| (key % 2 == 0).then(|| format!("{text} {key}")));
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int32Array::from(keys.to_vec())), Arc::new(StringArray::from_iter(texts))];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

fn source(partitions: &[RecordBatch]) -> Arc<dyn ExecutionPlan> {
    let schema = partitions[0].schema();
    let partitions: Vec<Vec<RecordBatch>> = partitions.iter().map(|batch| vec![batch.clone()]).collect();
    MemorySourceConfig::try_new_exec(&partitions, schema, None).unwrap()
}

/// Rows in two partitions, some of which have no partner in `table`.
fn streamed() -> Arc<dyn ExecutionPlan> {
    source(&[rows("r", &[1, 2, 2, 7], "reading"), rows("r", &[3, 1, 8], "reading")])
}

fn table() -> Arc<dyn ExecutionPlan> {
    source(&[rows("s", &[1, 2, 3, 4], "stream")])
}

/// The first column of a side.
fn first(name: &str) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(name, 0))
}

fn join(table: Arc<dyn ExecutionPlan>, kind: JoinType, mode: PartitionMode) -> Arc<dyn ExecutionPlan> {
    let on = vec![(first("s"), first("r"))];
    let equality = NullEquality::NullEqualsNothing;
    let join = HashJoinExec::try_new(table, streamed(), on, None, &kind, None, mode, equality, false);
    Arc::new(join.unwrap())
}

/// A side in order of its first column.
fn sorted(side: Arc<dyn ExecutionPlan>, column: &str) -> Arc<dyn ExecutionPlan> {
    let order = LexOrdering::new([PhysicalSortExpr::new_default(first(column))]).unwrap();
    Arc::new(SortExec::new(order, side).with_preserve_partitioning(true))
}

#[tokio::test]
async fn a_join_has_its_rows_also_with_its_table_in_the_plan() {
    let joins = UNION.map(|kind| join(table(), kind, PartitionMode::CollectLeft));
    let crossed = Arc::new(CrossJoinExec::new(table(), streamed())) as Arc<dyn ExecutionPlan>;
    for plan in joins.into_iter().chain([crossed]) {
        let inlined = inline(&plan, &Arc::default(), 2).await.unwrap().expect("small");
        assert!(inlined.is::<InlineJoinExec>());
        assert_eq!(inlined.schema(), plan.schema());
        assert_eq!(inlined.children().len(), 1, "the engine sees the streamed side");
        let expected = answer(plan).await;
        assert!(expected.len() > 5, "{expected:?}");
        assert_eq!(answer(inlined).await, expected);
    }
}

#[test]
fn only_joins_of_small_tables_by_streamed_rows_are_divided() {
    let collected = PartitionMode::CollectLeft;
    for kind in UNION {
        assert!(sides(&join(table(), kind, collected)).is_some(), "{kind}");
        assert!(sides(&join(table(), kind, PartitionMode::Partitioned)).is_none(), "{kind}");
    }
    for kind in WHOLE {
        assert!(sides(&join(table(), kind, collected)).is_none(), "{kind}");
    }
    let keys: Vec<i32> = (0..).take(MAX_ROWS + 1).collect();
    let large = source(&[rows("s", &keys, "stream")]);
    assert!(sides(&join(large, JoinType::Inner, collected)).is_none());
}

/// The plan of a task has neither the order of the table nor its constants.
#[test]
fn a_join_whose_order_another_node_does_not_derive_stays() {
    let one = Arc::new(BinaryExpr::new(first("s"), Operator::Eq, lit(2)));
    let constant = || Arc::new(FilterExec::try_new(one.clone(), table()).unwrap()) as Arc<dyn ExecutionPlan>;
    let rows = [
        ("none", table(), streamed(), true),
        ("of the streamed side", table(), sorted(streamed(), "r"), true),
        ("a constant", constant(), streamed(), true),
        ("a constant beside an order", constant(), sorted(streamed(), "r"), false),
        ("of the table", sorted(table(), "s"), streamed(), false),
    ];
    for (name, table, streamed, expected) in rows {
        let plan = join(table.clone(), JoinType::Inner, PartitionMode::CollectLeft);
        let recompute = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let plan = plan.replace_children(vec![table, streamed], recompute).unwrap();
        assert_eq!(sides(&plan).is_some(), expected, "{name}");
    }
}

#[test]
fn a_table_of_many_pairs_stays() {
    let devices = || source(&[rows("d", &[2, 3], "device")]);
    let condition = || Some(JoinFilter::new(lit(true), Vec::new(), Arc::new(Schema::empty())));
    let inner = JoinType::Inner;
    let hash = |filter: Option<JoinFilter>| -> Arc<dyn ExecutionPlan> {
        let on = vec![(first("s"), first("d"))];
        let (mode, equality) = (PartitionMode::CollectLeft, NullEquality::NullEqualsNothing);
        let join = HashJoinExec::try_new(table(), devices(), on, filter, &inner, None, mode, equality, false);
        Arc::new(join.unwrap())
    };
    let nested = NestedLoopJoinExec::try_new(table(), devices(), condition(), &inner, None);
    let on = (first("s"), first("d"));
    let ranges = PiecewiseMergeJoinExec::try_new(table(), devices(), on, Operator::Lt, inner, 1);
    let sides: [(&str, Arc<dyn ExecutionPlan>, bool); 5] = [
        ("by a key", hash(None), true),
        ("by a key and a condition", hash(condition()), false),
        ("by a condition", Arc::new(nested.unwrap()), false),
        ("by an order", Arc::new(ranges.unwrap()), false),
        ("by nothing", Arc::new(CrossJoinExec::new(table(), devices())), false),
    ];
    for (name, side, expected) in sides {
        assert_eq!(is_small(&side), expected, "{name}");
        let above = Arc::new(FilterExec::try_new(lit(true), side).unwrap()) as Arc<dyn ExecutionPlan>;
        assert_eq!(is_small(&above), expected, "{name}, below another operator");
    }
}

#[tokio::test]
async fn a_table_that_meets_a_row_often_stays() {
    let of = |name: &str, count: usize, key: i32| source(&[rows(name, &vec![key; count], "row")]);
    let keyed = |count| join(of("s", count, 2), JoinType::RightSemi, PartitionMode::CollectLeft);
    let crossed = |name: &str, count: usize, streamed: Arc<dyn ExecutionPlan>| {
        Arc::new(CrossJoinExec::new(of(name, count, 2), streamed)) as Arc<dyn ExecutionPlan>
    };
    let cases = [
        ("a key of few rows", keyed(MAX_PARTNERS), true),
        ("a key of many rows", keyed(MAX_PARTNERS + 1), false),
        ("few rows", crossed("t", MAX_PARTNERS, streamed()), true),
        ("many rows", crossed("t", MAX_PARTNERS + 1, streamed()), false),
        ("no rows", crossed("t", 0, streamed()), true),
        ("few rows of two tables", crossed("u", 4, crossed("t", 4, streamed())), true),
        ("many rows of two tables", crossed("u", 5, crossed("t", 4, streamed())), false),
        ("rows for each of a key", crossed("u", 2, keyed(MAX_PARTNERS)), false),
    ];
    for (name, plan, expected) in cases {
        let inlined = inline(&plan, &Arc::default(), 2).await.unwrap();
        assert_eq!(inlined.is_some(), expected, "{name}");
    }
}

/// The query then runs on one node, and ends with the error there.
#[tokio::test]
async fn a_table_that_cannot_be_read_stays() {
    let text = Arc::new(Column::new("s_text", 1));
    let number = cast(text, &table().schema(), DataType::Int32).unwrap();
    let mistaken = FilterExec::try_new(is_not_null(number).unwrap(), table()).unwrap();
    let plan = join(Arc::new(mistaken), JoinType::Inner, PartitionMode::CollectLeft);
    assert!(sides(&plan).is_some(), "its rows are few");
    assert!(inline(&plan, &Arc::default(), 2).await.unwrap().is_none());
    assert!(collect(plan, Arc::default()).await.is_err());
}

#[tokio::test]
async fn a_table_with_too_many_bytes_stays() {
    let long = "x".repeat(MAX_BYTES / 4);
    let large = source(&[rows("s", &[2, 4, 6, 8], &long)]);
    let plan = join(large, JoinType::Inner, PartitionMode::CollectLeft);
    assert!(sides(&plan).is_some(), "its rows are few");
    assert!(inline(&plan, &Arc::default(), 2).await.unwrap().is_none());
}

#[tokio::test]
async fn the_rows_of_a_table_are_accounted_for_as_long_as_the_plan_is() {
    let pool: Arc<dyn MemoryPool> = Arc::new(UnboundedMemoryPool::default());
    let runtime = RuntimeEnvBuilder::new().with_memory_pool(pool.clone()).build_arc().unwrap();
    let context = Arc::new(TaskContext::default().with_runtime(runtime));
    let inner = join(table(), JoinType::Inner, PartitionMode::CollectLeft);
    let mut reserved = Vec::new();
    for nodes in [1, 2, 4] {
        let inlined = inline(&inner, &context, nodes).await.unwrap().expect("small");
        reserved.push(pool.reserved() / (2 + nodes));
        drop(inlined);
        assert_eq!(pool.reserved(), 0);
    }
    assert!(reserved[0] > 0);
    assert_eq!(reserved, [reserved[0]; 3], "it grows with the nodes");
}

#[tokio::test]
async fn a_table_that_is_a_join_itself_is_read_as_one() {
    let on = vec![(first("s"), first("d"))];
    let devices = source(&[rows("d", &[2, 3], "device")]);
    let tables = HashJoinExec::try_new(
        table(),
        devices,
        on,
        None,
        &JoinType::Left,
        None,
        PartitionMode::CollectLeft,
        NullEquality::NullEqualsNothing,
        false,
    );
    let plan = join(Arc::new(tables.unwrap()), JoinType::Inner, PartitionMode::CollectLeft);
    let inlined = inline(&plan, &Arc::default(), 2).await.unwrap().expect("small");
    let mut leaves = 0;
    let counted = inlined.apply(|node| {
        assert!(!node.is::<InlineTableExec>() && !node.is::<HashJoinExec>(), "{}", node.name());
        leaves += usize::from(node.children().is_empty());
        Ok(TreeNodeRecursion::Continue)
    });
    counted.unwrap();
    assert_eq!(leaves, 1);
    assert_eq!(answer(inlined).await, answer(plan).await);
}
