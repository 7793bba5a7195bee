//! The field that a function returns.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::{ReturnFieldArgs, ScalarUDFImpl};

/// Returns the field of a function that is NULL only for a NULL, like the operator or the cast in whose place it comes: the schema of a
/// union is not computed again after that.
pub(super) fn as_nullable_as_arguments(
    function: &dyn ScalarUDFImpl,
    args: &ReturnFieldArgs,
) -> Result<FieldRef> {
    let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
    let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
    Ok(Arc::new(Field::new(function.name(), function.return_type(&types)?, is_nullable)))
}
