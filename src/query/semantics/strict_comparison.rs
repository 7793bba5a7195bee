//! Comparisons in parsed statements that are not true where one of their columns is NULL: those of columns, constants, arithmetic and
//! casts.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use crate::domain::Error;
use crate::query::syntax_visitor::{SyntaxVisitor, walk};

/// Whether a term is a comparison that is not true where one of its columns is NULL.
pub(super) fn is_strict_comparison(term: &Expr) -> bool {
    struct Strict;

    impl SyntaxVisitor for Strict {
        fn enter_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
            let is_strict = match expr {
                Expr::BinaryOp { op, .. } => is_comparison(op) || is_arithmetic(op),
                Expr::UnaryOp { op, .. } => matches!(op, UnaryOperator::Minus | UnaryOperator::Plus),
                Expr::Between { negated, .. } => !negated,
                Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) | Expr::TypedString(_) => {
                    true
                }
                Expr::Nested(_) | Expr::Cast { .. } | Expr::Interval(_) => true,
                _ => false,
            };
            if is_strict {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(Error::internal("not strict"))
            }
        }
    }
    let compares = match term {
        Expr::BinaryOp { op, .. } => is_comparison(op),
        term => matches!(term, Expr::Between { .. }),
    };
    compares && walk(term, &mut Strict).is_ok()
}

fn is_comparison(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

fn is_arithmetic(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Divide, Minus, Modulo, Multiply, Plus};
    matches!(op, Plus | Minus | Multiply | Divide | Modulo)
}
