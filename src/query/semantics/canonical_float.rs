//! Floating-point numbers without the two signs that PostgreSQL does not see (15, 8.1.3): −0 is 0, and NaN has none. Arrow sorts and compares NaN
//! with its sign, and x86 makes a negative one of 0/0 and of ∞−∞: it would be less than every number, and no NaN would equal it.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use datafusion::common::exec_err;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::input_rows::InputRows;

/// `canonical_float(x)`: the number, but 0 for −0, and one NaN for all; `unsigned_nan(x)`: the number, but one NaN for all.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CanonicalFloat {
    keeps_zero: bool,
    signature: Signature,
}

impl CanonicalFloat {
    fn new(keeps_zero: bool) -> Self {
        let signature = Signature::exact(vec![DataType::Float64], Volatility::Immutable);
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

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [ColumnarValue::Array(numbers)] => {
                let numbers = numbers.as_primitive::<Float64Type>();
                let numbers: ArrayRef = Arc::new(numbers.unary::<_, Float64Type>(|number| self.of(number)));
                Ok(ColumnarValue::Array(numbers))
            }
            [ColumnarValue::Scalar(ScalarValue::Float64(number))] => {
                Ok(ColumnarValue::Scalar(ScalarValue::Float64(number.map(|number| self.of(number)))))
            }
            _ => exec_err!("{} takes one number", self.name()),
        }
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

/// Takes the sign from results that may be NaN: of a division, and of what is made of one, of a constant that is infinite or NaN, or
/// of a column that is computed. Stored numbers are finite: other arithmetic of them makes no NaN and stays as it is.
pub(super) fn in_expr(expr: Expr, rows: InputRows<'_>) -> Result<Transformed<Expr>> {
    let is_unbounded = |operand: &Expr| is_unbounded(operand, rows);
    let may_be_nan = match &expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::Divide | Operator::Modulo => true,
            Operator::Plus | Operator::Minus | Operator::Multiply => {
                is_unbounded(left) || is_unbounded(right)
            }
            _ => false,
        },
        Expr::Negative(of) => is_unbounded(of),
        Expr::ScalarFunction(call) => ["sqrt", "power", "pow"].contains(&call.name()),
        _ => false,
    };
    if !may_be_nan || expr.get_type(rows.schema)? != DataType::Float64 {
        return Ok(Transformed::no(expr));
    }
    Ok(Transformed::yes(ScalarUDF::from(CanonicalFloat::new(true)).call(vec![expr])))
}

/// Whether a number may be infinite or NaN: what is below was looked at before.
fn is_unbounded(expr: &Expr, rows: InputRows<'_>) -> bool {
    match expr {
        Expr::Column(_) => !rows.has_stored(expr),
        Expr::Literal(ScalarValue::Float64(Some(number)), _) => !number.is_finite(),
        Expr::Cast(cast) => match &*cast.expr {
            // `'NaN'::float8`: a number that is written out has digits.
            Expr::Literal(ScalarValue::Utf8(Some(text)), _) => !text.contains(|c: char| c.is_ascii_digit()),
            of => is_unbounded(of, rows),
        },
        Expr::ScalarFunction(call) => call.name() == "unsigned_nan",
        _ => false,
    }
}
