//! Columns, fields and parts of arrays that are named with brackets: `(t).a` and `a[:2]`.

use std::mem;

use datafusion::sql::sqlparser::ast::{AccessExpr, Expr, Subscript, Value};

/// The last place of an array that PostgreSQL knows.
const MAX_SUBSCRIPT: i32 = i32::MAX;

/// Rewrites `(t).a` to `t.a`, a column of the table t or a field of the column t, since DataFusion (55) looks for neither in brackets; and gives
/// `a[:2]` and `a[2:]` the bound that they leave out.
pub(super) fn rewrite(root: &mut Expr, access: &mut Vec<AccessExpr>) {
    without_brackets(root, access);
    for part in access {
        if let AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride: None }) = part {
            lower_bound.get_or_insert_with(|| number(1));
            upper_bound.get_or_insert_with(|| number(MAX_SUBSCRIPT));
        }
    }
}

fn without_brackets(root: &mut Expr, access: &mut Vec<AccessExpr>) {
    let Expr::Nested(inner) = root else { return };
    match mem::replace(&mut **inner, Expr::value(Value::Null)) {
        Expr::CompoundIdentifier(parts) if !parts.is_empty() => {
            let mut parts = parts.into_iter().map(Expr::Identifier);
            if let Some(first) = parts.next() {
                *root = first;
            }
            drop(access.splice(0..0, parts.map(AccessExpr::Dot)));
        }
        name @ Expr::Identifier(_) => *root = name,
        other => **inner = other,
    }
}

fn number(number: i32) -> Expr {
    Expr::value(Value::Number(number.to_string(), false))
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn brackets_around_names_and_bounds_that_are_left_out_change_nothing() {
        for (text, expected) in [
            ("(t).a", "t.a"),
            ("(s.t).a", "s.t.a"),
            ("(a)[1]", "a[1]"),
            ("(t.a)[2]", "t.a[2]"),
            ("(f(a)).b", "(f(a)).b"),
            ("a[:2]", "a[1:2]"),
            ("a[2:]", "a[2:2147483647]"),
            ("a[2:3]", "a[2:3]"),
            ("a[3]", "a[3]"),
        ] {
            let mut statement = parse(&format!("SELECT {text} FROM t"), 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), format!("SELECT {expected} FROM t"));
        }
    }
}
