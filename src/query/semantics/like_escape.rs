//! `LIKE pattern ESCAPE 'c'`, rewritten to a pattern whose escape character is the backslash: DataFusion (55) knows no other one.

use std::mem;
use std::sync::Arc;

use arrow::array::{AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan};

use super::function_call::call;

const NAME: &str = "like_pattern";

/// Rewrites the pattern of LIKE or ILIKE with an escape character: a text here, others by [`LikePattern`]. What is no character, and a text
/// that ends with it, are refused later.
pub(super) fn rewrite(expr: &mut Expr) {
    let (Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. }) = expr else {
        return;
    };
    let Some(ValueWithSpan { value: Value::SingleQuotedString(escape), .. }) = escape_char else { return };
    let rewritten = match &mut **pattern {
        Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(text), .. }) => {
            with_backslashes(text, escape).map(|escaped| Expr::value(Value::SingleQuotedString(escaped)))
        }
        pattern if escape.chars().count() <= 1 => {
            let pattern = mem::replace(pattern, Expr::value(Value::Null));
            Some(call(NAME, [pattern, Expr::value(Value::SingleQuotedString(escape.clone()))]))
        }
        _ => None,
    };
    if let Some(rewritten) = rewritten {
        (**pattern, *escape_char) = (rewritten, None);
    }
}

/// `like_pattern(pattern, escape)`: the pattern with backslashes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct LikePattern {
    signature: Signature,
}

impl Default for LikePattern {
    fn default() -> Self {
        let texts = vec![DataType::Utf8, DataType::Utf8];
        Self { signature: Signature::exact(texts, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for LikePattern {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let columns = ColumnarValue::values_to_arrays(&args.args)?;
        let [patterns, escapes] = columns.as_slice() else {
            return exec_err!("{NAME} takes a pattern and its escape character");
        };
        let pairs = patterns.as_string::<i32>().iter().zip(escapes.as_string::<i32>());
        let escaped = pairs.map(|pair| match pair {
            (Some(pattern), Some(escape)) => match with_backslashes(pattern, escape) {
                None => exec_err!("a LIKE pattern must not end with its escape character"),
                escaped => Ok(escaped),
            },
            _ => Ok(None),
        });
        Ok(ColumnarValue::Array(Arc::new(escaped.collect::<Result<StringArray>>()?)))
    }
}

/// Pattern with backslashes before the characters that stand for themselves; `None` where it ends with its escape character, or that is more
/// than one.
fn with_backslashes(pattern: &str, escape: &str) -> Option<String> {
    let mut chars = escape.chars();
    let (escape, None) = (chars.next(), chars.next()) else { return None };
    let (mut out, mut rest) = (String::with_capacity(pattern.len()), pattern.chars());
    while let Some(c) = rest.next() {
        let is_escaped = Some(c) == escape;
        let c = if is_escaped { rest.next()? } else { c };
        if c == '\\' || (is_escaped && matches!(c, '%' | '_')) {
            out.push('\\');
        }
        out.push(c);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_the_same_with_backslashes() {
        for (pattern, escape, expected) in [
            ("a!%%", "!", Some(r"a\%%")),
            ("a!!_", "!", Some("a!_")),
            ("a%%", "%", Some(r"a\%")),
            (r"a\c_", "", Some(r"a\\c_")),
            (r"a\_\\", r"\", Some(r"a\_\\")),
            (r"\!x", "!", Some(r"\\x")),
            ("a!", "!", None),
            ("a", "xy", None),
        ] {
            assert_eq!(with_backslashes(pattern, escape).as_deref(), expected, "{pattern} {escape}");
        }
    }
}
