//! Texts among the results of a CASE, as in `CASE WHEN x < 0 THEN 'NaN' ELSE x END`: their type is `unknown` in PostgreSQL (15, 10.5) until the
//! other results give them theirs, where DataFusion (55) makes a text of each result.
//!
//! Before types are known a text becomes `unknown_text('NaN')`, which has the type of NULL: DataFusion casts it to the type of the
//! others. When that is done the text takes the place of the call.

use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::sql::sqlparser::ast::{self, CaseWhen, Value, ValueWithSpan};

use super::function_call::call;

const NAME: &str = "unknown_text";

/// The function, of which plans are rid once types are known.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct UnknownText {
    signature: Signature,
}

impl Default for UnknownText {
    fn default() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for UnknownText {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Null)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        exec_err!("{NAME} is for the texts among the results of a CASE")
    }
}

/// Whether an expression of a plan is a text of unknown type.
pub(super) fn is_call(function: &ScalarFunction) -> bool {
    function.name() == NAME
}

/// Returns the text alone.
pub(super) fn without(mut function: ScalarFunction) -> Result<Transformed<Expr>> {
    match function.args.pop() {
        Some(text @ Expr::Literal(..)) => Ok(Transformed::yes(text)),
        _ => exec_err!("{NAME} takes a constant"),
    }
}

/// Rewrites the texts among the results of a CASE that has results of a type too.
pub(super) fn rewrite(case: &mut ast::Expr) {
    let ast::Expr::Case { conditions, else_result, .. } = case else { return };
    let mut results = conditions.iter().map(|CaseWhen { result, .. }| result).chain(else_result.as_deref());
    if !results.any(has_type) {
        return;
    }
    let results = conditions.iter_mut().map(|CaseWhen { result, .. }| result);
    for result in results.chain(else_result.as_deref_mut()) {
        if matches!(result, ast::Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(_), .. })) {
            *result = call(NAME, [result.clone()]);
        }
    }
}

/// Whether a result is neither a text nor NULL nor a parameter.
fn has_type(result: &ast::Expr) -> bool {
    match result {
        ast::Expr::Nested(inner) => has_type(inner),
        ast::Expr::Value(value) => matches!(value.value, Value::Number(..) | Value::Boolean(_)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn texts_beside_results_of_a_type_are_of_unknown_type() {
        for (text, expected) in [
            ("CASE WHEN b THEN 'NaN' ELSE x END", "CASE WHEN b THEN unknown_text('NaN') ELSE x END"),
            ("CASE x WHEN 1 THEN '2' ELSE 3 END", "CASE x WHEN 1 THEN unknown_text('2') ELSE 3 END"),
            ("CASE WHEN b THEN 'x' ELSE 'y' END", "CASE WHEN b THEN 'x' ELSE 'y' END"),
            ("CASE WHEN b THEN 'x' END", "CASE WHEN b THEN 'x' END"),
            ("CASE WHEN b THEN 'x' ELSE (NULL) END", "CASE WHEN b THEN 'x' ELSE (NULL) END"),
            ("CASE WHEN b THEN 'x' ELSE $1 END", "CASE WHEN b THEN 'x' ELSE $1 END"),
        ] {
            let mut statement = parse(&format!("SELECT {text}"), 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), format!("SELECT {expected}"));
        }
    }
}
