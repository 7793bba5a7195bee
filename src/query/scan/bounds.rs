//! Bounds of a query: the streams, times and values that its filters allow.

use std::collections::BTreeSet;

use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::scalar::ScalarValue;

use crate::domain::min_max::MinMax;
use crate::domain::time::{Day, MICROS_PER_DAY, MICROS_PER_SECOND};

/// Necessary conditions on the rows of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// Microseconds.
    pub ts: MinMax<i64>,
    /// `None` means every stream.
    pub streams: Option<BTreeSet<i32>>,
    /// Rows outside may still be read; the filter itself removes them, above the principal's filter.
    pub value: Option<MinMax<f64>>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { ts: MinMax::new(i64::MIN, i64::MAX), streams: None, value: None }
    }
}

impl Bounds {
    /// Derives bounds from filters that all apply.
    pub fn from_filters(filters: &[Expr]) -> Self {
        Self::split(filters).0
    }

    /// Derives bounds from filters that all apply, and returns the filters that the bounds of stream_id and ts do not
    /// express exactly.
    pub fn split(filters: &[Expr]) -> (Self, Vec<Expr>) {
        let mut bounds = Bounds::default();
        let rest = filters.iter().filter(|f| !bounds.narrow(f)).cloned().collect();
        (bounds, rest)
    }

