//! `encode` and `decode` as PostgreSQL has them (15, 9.5): base64 with its padding and in lines, and without regard to white space where
//! it is read. DataFusion (55) leaves the padding out and refuses white space.

use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan};

use super::function_call::call;

/// Characters of a line of base64 (RFC 2045, 6.8).
const LINE: &str = "(.{76})";
/// DataFusion's name of base64 with padding.
const PADDED: &str = "base64pad";
const WHITE_SPACE: &str = " \t\n\r";

/// Returns the call of `encode` or `decode` that has PostgreSQL's meaning; `None` where that is the call itself.
pub(super) fn rewrite(name: &str, of: &Expr, encoding: &Expr) -> Option<Expr> {
    let Expr::Value(ValueWithSpan { value: Value::SingleQuotedString(known), .. }) = encoding else {
        return None;
    };
    match (name, known.to_ascii_lowercase().as_str()) {
        ("encode", "base64") => {
            let encoded = call("encode", [of.clone(), text(PADDED)]);
            Some(call("regexp_replace", [encoded, text(LINE), text("\\1\n"), text("g")]))
        }
        ("decode", "base64") => Some(call("decode", [without_white_space(of), text(PADDED)])),
        // What is rewritten is looked at again.
        ("decode", "hex") if !is_stripped(of) => Some(call("decode", [without_white_space(of), text("hex")])),
        _ => None,
    }
}

fn without_white_space(of: &Expr) -> Expr {
    call("translate", [of.clone(), text(WHITE_SPACE), text("")])
}

fn is_stripped(of: &Expr) -> bool {
    matches!(of, Expr::Function(function) if function.name.to_string() == "translate")
}

fn text(of: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(of.to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn encodings_are_rewritten_once() {
        for (text, expected) in [
            ("encode(b, 'base64')", "regexp_replace(encode(b, 'base64pad'), '(.{76})', '\\1\n', 'g')"),
            ("decode(t, 'BASE64')", "decode(translate(t, ' \t\n\r', ''), 'base64pad')"),
            ("decode(t, 'hex')", "decode(translate(t, ' \t\n\r', ''), 'hex')"),
            ("encode(b, 'hex')", "encode(b, 'hex')"),
            ("decode(t, e)", "decode(t, e)"),
        ] {
            let mut statement = parse(&format!("SELECT {text}"), 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), format!("SELECT {expected}"));
        }
    }
}
