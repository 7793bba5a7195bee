//! `cast_name(x::type, 'type')`: the cast, under a name of its own. DataFusion (55) names a cast as what is cast, so that
//! `sum(value::int)` and `sum(value)` are two columns of one name (its issue #17469).

use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::exec_err;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast;

use super::function_call::call;

const NAME: &str = "cast_name";

/// The function, of which plans are rid once their columns have names.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CastName {
    signature: Signature,
}

impl Default for CastName {
    fn default() -> Self {
        Self { signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for CastName {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [cast, _] => Ok(cast.clone()),
            _ => exec_err!("{NAME} takes two arguments"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        match args.arg_fields {
            [cast, _] => Ok(Arc::clone(cast)),
            _ => exec_err!("{NAME} takes two arguments"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [cast, _] => Ok(cast.clone()),
            _ => exec_err!("{NAME} takes two arguments"),
        }
    }
}

/// Gives a cast of a statement its name.
pub(super) fn add(expr: &mut ast::Expr) {
    if let ast::Expr::Cast { data_type, .. } = expr {
        let name = ast::Value::SingleQuotedString(data_type.to_string());
        *expr = call(NAME, [expr.clone(), ast::Expr::Value(name.into())]);
    }
}

/// Whether an expression of a plan is a cast with a name.
pub(super) fn is_call(function: &ScalarFunction) -> bool {
    function.name() == NAME
}

/// Returns the cast alone.
pub(super) fn without(mut function: ScalarFunction) -> Result<Transformed<Expr>> {
    match function.args.is_empty() {
        true => exec_err!("{NAME} takes two arguments"),
        false => Ok(Transformed::yes(function.args.swap_remove(0))),
    }
}

/// Returns the cast of a statement to which a name was given.
pub(super) fn cast_of(function: &ast::Function) -> Option<&ast::Expr> {
    let name = function.name.0.last()?.as_ident()?;
    let ast::FunctionArguments::List(list) = &function.args else { return None };
    match list.args.first()? {
        ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(cast)) if name.value == NAME => Some(cast),
        _ => None,
    }
}
