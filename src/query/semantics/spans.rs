//! Comparison of spans of time by their length. Arrow compares months, then days, then nanoseconds, so that 25 hours are
//! less than a day (DataFusion issues #8468 and #11876). PostgreSQL takes a month for 30 days and a day for 24 hours.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, InList, WindowFunction, WindowFunctionDefinition};
use datafusion::logical_expr::{
    Between, BinaryExpr, ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

const NAME: &str = "comparable_span";
const NANOS_PER_DAY: i128 = 86_400_000_000_000;
const DAYS_PER_MONTH: i128 = 30;
/// Functions that compare their arguments.
const COMPARING_FUNCTIONS: [&str; 3] = ["greatest", "least", "nullif"];

/// `comparable_span(interval)`: the interval of the same length in whole days and the rest, which compares as it is long.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ComparableSpan {
    signature: Signature,
}

impl Default for ComparableSpan {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ComparableSpan {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Interval(IntervalUnit::MonthDayNano))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (values, is_scalar) = match args.args.as_slice() {
            [ColumnarValue::Array(values)] => (Arc::clone(values), false),
            [ColumnarValue::Scalar(value)] => (value.to_array()?, true),
            _ => return exec_err!("{NAME} takes one interval"),
        };
        let spans = cast(&values, &DataType::Interval(IntervalUnit::MonthDayNano))?;
        let spans = spans.as_primitive::<IntervalMonthDayNanoType>();
        let comparable = spans.try_unary::<_, IntervalMonthDayNanoType, _>(comparable)?;
        Ok(if is_scalar {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&comparable, 0)?)
        } else {
            ColumnarValue::Array(Arc::new(comparable))
        })
    }
}

/// The days are rounded down, so that the rest is never negative.
fn comparable(span: IntervalMonthDayNano) -> Result<IntervalMonthDayNano> {
    let days = i128::from(span.months) * DAYS_PER_MONTH + i128::from(span.days);
    let nanos = days * NANOS_PER_DAY + i128::from(span.nanoseconds);
    let (days, rest) = (nanos.div_euclid(NANOS_PER_DAY), nanos.rem_euclid(NANOS_PER_DAY));
    match (i32::try_from(days), i64::try_from(rest)) {
        (Ok(days), Ok(rest)) => Ok(IntervalMonthDayNano::new(0, days, rest)),
        _ => exec_err!("an interval of {days} days is too long to be compared"),
    }
}

/// Makes a comparison, or a function that compares, compare spans by their length.
pub(super) fn in_comparison(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let all = |exprs: Vec<Expr>| -> Result<Vec<Expr>> {
        exprs.into_iter().map(|expr| of_key(expr, schema).map(|expr| expr.data)).collect()
    };
    let boxed = |expr: Box<Expr>| of_key(*expr, schema).map(|expr| Box::new(expr.data));
    if !has_span(&expr, schema)? {
        return Ok(Transformed::no(expr));
    }
    Ok(Transformed::yes(match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            Expr::BinaryExpr(BinaryExpr { left: boxed(left)?, op, right: boxed(right)? })
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            Expr::Between(Between { expr: boxed(expr)?, negated, low: boxed(low)?, high: boxed(high)? })
        }
        Expr::InList(InList { expr, list, negated }) => {
            Expr::InList(InList { expr: boxed(expr)?, list: all(list)?, negated })
        }
        Expr::ScalarFunction(mut function) => {
            function.args = all(function.args)?;
            Expr::ScalarFunction(function)
        }
        Expr::AggregateFunction(AggregateFunction { func, mut params }) => {
            params.args = all(params.args)?;
            Expr::AggregateFunction(AggregateFunction { func, params })
        }
        Expr::WindowFunction(mut window) => {
            if is_min_or_max(&window) {
                window.params.args = all(window.params.args)?;
            }
            for key in &mut window.params.order_by {
                key.expr = of_key(key.expr.clone(), schema)?.data;
            }
            Expr::WindowFunction(window)
        }
        other => other,
    }))
}

/// Whether an expression compares spans that are not comparable yet.
fn has_span(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    let any = |exprs: &[Expr]| -> Result<bool> {
        exprs.iter().try_fold(false, |found, e| Ok(found || is_span(e, schema)?))
    };
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if op.supports_propagation() => {
            Ok(is_span(left, schema)? || is_span(right, schema)?)
        }
        Expr::Between(between) => is_span(&between.expr, schema),
        Expr::InList(list) => is_span(&list.expr, schema),
        Expr::ScalarFunction(function) if COMPARING_FUNCTIONS.contains(&function.name()) => {
            any(&function.args)
        }
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            Ok(matches!(func.name(), "min" | "max") && any(&params.args)?)
        }
        Expr::WindowFunction(window) => {
            let keys: Vec<Expr> = window.params.order_by.iter().map(|key| key.expr.clone()).collect();
            Ok(any(&keys)? || (is_min_or_max(window) && any(&window.params.args)?))
        }
        _ => Ok(false),
    }
}

fn is_min_or_max(window: &WindowFunction) -> bool {
    matches!(&window.fun, WindowFunctionDefinition::AggregateUDF(of) if matches!(of.name(), "min" | "max"))
}

/// The type of most expressions is known without those that they consist of, which keeps deep statements cheap.
pub(super) fn is_span(expr: &Expr, schema: &DFSchema) -> Result<bool> {
    let is_interval = |data_type: &DataType| matches!(data_type, DataType::Interval(_));
    match expr {
        Expr::ScalarFunction(call) if call.name() == NAME => Ok(false),
        Expr::Literal(value, _) => Ok(is_interval(&value.data_type())),
        Expr::Cast(cast) => Ok(is_interval(cast.field.data_type())),
        Expr::BinaryExpr(BinaryExpr { op, .. }) if op.supports_propagation() || op.is_logic_operator() => {
            Ok(false)
        }
        Expr::Not(_)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::Like(_)
        | Expr::InList(_)
        | Expr::Between(_) => Ok(false),
        other => Ok(is_interval(&other.get_type(schema)?)),
    }
}

/// The key by which a value is compared or sorted.
pub(super) fn of_key(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    if is_span(&expr, schema)? {
        return Ok(Transformed::yes(ScalarUDF::from(ComparableSpan::default()).call(vec![expr])));
    }
    Ok(Transformed::no(expr))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_compare_as_they_are_long() {
        let span = |months, days, hours: i64| {
            comparable(IntervalMonthDayNano::new(months, days, hours * 3_600_000_000_000)).unwrap()
        };
        assert_eq!(span(1, 0, 0), span(0, 30, 0));
        assert_eq!(span(0, 1, 0), span(0, 0, 24));
        assert!(span(0, 0, 25) > span(0, 1, 0));
        assert!(span(0, 0, -1) < span(0, 0, 0));
        assert!(span(0, -1, 1) > span(0, 0, -24));
        assert!(comparable(IntervalMonthDayNano::new(i32::MAX, 0, 0)).is_err());
    }
}
