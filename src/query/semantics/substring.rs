//! `substring(text FROM 'pattern')`: what a regular expression, or its first group, matches (PostgreSQL 15, 9.7.3). DataFusion (55) knows places only.

use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan};

use super::function_call::call;

/// Rewrites a call with a pattern that is written out.
pub(super) fn rewrite(expr: &mut Expr) {
    let Expr::Substring {
        expr: text, substring_from: Some(from), substring_for: None, shorthand: false, ..
    } = expr
    else {
        return;
    };
    let Expr::Value(ValueWithSpan {
        value: Value::SingleQuotedString(_) | Value::EscapedStringLiteral(_),
        ..
    }) = &**from
    else {
        return;
    };
    let found = call("regexp_match", [(**text).clone(), (**from).clone()]);
    *expr = call("array_element", [found, Expr::value(Value::Number("1".to_owned(), false))]);
}
