//! `element_texts(array)`: an array of texts, as PostgreSQL shows the elements. DataFusion's `array_to_string` (55) writes them as arrow does:
//! `true`, `2024-03-31T10:00:00Z`.

use std::sync::Arc;

use arrow::array::{Array, AsArray, ListArray};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};

use super::array_text;
use super::return_field::as_nullable_as_arguments;

const NAME: &str = "element_texts";
/// Function whose array is replaced.
const JOINED: &str = "array_to_string";

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ElementTexts {
    signature: Signature,
}

impl Default for ElementTexts {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ElementTexts {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(list_field()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        as_nullable_as_arguments(self, &args)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [lists] = args.args.as_slice() else { return exec_err!("{NAME} takes one array") };
        let lists = lists.to_array(args.number_rows)?;
        let Some(lists) = lists.as_list_opt::<i32>() else { return exec_err!("{NAME} takes an array") };
        let texts = array_text::element_texts(lists.values())?;
        let texts = ListArray::new(list_field(), lists.offsets().clone(), texts, lists.nulls().cloned());
        Ok(ColumnarValue::Array(Arc::new(texts)))
    }
}

fn list_field() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Utf8, true))
}

/// Puts the function around the array of a call that joins its elements.
pub(super) fn in_expr(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::ScalarFunction(call) if call.name() == JOINED => in_call(call, schema),
        other => Ok(Transformed::no(other)),
    }
}

fn in_call(mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let of = call.args.first().map(|array| array.get_type(schema)).transpose()?;
    if !of.is_some_and(|of| has_other_elements(&of)) {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    }
    let array = call.args.remove(0);
    call.args.insert(0, ScalarUDF::from(ElementTexts::default()).call(vec![array]));
    Ok(Transformed::yes(Expr::ScalarFunction(call)))
}

/// Whether a type is that of arrays of one dimension whose elements are no texts.
fn has_other_elements(of: &DataType) -> bool {
    match of {
        DataType::List(element) => {
            let element = element.data_type();
            !element.is_string() && !element.is_null() && !matches!(element, DataType::List(_))
        }
        _ => false,
    }
}
