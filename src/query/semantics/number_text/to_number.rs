//! `to_number(text, pattern)`: the number in a text, with as many digits after the point as its pattern has.

use std::sync::Arc;

use arrow::array::{AsArray, Decimal128Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::pattern::NumberPattern;

const NAME: &str = "to_number";

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ToNumber {
    signature: Signature,
}

impl Default for ToNumber {
    fn default() -> Self {
        let texts = vec![DataType::Utf8, DataType::Utf8];
        Self { signature: Signature::exact(texts, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ToNumber {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("the type of {NAME} depends on its pattern")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let data_type = match args.scalar_arguments {
            [_, Some(pattern)] => match pattern.try_as_str().flatten() {
                Some(pattern) => number_type(&NumberPattern::for_reading(NAME, pattern)?),
                None => DataType::Decimal128(1, 0),
            },
            _ => return plan_err!("{NAME}: the pattern must be a constant, not a column"),
        };
        Ok(Arc::new(Field::new(NAME, data_type, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [texts, ColumnarValue::Scalar(pattern)] = args.args.as_slice() else {
            return exec_err!("{NAME} takes a text and a constant pattern");
        };
        let Some(pattern) = pattern.try_as_str().flatten() else {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(args.return_field.data_type())?));
        };
        let pattern = NumberPattern::for_reading(NAME, pattern)?;
        let is_scalar = matches!(texts, ColumnarValue::Scalar(_));
        let texts = cast(&texts.to_array(if is_scalar { 1 } else { args.number_rows })?, &DataType::Utf8)?;
        let numbers = texts.as_string::<i32>().iter();
        let numbers = numbers.map(|text| text.map(|text| pattern.read(NAME, text)).transpose());
        let numbers = numbers.collect::<Result<Decimal128Array>>()?.with_data_type(number_type(&pattern));
        Ok(match is_scalar {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&numbers, 0)?),
            false => ColumnarValue::Array(Arc::new(numbers)),
        })
    }
}

/// The type of the numbers that a pattern reads.
fn number_type(pattern: &NumberPattern) -> DataType {
    let (digits, scale) = (pattern.whole + pattern.fraction, pattern.fraction);
    // Patterns of more than 38 digits are refused.
    DataType::Decimal128(digits.clamp(1, 38) as u8, scale.min(38) as i8)
}
