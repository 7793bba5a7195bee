//! `x BETWEEN SYMMETRIC a AND b`, which sqlparser (0.62) does not read: x is between a and b, or between b and a.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};

/// Parses what follows `x`; `None` where that is something else. Each operand comes twice, so only short ones are taken: a
/// statement with such operators in each other would be twice as long at each level.
pub(super) fn parse(parser: &mut Parser, tested: &Expr, precedence: u8) -> Option<Result<Expr, ParserError>> {
    let negated = if parser.parse_keywords(&[Keyword::BETWEEN, Keyword::SYMMETRIC]) {
        false
    } else if parser.parse_keywords(&[Keyword::NOT, Keyword::BETWEEN, Keyword::SYMMETRIC]) {
        true
    } else {
        return None;
    };
    Some(parse_bounds(parser, precedence).and_then(|(low, high)| {
        if ![tested, &low, &high].into_iter().all(is_short) {
            return Err(ParserError::ParserError(
                "BETWEEN SYMMETRIC takes columns and constants; for others write x BETWEEN least(a, b) AND greatest(a, b)"
                    .to_owned(),
            ));
        }
        let between = |low: &Expr, high: &Expr| {
            let (expr, low, high) = (tested.clone(), low.clone(), high.clone());
            Box::new(Expr::Between { expr: Box::new(expr), negated, low: Box::new(low), high: Box::new(high) })
        };
        let op = if negated { BinaryOperator::And } else { BinaryOperator::Or };
        let both = Expr::BinaryOp { left: between(&low, &high), op, right: between(&high, &low) };
        Ok(Expr::Nested(Box::new(both)))
    }))
}

fn parse_bounds(parser: &mut Parser, precedence: u8) -> Result<(Expr, Expr), ParserError> {
    let low = parser.parse_subexpr(precedence)?;
    parser.expect_keyword_is(Keyword::AND)?;
    Ok((low, parser.parse_subexpr(precedence)?))
}

/// Whether an operand is a column or a constant, perhaps with a sign or a cast.
fn is_short(mut operand: &Expr) -> bool {
    while let Expr::Nested(expr) | Expr::Cast { expr, .. } | Expr::UnaryOp { expr, .. } = operand {
        operand = expr;
    }
    matches!(
        operand,
        Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::Value(_)
            | Expr::TypedString(_)
            | Expr::Interval(_)
    )
}
