//! Subscripts of arrays: `a[-1]` and `a[-2:-1]`. DataFusion counts those below one from the end of the array; PostgreSQL's arrays begin
//! at 1, so that there is nothing before.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::functions_nested::expr_fn::array_element;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawFieldAccessExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, GetFieldAccess, lit, when};
use datafusion::scalar::ScalarValue;

/// Plans a subscript of an array as one that is not below zero, which the planners after it take.
#[derive(Debug, Default)]
pub struct SubscriptPlanner;

impl ExprPlanner for SubscriptPlanner {
    fn plan_field_access(
        &self,
        raw: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let RawFieldAccessExpr { expr, field_access } = raw;
        let is_list = |of: DataType| matches!(of, DataType::List(_) | DataType::LargeList(_));
        if !expr.get_type(schema).is_ok_and(is_list) {
            return Ok(PlannerResult::Original(RawFieldAccessExpr { expr, field_access }));
        }
        let field_access = match field_access {
            GetFieldAccess::ListIndex { key } => {
                let bounded = at_least(0, key, schema)?;
                // The planner that comes after has a function for elements of array_agg, which does not take 0.
                if matches!(&*bounded, Expr::Literal(value, _) if *value == ScalarValue::Int64(Some(0))) {
                    return Ok(PlannerResult::Planned(array_element(expr, *bounded)));
                }
                GetFieldAccess::ListIndex { key: bounded }
            }
            GetFieldAccess::ListRange { start, stop, stride } => GetFieldAccess::ListRange {
                start: at_least(1, start, schema)?,
                stop: at_least(0, stop, schema)?,
                stride,
            },
            named => named,
        };
        Ok(PlannerResult::Original(RawFieldAccessExpr { expr, field_access }))
    }
}

/// A subscript, or `least` if it is below that. NULL stays NULL.
fn at_least(least: i64, subscript: Box<Expr>, schema: &DFSchema) -> Result<Box<Expr>> {
    if let Expr::Literal(value, _) = &*subscript {
        // What is no integer is refused by the planner that comes after.
        let is_below = i64::try_from(value.clone()).is_ok_and(|value| value < least);
        return Ok(if is_below { Box::new(lit(least)) } else { subscript });
    }
    if !subscript.get_type(schema).is_ok_and(|of| of.is_integer()) {
        return Ok(subscript);
    }
    when((*subscript).clone().lt(lit(least)), lit(least)).otherwise(*subscript).map(Box::new)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, Schema};
    use datafusion::logical_expr::col;

    use super::*;

    fn planned(column: &str, subscript: Expr) -> String {
        let fields = vec![
            Field::new_list("list", Field::new("item", DataType::Int64, true), true),
            Field::new("other", DataType::Int64, true),
        ];
        let schema = DFSchema::try_from(Schema::new(fields)).unwrap();
        let field_access = GetFieldAccess::ListIndex { key: Box::new(subscript) };
        let raw = RawFieldAccessExpr { expr: col(column), field_access };
        match SubscriptPlanner.plan_field_access(raw, &schema).unwrap() {
            PlannerResult::Original(RawFieldAccessExpr {
                field_access: GetFieldAccess::ListIndex { key },
                ..
            }) => key.to_string(),
            PlannerResult::Planned(element) => element.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn subscripts_of_lists_are_not_below_zero() {
        assert_eq!(planned("list", lit(-1_i64)), "array_element(list, Int64(0))");
        assert_eq!(planned("list", lit(2_i64)), "Int64(2)");
        let expected = "CASE WHEN other < Int64(0) THEN Int64(0) ELSE other END";
        assert_eq!(planned("list", col("other")), expected);
        assert_eq!(planned("other", lit(-1_i64)), "Int64(-1)");
    }
}
