//! WHERE conditions that a rollup can answer exactly: a set of streams and one time range.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_expr::create_physical_expr;
use datafusion::scalar::ScalarValue;

use crate::query::scan::bounds::is_key_comparison;

/// Conditions that must all be met.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Conditions {
    /// On `stream_id` alone.
    streams: Vec<Expr>,
    /// Half-open, microseconds.
    pub ts: (i64, i64),
}

impl Conditions {
    /// Derives conditions from filters; `None` when the filters test anything but streams and one time range.
    pub fn from_filters(filters: &[Expr]) -> Option<Self> {
        let mut conditions = Conditions { streams: Vec::new(), ts: (i64::MIN, i64::MAX) };
        for filter in filters.iter().flat_map(split_conjunction) {
            let filter = unnormalize_col(filter.clone());
            let columns: HashSet<&Column> = filter.column_refs();
            let is_of = |name: &str| !columns.is_empty() && columns.iter().all(|c| c.name == name);
            if is_of("stream_id") && is_key_comparison(&filter) {
                conditions.streams.push(filter.clone());
            } else if !(is_of("ts") && conditions.narrow(&filter)) {
                return None;
            }
        }
        Some(conditions)
    }

    /// Returns those of `ids` that meet the stream conditions.
    pub fn choose(&self, mut ids: Vec<i32>) -> Result<Vec<i32>> {
        let schema = Arc::new(Schema::new(vec![Field::new("stream_id", DataType::Int32, false)]));
        let (names, props) = (DFSchema::try_from(schema.clone())?, ExecutionProps::new());
        for condition in &self.streams {
            let condition =
                create_physical_expr(condition, &names, &props, &PhysicalPlanningContext::default())?;
            let column = Arc::new(Int32Array::from(ids.clone()));
            let batch = RecordBatch::try_new(schema.clone(), vec![column])?;
            let passes = condition.evaluate(&batch)?.into_array(ids.len())?;
            let passes = passes.as_boolean();
            let mut passes = (0..passes.len()).map(|row| passes.is_valid(row) && passes.value(row));
            ids.retain(|_| passes.next().unwrap_or(false));
        }
        Ok(ids)
    }

    /// Narrows the time range by a comparison with a constant; returns false for any other filter.
    fn narrow(&mut self, filter: &Expr) -> bool {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
                (Expr::Column(_), Expr::Literal(at, _)) => self.compare(*op, at),
                (Expr::Literal(at, _), Expr::Column(_)) => op.swap().is_some_and(|op| self.compare(op, at)),
                _ => false,
            },
            Expr::Between(between) if !between.negated => {
                match (between.expr.as_ref(), between.low.as_ref(), between.high.as_ref()) {
                    (Expr::Column(_), Expr::Literal(low, _), Expr::Literal(high, _)) => {
                        self.compare(Operator::GtEq, low) && self.compare(Operator::LtEq, high)
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn compare(&mut self, op: Operator, at: &ScalarValue) -> bool {
        let ScalarValue::TimestampMicrosecond(Some(at), _) = at else { return false };
        let after = at.saturating_add(1);
        let (from, to) = match op {
            Operator::Eq => (*at, after),
            Operator::Gt => (after, i64::MAX),
            Operator::GtEq => (*at, i64::MAX),
            Operator::Lt => (i64::MIN, *at),
            Operator::LtEq => (i64::MIN, after),
            _ => return false,
        };
        self.ts = (self.ts.0.max(from), self.ts.1.min(to));
        true
    }
}

#[cfg(test)]
#[path = "filters_tests.rs"]
mod tests;
