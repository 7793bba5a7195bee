//! Intervals times and by numbers, which DataFusion does not compute. As in PostgreSQL (15, `interval_mul` and `interval_div`), parts
//! of a month become days of a month of 30, and parts of a day become time.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::kernels::arity::try_binary;
use arrow::datatypes::{
    DataType, Field, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
};
use arrow::error::ArrowError;
use datafusion::common::{DFSchema, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, cast,
};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::date_part::as_spans;

const PRODUCT: &str = "scaled_span";
const QUOTIENT: &str = "divided_span";
const TIME: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
const DAYS_PER_MONTH: f64 = 30.0;
const SECONDS_PER_DAY: f64 = 86_400.0;
const MICROS_PER_SECOND: f64 = 1e6;

/// `scaled_span(interval, factor)`, the interval times the factor, or `divided_span(interval, divisor)`, the interval by the divisor.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ScaledSpan {
    divides: bool,
    signature: Signature,
}

impl ScaledSpan {
    fn new(divides: bool) -> Self {
        Self { divides, signature: Signature::any(2, Volatility::Immutable) }
    }

    /// Both functions.
    pub fn all() -> impl Iterator<Item = ScalarUDF> {
        [false, true].into_iter().map(|divides| ScalarUDF::from(Self::new(divides)))
    }
}

impl ScalarUDFImpl for ScaledSpan {
    fn name(&self) -> &str {
        if self.divides { QUOTIENT } else { PRODUCT }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Interval(IntervalUnit::MonthDayNano))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [spans, factors] = arrays.as_slice() else {
            return exec_err!("{} takes an interval and a number", self.name());
        };
        let spans = as_spans(spans)?;
        let factors = arrow::compute::cast(factors, &DataType::Float64)?;
        let scaled = try_binary::<_, _, _, IntervalMonthDayNanoType>(
            spans.as_primitive::<IntervalMonthDayNanoType>(),
            factors.as_primitive::<Float64Type>(),
            if self.divides { quotient } else { product_of },
        )?;
        let are_scalars = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        Ok(if are_scalars {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&scaled, 0)?)
        } else {
            ColumnarValue::Array(Arc::new(scaled))
        })
    }
}

fn product_of(span: IntervalMonthDayNano, factor: f64) -> Result<IntervalMonthDayNano, ArrowError> {
    scaled(span, |part| part * factor)
}

fn quotient(span: IntervalMonthDayNano, divisor: f64) -> Result<IntervalMonthDayNano, ArrowError> {
    if divisor == 0.0 {
        return Err(ArrowError::DivideByZero);
    }
    // Not times the reciprocal: 49 days times a 49th are less than a day.
    scaled(span, |part| part / divisor)
}

fn scaled(
    span: IntervalMonthDayNano,
    scale: impl Fn(f64) -> f64,
) -> Result<IntervalMonthDayNano, ArrowError> {
    let months = scale(f64::from(span.months));
    let days = scale(f64::from(span.days));
    let days_of_months = to_micros(months.fract() * DAYS_PER_MONTH);
    let seconds = to_micros((days.fract() + days_of_months.fract()) * SECONDS_PER_DAY);
    // A whole day of seconds is a day.
    let days_of_seconds = (seconds / SECONDS_PER_DAY).trunc();
    let seconds = seconds - days_of_seconds * SECONDS_PER_DAY;
    let whole_days = days.trunc() + days_of_months.trunc() + days_of_seconds;
    let micros = scale(span.nanoseconds as f64 / 1_000.0) + seconds * MICROS_PER_SECOND;
    let max = f64::from(i32::MAX);
    // NaN is not below either; the largest number of nanoseconds is some 9.2e18.
    let fits = months.abs() <= max && whole_days.abs() <= max && micros.abs() <= 9.2e15;
    if !fits {
        return Err(ArrowError::ComputeError("interval out of range".to_owned()));
    }
    let nanos = micros.round_ties_even() as i64 * 1_000;
    Ok(IntervalMonthDayNano::new(months.trunc() as i32, whole_days as i32, nanos))
}

/// A number with six digits after the point (`TSROUND`).
fn to_micros(number: f64) -> f64 {
    (number * MICROS_PER_SECOND).round_ties_even() / MICROS_PER_SECOND
}

/// Plans `interval * number`, `number * interval`, `interval / number`, `date + interval`, which is a time, `time + 'text'` and
/// `interval > 'text'`.
#[derive(Debug, Default)]
pub struct SpanPlanner;

