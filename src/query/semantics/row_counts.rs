//! Window functions whose numbers have no sign in DataFusion (55), so that none can be negated.

use arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::expr::{WindowFunction, WindowFunctionParams};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawWindowExpr};
use datafusion::logical_expr::{Expr, cast};

/// Plans `row_number()` and its like as `bigint`, which they are in PostgreSQL.
#[derive(Debug, Default)]
pub struct CountPlanner;

impl ExprPlanner for CountPlanner {
    fn plan_window(&self, raw: RawWindowExpr) -> Result<PlannerResult<RawWindowExpr>> {
        if !matches!(raw.func_def.name(), "row_number" | "rank" | "dense_rank" | "ntile") {
            return Ok(PlannerResult::Original(raw));
        }
        let RawWindowExpr { func_def, args, partition_by, order_by, window_frame, .. } = raw;
        let RawWindowExpr { filter, null_treatment, distinct, .. } = raw;
        let params = WindowFunctionParams {
            args,
            partition_by,
            order_by,
            window_frame,
            filter,
            null_treatment,
            distinct,
        };
        let count = Expr::from(WindowFunction { fun: func_def, params });
        Ok(PlannerResult::Planned(cast(count, DataType::Int64)))
    }
}
