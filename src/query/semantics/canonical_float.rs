//! Floating-point numbers without the two signs that PostgreSQL does not see (15, 8.1.3): −0 is 0, and NaN has none. Arrow sorts and compares
//! NaN with its sign, and x86 makes a negative one of 0/0 and of ∞−∞: it would be less than every number, and no NaN would equal it.
//!
//! The sign is taken where a NaN may arise, from the results of operators and functions, and where one may be compared that
//! came another way, such as the sum of a group. Stored numbers are finite: what is made of them alone, without a division, stays as it is.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, FieldRef, Float32Type, Float64Type};
use datafusion::common::exec_err;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Between, BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ReturnFieldArgs, ScalarFunctionArgs,
    ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::input_rows::{InputRows, is_float};
use super::return_field::as_nullable_as_arguments;

/// Functions that make NaN of finite numbers, or of infinite ones.
const MAKE_NAN: [&str; 14] = [
    "sqrt", "power", "pow", "ln", "log", "log2", "log10", "sin", "cos", "tan", "cot", "acos", "asin", "atanh",
];

/// `canonical_float(x)`: the number, but 0 for −0, and one NaN for all; `unsigned_nan(x)`: the number, but one NaN for all.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CanonicalFloat {
    keeps_zero: bool,
    signature: Signature,
}

impl CanonicalFloat {
    fn new(keeps_zero: bool) -> Self {
        let signature =
            Signature::uniform(1, vec![DataType::Float64, DataType::Float32], Volatility::Immutable);
        Self { keeps_zero, signature }
    }

    /// Both functions.
    pub fn all() -> impl Iterator<Item = ScalarUDF> {
        [false, true].into_iter().map(|keeps_zero| ScalarUDF::from(Self::new(keeps_zero)))
    }

    fn of(&self, number: f64) -> f64 {
        if self.keeps_zero && !number.is_nan() { number } else { canonical(number) }
    }
}

impl ScalarUDFImpl for CanonicalFloat {
    fn name(&self) -> &str {
        if self.keeps_zero { "unsigned_nan" } else { "canonical_float" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        args.first().cloned().map_or_else(|| exec_err!("{} takes one number", self.name()), Ok)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        as_nullable_as_arguments(self, &args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let short = |number: f32| self.of(number.into()) as f32;
        Ok(match args.args.as_slice() {
            [ColumnarValue::Array(numbers)] => ColumnarValue::Array(match numbers.data_type() {
                DataType::Float32 => {
                    let numbers = numbers.as_primitive::<Float32Type>();
                    Arc::new(numbers.unary::<_, Float32Type>(short)) as ArrayRef
                }
                _ => {
                    let numbers = numbers.as_primitive::<Float64Type>();
                    Arc::new(numbers.unary::<_, Float64Type>(|number| self.of(number)))
                }
            }),
            [ColumnarValue::Scalar(ScalarValue::Float64(number))] => {
                ColumnarValue::Scalar(ScalarValue::Float64(number.map(|number| self.of(number))))
            }
            [ColumnarValue::Scalar(ScalarValue::Float32(number))] => {
                ColumnarValue::Scalar(ScalarValue::Float32(number.map(short)))
            }
            _ => return exec_err!("{} takes one number", self.name()),
        })
    }
}

/// The number without a sign that PostgreSQL does not see.
pub(super) fn canonical(number: f64) -> f64 {
    // The sum of −0 and 0 is 0 (IEEE 754, 6.3).
    if number.is_nan() { f64::NAN } else { number + 0.0 }
}

/// A key by which rows are compared: 0 for −0, and one NaN for all.
pub(super) fn key(number: Expr) -> Expr {
    ScalarUDF::from(CanonicalFloat::new(false)).call(vec![number])
}

/// Whether an expression is such a key.
pub(super) fn is_key(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.name() == "canonical_float")
}

/// Takes the sign from results that may be NaN, and from what is compared and may be NaN.
pub(super) fn in_expr(expr: Expr, rows: InputRows<'_>) -> Result<Transformed<Expr>> {
    let makes_nan = match &expr {
        Expr::BinaryExpr(BinaryExpr { op, .. }) => match op {
            Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo => {
                true
            }
            op if is_comparison(*op) => return Ok(in_comparison(expr, rows)),
            _ => false,
        },
        Expr::Between(_) => return Ok(in_comparison(expr, rows)),
        Expr::Negative(_) => true,
        Expr::Cast(cast) => is_float(cast.field.data_type()) && may_be_signed_text(&cast.expr, rows)?,
        Expr::ScalarFunction(call) => MAKE_NAN.contains(&call.name()),
        _ => false,
    };
    if !makes_nan || !rows.may_be_nan(&expr) {
        return Ok(Transformed::no(expr));
    }
    Ok(Transformed::yes(without_sign(expr)))
}

/// Takes the sign from a key by which rows are sorted or grouped.
pub(super) fn in_key(key: Expr, rows: InputRows<'_>) -> Transformed<Expr> {
    match !has_no_sign(&key) && rows.may_be_nan(&key) {
        true => Transformed::yes(without_sign(key)),
        false => Transformed::no(key),
    }
}

/// Whether a value is a text that may be `-NaN`, which PostgreSQL reads too.
fn may_be_signed_text(value: &Expr, rows: InputRows<'_>) -> Result<bool> {
    Ok(match value {
        Expr::Literal(value, _) => {
            value.try_as_str().flatten().is_some_and(|text| text.trim().eq_ignore_ascii_case("-nan"))
        }
        value => value.get_type(rows.schema)? == DataType::Utf8,
    })
}

/// Whether an operator compares two values.
pub(super) fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

fn in_comparison(expr: Expr, rows: InputRows<'_>) -> Transformed<Expr> {
    let mut is_changed = false;
    let mut operand = |operand: Box<Expr>| {
        let operand = in_key(*operand, rows);
        is_changed |= operand.transformed;
        Box::new(operand.data)
    };
    let expr = match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            Expr::BinaryExpr(BinaryExpr { left: operand(left), op, right: operand(right) })
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let (low, high) = (operand(low), operand(high));
            Expr::Between(Between { expr: operand(expr), negated, low, high })
        }
        other => other,
    };
    if is_changed { Transformed::yes(expr) } else { Transformed::no(expr) }
}

/// The number, but one NaN for all: an expression that is no constant of the statement's text.
pub(super) fn without_sign(number: Expr) -> Expr {
    ScalarUDF::from(CanonicalFloat::new(true)).call(vec![number])
}

/// Whether a call of one of the functions is around a number already.
fn has_no_sign(expr: &Expr) -> bool {
    is_key(expr) || matches!(expr, Expr::ScalarFunction(call) if call.name() == "unsigned_nan")
}
