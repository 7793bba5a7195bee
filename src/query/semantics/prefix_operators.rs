//! PostgreSQL's operators before a number, which DataFusion (55) has as functions.

use std::mem;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator, Value};

use super::function_call::call;

/// Returns `@ x`, `|/ x`, `||/ x` or `~ x` in other words, to which the operand moves; `None` for other operators.
pub(super) fn rewrite(op: UnaryOperator, operand: &mut Expr) -> Option<Expr> {
    let function = match op {
        UnaryOperator::PGAbs => "abs",
        UnaryOperator::PGSquareRoot => "sqrt",
        UnaryOperator::PGCubeRoot => "cbrt",
        UnaryOperator::BitwiseNot => "",
        _ => return None,
    };
    let operand = mem::replace(operand, Expr::value(Value::Null));
    Some(if function.is_empty() { with_other_bits(operand) } else { call(function, [operand]) })
}

/// `x # -1`, since -1 has all bits.
fn with_other_bits(number: Expr) -> Expr {
    let one = Box::new(Expr::value(Value::Number("1".to_owned(), false)));
    let right = Box::new(Expr::UnaryOp { op: UnaryOperator::Minus, expr: one });
    let left = Box::new(Expr::Nested(Box::new(number)));
    Expr::Nested(Box::new(Expr::BinaryOp { left, op: BinaryOperator::PGBitwiseXor, right }))
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn operators_become_functions() {
        for (text, expected) in [
            ("SELECT @ -1 + 2", "SELECT abs(-1 + 2)"),
            ("SELECT |/ x = ||/ (y)", "SELECT sqrt(x) = cbrt((y))"),
            ("SELECT ~ x & @ ~ 5", "SELECT ((x) # -1) & abs(((5) # -1))"),
            ("SELECT -x, +x", "SELECT -x, +x"),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }
}
