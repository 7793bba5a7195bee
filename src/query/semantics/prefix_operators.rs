//! PostgreSQL's operators before a number, which DataFusion (55) has as functions, and the sign before a number of rows.

use std::mem;

use datafusion::sql::sqlparser::ast::{BinaryOperator, DataType, Expr, Function, UnaryOperator, Value};

use super::function_call::{call, cast_of};

/// Window functions of numbers without a sign.
const COUNTS: [&str; 4] = ["row_number", "rank", "dense_rank", "ntile"];

/// Returns `@ x`, `|/ x`, `||/ x` or `~ x` in other words, to which the operand moves; `None` for other operators.
pub(super) fn rewrite(op: UnaryOperator, operand: &mut Expr) -> Option<Expr> {
    let function = match op {
        UnaryOperator::PGAbs => "abs",
        UnaryOperator::PGSquareRoot => "sqrt",
        UnaryOperator::PGCubeRoot => "cbrt",
        UnaryOperator::BitwiseNot => "",
        UnaryOperator::Minus => return negated_count(operand),
        _ => return None,
    };
    let operand = mem::replace(operand, Expr::value(Value::Null));
    Some(if function.is_empty() { with_other_bits(operand) } else { call(function, [operand]) })
}

/// `-row_number() OVER (…)` of a `bigint`, which it is in PostgreSQL: DataFusion's has no sign. `None` for other operands.
fn negated_count(operand: &mut Expr) -> Option<Expr> {
    let mut of = &*operand;
    while let Expr::Nested(inner) = of {
        of = inner;
    }
    let Expr::Function(Function { name, over: Some(_), .. }) = of else { return None };
    if !COUNTS.contains(&name.to_string().to_lowercase().as_str()) {
        return None;
    }
    let number = cast_of(mem::replace(operand, Expr::value(Value::Null)), DataType::BigInt(None));
    Some(Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(number) })
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
            ("SELECT -Rank() OVER (ORDER BY x)", "SELECT -Rank() OVER (ORDER BY x)::BIGINT"),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }
}
