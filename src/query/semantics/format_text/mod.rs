//! `format(template, …)`: a text with values in it, each plain (`%s`), as a name (`%I`) or as a literal (`%L`), which DataFusion
//! does not have (PostgreSQL 15, 9.4.1).

mod quoting;
mod template;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::scalar::ScalarValue;

use super::text;
use template::Template;

const NAME: &str = "format";

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct FormatText {
    signature: Signature,
}

impl Default for FormatText {
    fn default() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for FormatText {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let [_, values @ ..] = types else { return plan_err!("{NAME} takes a text and values") };
        if let Some(nested) = values.iter().find(|of| of.is_nested()) {
            return plan_err!("{NAME} does not take values of the type {nested}");
        }
        Ok(std::iter::once(&DataType::Utf8).chain(values).cloned().collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let constant = match args.args.first() {
            Some(ColumnarValue::Scalar(template)) => template.try_as_str().flatten().map(Template::parse),
            _ => None,
        };
        let constant = constant.transpose()?;
        let columns = args.args.iter().map(|column| shown(&column.to_array(rows)?));
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let columns: Vec<&StringArray> = columns.iter().map(|column| column.as_string()).collect();
        let [templates, values @ ..] = columns.as_slice() else {
            return exec_err!("{NAME} takes a text and values");
        };
        let filled = (0..rows).map(|row| {
            let at_row = |column: &&StringArray| column.is_valid(row).then(|| column.value(row).to_owned());
            let Some(template) = at_row(templates) else { return Ok(None) };
            let values: Vec<Option<String>> = values.iter().map(at_row).collect();
            let values: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
            match &constant {
                Some(template) => template.fill(&values).map(Some),
                None => Template::parse(&template)?.fill(&values).map(Some),
            }
        });
        let filled = filled.collect::<Result<StringArray>>()?;
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&filled, 0)?),
            false => ColumnarValue::Array(Arc::new(filled)),
        })
    }
}

/// The texts of a column as they are shown: `t` for true.
pub(super) fn shown(column: &ArrayRef) -> Result<ArrayRef> {
    if let Some(values) = column.as_any().downcast_ref::<BooleanArray>() {
        let words = values.iter().map(|value| value.map(|is_true| if is_true { "t" } else { "f" }));
        return Ok(Arc::new(words.collect::<StringArray>()));
    }
    let shown =
        if text::has_own_text(column.data_type()) { text::texts(column)? } else { Arc::clone(column) };
    Ok(cast(&shown, &DataType::Utf8)?)
}
