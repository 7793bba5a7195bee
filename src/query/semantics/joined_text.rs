//! `concat(…)` and `concat_ws(separator, …)` of values as PostgreSQL shows them. DataFusion (55) writes `true` for `t`, and an interval
//! or an array as Rust shows it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

use super::format_text;

/// One of the functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct JoinedText {
    has_separator: bool,
    signature: Signature,
}

impl JoinedText {
    /// Both functions.
    pub fn all() -> impl Iterator<Item = ScalarUDF> {
        [false, true].into_iter().map(|has_separator| {
            let signature = Signature::user_defined(Volatility::Immutable);
            ScalarUDF::from(Self { has_separator, signature })
        })
    }
}

impl ScalarUDFImpl for JoinedText {
    fn name(&self) -> &str {
        if self.has_separator { "concat_ws" } else { "concat" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let name = self.name();
        if types.len() < 1 + usize::from(self.has_separator) {
            return plan_err!("{name} takes values");
        }
        if let Some(nested) = types.iter().find(|of| of.is_nested()) {
            return plan_err!("{name} does not take values of the type {nested}: use array_to_string");
        }
        let mut types = types.to_vec();
        if self.has_separator {
            types[0] = DataType::Utf8;
        }
        Ok(types)
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let columns = args.args.iter().map(|column| format_text::shown(&column.to_array(rows)?));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let columns: Vec<&StringArray> = columns.iter().map(|column| column.as_string()).collect();
        let (separators, values) = match (self.has_separator, columns.as_slice()) {
            (true, [separators, values @ ..]) => (Some(*separators), values),
            (false, values) => (None, values),
            (true, []) => return exec_err!("{} takes values", self.name()),
        };
        let texts = (0..rows).map(|row| match separators {
            Some(separators) if separators.is_null(row) => None,
            separators => {
                let separator = separators.map_or("", |separators| separators.value(row));
                let present = values.iter().filter(|column| column.is_valid(row));
                let parts: Vec<&str> = present.map(|column| column.value(row)).collect();
                Some(parts.join(separator))
            }
        });
        let joined = texts.collect::<StringArray>();
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&joined, 0)?),
            false => ColumnarValue::Array(Arc::new(joined)),
        })
    }
}
