//! `float_to_numeric(x, NULL::numeric(p, s))`: a `float8` or `real` as a `numeric` of its first digits, 15 or 6, like PostgreSQL's cast.
//! arrow multiplies by a power of ten instead, which invents digits: 123456789.125 became 123456789.1249999872.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{AsArray, Decimal128Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::{DFSchema, exec_datafusion_err, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

const NAME: &str = "float_to_numeric";
/// Digits of which each decimal number survives a `float8`, or a `real` (`DBL_DIG` and `FLT_DIG` of C).
const FLOAT8_DIGITS: usize = 15;
const FLOAT4_DIGITS: usize = 6;
/// Bound of the whole numbers that have no more digits than a `float8` shows.
const MAX_PLAIN: f64 = 1e15;

/// The function. Its second argument has the type of the result, and no value.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct FloatToNumeric {
    signature: Signature,
}

impl Default for FloatToNumeric {
    fn default() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

/// The call in place of a cast; `None` for a cast that is none of a number with a binary fraction to a `numeric`.
pub(super) fn in_place_of_cast(expr: &Expr, target: &DataType, schema: &DFSchema) -> Result<Option<Expr>> {
    if !matches!(target, DataType::Decimal128(..)) {
        return Ok(None);
    }
    if !matches!(expr.get_type(schema)?, DataType::Float32 | DataType::Float64) {
        return Ok(None);
    }
    let of_type = Expr::Literal(ScalarValue::try_from(target)?, None);
    Ok(Some(ScalarUDF::from(FloatToNumeric::default()).call(vec![expr.clone(), of_type])))
}

impl ScalarUDFImpl for FloatToNumeric {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [_, target @ DataType::Decimal128(..)] => Ok(target.clone()),
            _ => exec_err!("{NAME} takes a number and a type"),
        }
    }

    /// NULL stays NULL, and nothing else becomes it.
    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let [number, target] = args.arg_fields else { return exec_err!("{NAME} takes a number and a type") };
        Ok(Arc::new(Field::new(NAME, target.data_type().clone(), number.is_nullable())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ([number, _], &DataType::Decimal128(precision, scale)) =
            (args.args.as_slice(), args.return_field.data_type())
        else {
            return exec_err!("{NAME} takes a number and a type");
        };
        let is_constant = matches!(number, ColumnarValue::Scalar(_));
        let numbers = number.to_array(if is_constant { 1 } else { args.number_rows })?;
        let digits = if numbers.data_type() == &DataType::Float32 { FLOAT4_DIGITS } else { FLOAT8_DIGITS };
        let numbers = cast(&numbers, &DataType::Float64)?;
        let (limit, mut text) = (10_i128.checked_pow(precision.into()), String::new());
        let mut converted = |number: f64| {
            let made = unscaled(number, digits, scale.into(), &mut text);
            let fits = |made: &i128| limit.is_none_or(|limit| made.unsigned_abs() < limit.unsigned_abs());
            made.filter(fits).ok_or_else(|| {
                exec_datafusion_err!("Can't cast value {number} to type numeric({precision},{scale})")
            })
        };
        let numbers = numbers.as_primitive::<Float64Type>().iter();
        let numbers = numbers.map(|number| number.map(&mut converted).transpose());
        let numbers =
            numbers.collect::<Result<Decimal128Array>>()?.with_precision_and_scale(precision, scale)?;
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&numbers, 0)?),
            false => ColumnarValue::Array(Arc::new(numbers)),
        })
    }
}

/// A number of so many digits times 10 to the power of `scale`, half away from zero; `None` where that is no number or too large.
/// `text` is room to write in.
fn unscaled(number: f64, digits: usize, scale: i32, text: &mut String) -> Option<i128> {
    if digits == FLOAT8_DIGITS && number.fract() == 0.0 && number.abs() < MAX_PLAIN && scale >= 0 {
        return (number as i128).checked_mul(10_i128.checked_pow(scale.unsigned_abs())?);
    }
    if !number.is_finite() {
        return None;
    }
    text.clear();
    let decimals = digits - 1;
    // Writing to a string does not fail.
    let _ = write!(text, "{number:.decimals$e}");
    let (mantissa, exponent) = text.split_once('e')?;
    let mut significant: i128 = 0;
    for digit in mantissa.bytes().filter(u8::is_ascii_digit) {
        significant = significant * 10 + i128::from(digit - b'0');
    }
    let shift = exponent.parse::<i32>().ok()? - decimals as i32 + scale;
    let power = 10_i128.checked_pow(shift.unsigned_abs());
    let size = match (shift >= 0, power) {
        (true, _) if significant == 0 => 0,
        (true, power) => significant.checked_mul(power?)?,
        (false, Some(power)) => significant / power + i128::from(significant % power >= power / 2),
        (false, None) => 0,
    };
    Some(if mantissa.starts_with('-') { -size } else { size })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right side is what PostgreSQL 15 answers.
    #[test]
    fn numbers_have_the_digits_that_postgresql_gives_them() {
        for (number, scale, expected) in [
            (123_456_789.125, 10, 1_234_567_891_250_000_000),
            (1.005, 2, 101),
            (-1.005, 2, -101),
            (1e17, 10, 1_000_000_000_000_000_000_000_000_000),
            (0.1 + 0.2, 10, 3_000_000_000),
            (1_234_567.1 + 3e-10, 10, 12_345_671_000_000_000),
            (9_007_199_254_740_991.0, 0, 9_007_199_254_740_990),
            (4e-11, 10, 0),
            (5e-11, 10, 1),
            (1e-300, 10, 0),
            (-0.0, 2, 0),
            (42.0, 2, 4200),
        ] {
            let found = unscaled(number, FLOAT8_DIGITS, scale, &mut String::new());
            assert_eq!(found, Some(expected), "{number} {scale}");
        }
        let found = unscaled(f64::from(0.1_f32), FLOAT4_DIGITS, 10, &mut String::new());
        assert_eq!(found, Some(1_000_000_000));
        for none in [f64::NAN, f64::INFINITY, 1e30, 1e300] {
            assert_eq!(unscaled(none, FLOAT8_DIGITS, 10, &mut String::new()), None, "{none}");
        }
    }
}