impl ExprPlanner for SpanPlanner {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        match raw.op {
            BinaryOperator::Multiply | BinaryOperator::Divide => Ok(product(raw, schema)),
            BinaryOperator::Plus | BinaryOperator::Minus => Ok(PlannerResult::Original(shifted(raw, schema))),
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => Ok(PlannerResult::Original(compared(raw, schema))),
            _ => Ok(PlannerResult::Original(raw)),
        }
    }
}

/// Takes a text that an interval is compared with for an interval.
fn compared(raw: RawBinaryExpr, schema: &DFSchema) -> RawBinaryExpr {
    let RawBinaryExpr { op, left, right } = raw;
    let is_text = |expr: &Expr| matches!(expr, Expr::Literal(ScalarValue::Utf8(Some(_)), _));
    let is_interval =
        |expr: &Expr| matches!(type_of(expr, schema), Some(DataType::Interval(_) | DataType::Duration(_)));
    let as_interval = |expr: Expr| cast(expr, DataType::Interval(IntervalUnit::MonthDayNano));
    match (is_text(&left), is_text(&right)) {
        (false, true) if is_interval(&left) => RawBinaryExpr { op, left, right: as_interval(right) },
        (true, false) if is_interval(&right) => RawBinaryExpr { op, left: as_interval(left), right },
        _ => RawBinaryExpr { op, left, right },
    }
}

fn product(raw: RawBinaryExpr, schema: &DFSchema) -> PlannerResult<RawBinaryExpr> {
    let is_interval = |expr: &Expr| {
        !is_product(expr)
            && type_of(expr, schema)
                .is_some_and(|of| matches!(of, DataType::Interval(_) | DataType::Duration(_)))
    };
    let divides = raw.op == BinaryOperator::Divide;
    let (span, number) = match (is_interval(&raw.left), is_interval(&raw.right)) {
        (true, false) => (raw.left, raw.right),
        (false, true) if !divides => (raw.right, raw.left),
        _ => return PlannerResult::Original(raw),
    };
    PlannerResult::Planned(ScalarUDF::from(ScaledSpan::new(divides)).call(vec![span, number]))
}

/// Takes a date to which an interval is added for a time, and a text or parameter that is added to a time for an interval, as
/// PostgreSQL does.
fn shifted(raw: RawBinaryExpr, schema: &DFSchema) -> RawBinaryExpr {
    let RawBinaryExpr { op, left, right } = raw;
    let is_sum = op == BinaryOperator::Plus;
    let left = if is_sum { as_span_beside(left, &right, schema) } else { left };
    let right = if is_sum { as_span_beside(right, &left, schema) } else { right };
    // Long sums are of numbers, and grow to the left: the right side is looked at first.
    let added = if matches!(right, Expr::BinaryExpr(_)) { None } else { type_of(&right, schema) };
    let (left, right) = match added {
        Some(DataType::Interval(_)) if type_of(&left, schema) == Some(DataType::Date32) => {
            (cast(left, TIME), right)
        }
        Some(DataType::Date32) if is_sum && matches!(type_of(&left, schema), Some(DataType::Interval(_))) => {
            (left, cast(right, TIME))
        }
        Some(DataType::Utf8)
            if is_sum
                && matches!(right, Expr::Literal(..))
                && matches!(type_of(&left, schema), Some(DataType::Timestamp(..))) =>
        {
            (left, cast(right, DataType::Interval(IntervalUnit::MonthDayNano)))
        }
        _ => (left, right),
    };
    RawBinaryExpr { op, left, right }
}

/// Takes a parameter beside a time for an interval. DataFusion takes it for another time, which it cannot add.
fn as_span_beside(side: Expr, other: &Expr, schema: &DFSchema) -> Expr {
    match side {
        Expr::Placeholder(Placeholder { id, field: None })
            if matches!(type_of(other, schema), Some(DataType::Timestamp(..) | DataType::Time64(_))) =>
        {
            let field = Field::new("", DataType::Interval(IntervalUnit::MonthDayNano), true);
            Expr::Placeholder(Placeholder::new_with_field(id, Some(Arc::new(field))))
        }
        side => side,
    }
}

/// The type of an expression; `None` where it cannot be told yet, as of a parameter.
fn type_of(expr: &Expr, schema: &DFSchema) -> Option<DataType> {
    match expr {
        Expr::Literal(value, _) => Some(value.data_type()),
        Expr::Cast(cast) => Some(cast.field.data_type().clone()),
        other => other.get_type(schema).ok(),
    }
}

/// A product of an interval is a call of [`ScaledSpan`], so other products are numbers; this keeps long ones cheap.
fn is_product(expr: &Expr) -> bool {
    matches!(expr, Expr::BinaryExpr(of) if matches!(of.op, Operator::Multiply | Operator::Divide))
}
