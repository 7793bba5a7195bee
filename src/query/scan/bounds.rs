//! Which streams and times a query can touch, read off its filters.

use std::collections::BTreeSet;

use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::scalar::ScalarValue;

use crate::domain::time::{Day, MICROS_PER_DAY};

/// Necessary conditions on the rows of an answer; rows within the bounds may still be filtered out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Inclusive, microseconds.
    pub ts: (i64, i64),
    /// `None` is every stream.
    pub streams: Option<BTreeSet<i32>>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { ts: (i64::MIN, i64::MAX), streams: None }
    }
}

impl Bounds {
    /// From filters that all hold.
    pub fn from_filters(filters: &[Expr]) -> Self {
        let mut bounds = Bounds::default();
        filters.iter().for_each(|f| bounds.narrow(f));
        bounds
    }

    /// Whether any wanted stream lies in `low..=high`.
    pub fn has_stream_between(&self, (low, high): (i32, i32)) -> bool {
        low <= high && self.streams.as_ref().is_none_or(|s| s.range(low..=high).next().is_some())
    }

    pub fn overlaps(&self, (from, to): (i64, i64)) -> bool {
        from <= self.ts.1 && self.ts.0 <= to
    }

    pub fn has_day(&self, day: Day) -> bool {
        let start = day.start().0;
        self.overlaps((start, start + MICROS_PER_DAY - 1))
    }

    /// Keeps only streams that are in `ids` too.
    pub fn restrict(&mut self, ids: BTreeSet<i32>) {
        self.streams = Some(match self.streams.take() {
            None => ids,
            Some(streams) => streams.intersection(&ids).copied().collect(),
        });
    }

    fn narrow(&mut self, filter: &Expr) {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.narrow(left);
                self.narrow(right);
            }
            // What short lists are rewritten to.
            Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }) => {
                if let Some(ids) = one_of(filter) {
                    self.restrict(ids);
                }
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                if let (Expr::Column(column), Expr::Literal(value, _)) = (left.as_ref(), right.as_ref()) {
                    self.compare(&column.name, *op, value);
                } else if let (Expr::Literal(value, _), Expr::Column(column)) =
                    (left.as_ref(), right.as_ref())
                    && let Some(op) = op.swap()
                {
                    self.compare(&column.name, op, value);
                }
            }
            Expr::InList(InList { expr, list, negated: false }) => {
                let ids: Option<BTreeSet<i32>> = list.iter().map(literal_i32).collect();
                if let (Expr::Column(column), Some(ids)) = (expr.as_ref(), ids)
                    && column.name == "stream_id"
                {
                    self.restrict(ids);
                }
            }
            Expr::Between(between) if !between.negated => {
                if let (Expr::Column(c), Expr::Literal(low, _), Expr::Literal(high, _)) =
                    (between.expr.as_ref(), between.low.as_ref(), between.high.as_ref())
                {
                    self.compare(&c.name, Operator::GtEq, low);
                    self.compare(&c.name, Operator::LtEq, high);
                }
            }
            _ => {}
        }
    }

    fn compare(&mut self, column: &str, op: Operator, value: &ScalarValue) {
        match column {
            "ts" => {
                let Some(micros) = to_micros(value) else { return };
                match op {
                    Operator::Eq => self.ts = (self.ts.0.max(micros), self.ts.1.min(micros)),
                    Operator::Gt => self.ts.0 = self.ts.0.max(micros.saturating_add(1)),
                    Operator::GtEq => self.ts.0 = self.ts.0.max(micros),
                    Operator::Lt => self.ts.1 = self.ts.1.min(micros.saturating_sub(1)),
                    Operator::LtEq => self.ts.1 = self.ts.1.min(micros),
                    _ => {}
                }
            }
            "stream_id" if op == Operator::Eq => {
                if let ScalarValue::Int32(Some(id)) = value {
                    self.restrict(BTreeSet::from([*id]));
                }
            }
            _ => {}
        }
    }
}

/// The ids of `stream_id = 1 OR stream_id IN (2, 3)`; `None` for anything else.
fn one_of(filter: &Expr) -> Option<BTreeSet<i32>> {
    if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) = filter {
        return Some(&one_of(left)? | &one_of(right)?);
    }
    let mut bounds = Bounds::default();
    bounds.narrow(filter);
    bounds.streams
}

fn literal_i32(expr: &Expr) -> Option<i32> {
    match expr {
        Expr::Literal(ScalarValue::Int32(Some(id)), _) => Some(*id),
        _ => None,
    }
}

/// Only our own unit: others are cast to it before filters get here, and what is not is left to the filter itself.
fn to_micros(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::TimestampMicrosecond(micros, _) => *micros,
        _ => None,
    }
}

/// Whether a filter compares only stream_id and ts with constants. Such a filter cannot fail and needs no value, so
/// it may run below the merge and before the principal's filter.
pub fn is_plain(filter: &Expr) -> bool {
    let is_key = |e: &Expr| matches!(e, Expr::Column(c) if c.name == "stream_id" || c.name == "ts");
    let is_literal = |e: &Expr| matches!(e, Expr::Literal(..));
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            is_plain(left) && is_plain(right)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            op.supports_propagation()
                && (is_key(left) && is_literal(right) || is_literal(left) && is_key(right))
        }
        Expr::InList(list) => is_key(&list.expr) && list.list.iter().all(is_literal),
        Expr::Between(b) => is_key(&b.expr) && is_literal(&b.low) && is_literal(&b.high),
        Expr::Not(inner) => is_plain(inner),
        _ => false,
    }
}

#[cfg(test)]
#[path = "bounds_tests.rs"]
mod tests;