    /// Whether no row can match: the conditions contradict each other.
    pub fn is_empty(&self) -> bool {
        self.ts.is_empty() || self.streams.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Returns the stream if rows can only be of one.
    pub fn one_stream(&self) -> Option<i32> {
        let streams = self.streams.as_ref().filter(|streams| streams.len() == 1)?;
        streams.first().copied()
    }

    /// Returns the length of the time range in seconds; `None` if it is open.
    pub fn seconds(&self) -> Option<usize> {
        let MinMax { min: from, max: to } = self.ts;
        let is_closed = from != i64::MIN && to != i64::MAX;
        let long = to.checked_sub(from).filter(|_| is_closed)?;
        usize::try_from(long.div_euclid(MICROS_PER_SECOND) + 1).ok()
    }

    /// Whether rows of a stream can match.
    pub fn has_stream(&self, stream: i32) -> bool {
        self.streams.as_ref().is_none_or(|s| s.contains(&stream))
    }

    /// Whether any of the streams is within `ids`.
    pub fn has_stream_within(&self, ids: MinMax<i32>) -> bool {
        let has_one = |streams: &BTreeSet<i32>| streams.range(ids.min..=ids.max).next().is_some();
        !ids.is_empty() && self.streams.as_ref().is_none_or(has_one)
    }

    /// Whether some value within `values` can match.
    pub fn has_value_within(&self, values: MinMax<f64>) -> bool {
        self.value.is_none_or(|value| value.overlaps(values))
    }

    /// Whether some time of a day (UTC) can match.
    pub fn has_day(&self, day: Day) -> bool {
        let start = day.start().0;
        self.ts.overlaps(MinMax::new(start, start + MICROS_PER_DAY - 1))
    }

    /// Restricts the streams to those in `ids`.
    pub fn restrict(&mut self, ids: BTreeSet<i32>) {
        self.streams = Some(match self.streams.take() {
            None => ids,
            Some(streams) => streams.intersection(&ids).copied().collect(),
        });
    }

    /// Narrows the bounds by a filter. Returns whether the bounds of stream_id and ts now express all of it.
    fn narrow(&mut self, filter: &Expr) -> bool {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                let left = self.narrow(left);
                self.narrow(right) && left
            }
            // The optimizer rewrites short lists to OR.
            Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. }) => match one_of(filter) {
                Some((ids, is_all)) => {
                    self.restrict(ids);
                    is_all
                }
                None => false,
            },
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (left.as_ref(), right.as_ref()) {
                (Expr::Column(column), Expr::Literal(value, _)) => self.compare(&column.name, *op, value),
                (Expr::Literal(value, _), Expr::Column(column)) => {
                    op.swap().is_some_and(|op| self.compare(&column.name, op, value))
                }
                _ => false,
            },
            Expr::InList(InList { expr, list, negated: false }) => {
                let ids: Option<BTreeSet<i32>> = list.iter().map(literal_i32).collect();
                match (expr.as_ref(), ids) {
                    (Expr::Column(column), Some(ids)) if column.name == "stream_id" => {
                        self.restrict(ids);
                        true
                    }
                    _ => false,
                }
            }
            Expr::Between(between) if !between.negated => {
                match (between.expr.as_ref(), between.low.as_ref(), between.high.as_ref()) {
                    (Expr::Column(c), Expr::Literal(low, _), Expr::Literal(high, _)) => {
                        let low = self.compare(&c.name, Operator::GtEq, low);
                        self.compare(&c.name, Operator::LtEq, high) && low
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn compare(&mut self, column: &str, op: Operator, value: &ScalarValue) -> bool {
        match (column, value) {
            ("ts", value) => to_micros(value).is_some_and(|micros| self.compare_ts(op, micros)),
            ("stream_id", ScalarValue::Int32(Some(id))) if op == Operator::Eq => {
                self.restrict(BTreeSet::from([*id]));
                true
            }
            ("value", ScalarValue::Float64(Some(number))) => {
                self.compare_value(op, *number);
                false
            }
            _ => false,
        }
    }

    fn compare_ts(&mut self, op: Operator, micros: i64) -> bool {
        let (from, to) = match op {
            Operator::Eq => (Some(micros), Some(micros)),
            Operator::Gt => (micros.checked_add(1), Some(i64::MAX)),
            Operator::GtEq => (Some(micros), Some(i64::MAX)),
            Operator::Lt => (Some(i64::MIN), micros.checked_sub(1)),
            Operator::LtEq => (Some(i64::MIN), Some(micros)),
            _ => return false,
        };
        // A time beyond the range of i64 is left to the filter itself.
        let (Some(from), Some(to)) = (from, to) else { return false };
        self.ts = self.ts.intersection(MinMax::new(from, to));
        true
    }

    fn compare_value(&mut self, op: Operator, number: f64) {
        let narrower = match op {
            Operator::Eq => MinMax::of(number),
            Operator::Gt | Operator::GtEq => MinMax::new(number, f64::INFINITY),
            Operator::Lt | Operator::LtEq => MinMax::new(f64::NEG_INFINITY, number),
            _ => return,
        };
        // SQL orders NaN above all numbers, but min and max of pages exclude it.
        if !number.is_nan() {
            let value = self.value.unwrap_or(MinMax::new(f64::NEG_INFINITY, f64::INFINITY));
            self.value = Some(value.intersection(narrower));
        }
    }
}

/// Returns the ids of `stream_id = 1 OR stream_id IN (2, 3)`, and whether the filter expresses nothing else; `None` for
/// any other filter.
fn one_of(filter: &Expr) -> Option<(BTreeSet<i32>, bool)> {
    if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) = filter {
        let ((left, left_is_all), (right, right_is_all)) = (one_of(left)?, one_of(right)?);
        return Some((&left | &right, left_is_all && right_is_all));
    }
    let mut bounds = Bounds::default();
    let is_all = bounds.narrow(filter) && bounds.ts == Bounds::default().ts;
    bounds.streams.map(|streams| (streams, is_all))
}

fn literal_i32(expr: &Expr) -> Option<i32> {
    match expr {
        Expr::Literal(ScalarValue::Int32(Some(id)), _) => Some(*id),
        _ => None,
    }
}

/// Accepts only microseconds: other units are cast to it before filters get here, and the rest is left to the filter
/// itself.
fn to_micros(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::TimestampMicrosecond(micros, _) => *micros,
        _ => None,
    }
}

/// Whether a filter compares only stream_id and ts with constants. Such a filter cannot fail and needs no value, so
/// it may run below the merge and before the principal's filter.
pub fn is_key_comparison(filter: &Expr) -> bool {
    let is_key = |e: &Expr| matches!(e, Expr::Column(c) if c.name == "stream_id" || c.name == "ts");
    let is_literal = |e: &Expr| matches!(e, Expr::Literal(..));
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            is_key_comparison(left) && is_key_comparison(right)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            op.supports_propagation()
                && (is_key(left) && is_literal(right) || is_literal(left) && is_key(right))
        }
        Expr::InList(list) => is_key(&list.expr) && list.list.iter().all(is_literal),
        Expr::Between(b) => is_key(&b.expr) && is_literal(&b.low) && is_literal(&b.high),
        Expr::Not(inner) => is_key_comparison(inner),
        _ => false,
    }
}

/// Whether a filter compares `value` with a number. Such bounds may select pages if no excluded row could have replaced
/// another.
pub fn is_value_comparison(filter: &Expr) -> bool {
    let mut bounds = Bounds::default();
    bounds.narrow(filter);
    bounds.value.is_some()
}

#[cfg(test)]
#[path = "bounds_tests.rs"]
mod tests;
