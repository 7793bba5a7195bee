//! IN with a subquery in forms that DataFusion (55) does not plan or answers wrongly, rewritten to EXISTS.

use std::mem;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, SetExpr, UnaryOperator};

use super::first_row;
use super::polarity::Polarity;
use super::template::{around, null};

/// Rewrites IN a subquery within a condition, under AND, OR and NOT: rows, and NOT IN where it is no term of the condition.
pub(super) fn rewrite_condition(condition: &mut Expr) {
    let mut parts = vec![(condition, Polarity::WHOLE)];
    while let Some((part, polarity)) = parts.pop() {
        match part {
            Expr::BinaryOp { left, op: op @ (BinaryOperator::And | BinaryOperator::Or), right } => {
                let polarity = polarity.of_operand(*op == BinaryOperator::And);
                parts.extend([(&mut **left, polarity), (&mut **right, polarity)])
            }
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => parts.push((&mut **expr, polarity.negated())),
            Expr::Nested(inner) => parts.push((&mut **inner, polarity)),
            part => join_rows(part, polarity),
        }
    }
}

/// `a = ANY (q)` as `a IN (q)`, and `a <> ALL (q)` as `a NOT IN (q)`.
fn compare_by_in(expr: &mut Expr) {
    let (left, right, negated) = match expr {
        Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => (left, right, false),
        Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => (left, right, true),
        _ => return,
    };
    if !matches!(**right, Expr::Subquery(_)) {
        return;
    }
    let left = Box::new(mem::replace(&mut **left, null()));
    if let Expr::Subquery(subquery) = mem::replace(&mut **right, null()) {
        *expr = Expr::InSubquery { expr: left, subquery, negated };
    }
}

/// `(a, b) IN (q)` as `EXISTS (SELECT 1 FROM (q) AS t(c1, c2) WHERE t.c1 = a AND t.c2 = b)`, which is false where IN is NULL: the same
/// for a condition, which takes rows for which it is true. Where a NOT stands before it, it has to be true there instead: then terms
/// that are NULL count as equal.
///
/// `a NOT IN (q)` is rewritten likewise where it is no term of the condition: there DataFusion joins a mark that is true or false, and
/// takes NULL for a value that is not in it.
fn join_rows(expr: &mut Expr, polarity: Polarity) {
    compare_by_in(expr);
    let Expr::InSubquery { expr: row, subquery, negated } = expr else { return };
    let negated = *negated;
    let is_not_in = polarity.is_negated != negated;
    let members = match &**row {
        Expr::Tuple(values) => values.len(),
        _ if is_not_in && !polarity.is_term && !first_row::is_correlated(subquery) => 1,
        _ => return,
    };
    let columns: Vec<String> = (1..=members).map(|place| format!("__c{place}")).collect();
    let equal = |column: &String| match is_not_in {
        true => format!("(__row.{column} = 0) IS NOT FALSE"),
        false => format!("__row.{column} = 0"),
    };
    let equal: Vec<String> = columns.iter().map(equal).collect();
    let template =
        format!("SELECT 1 FROM (SELECT 1) AS __row({}) WHERE {}", columns.join(", "), equal.join(" AND "));
    let Some(mut joined) = around(&template, subquery) else { return };
    if let SetExpr::Select(select) = &mut *joined.body {
        let mut terms: Vec<&mut Expr> = select.selection.iter_mut().collect();
        let mut values = match mem::replace(&mut **row, null()) {
            Expr::Tuple(values) => values,
            value => vec![value],
        };
        while let Some(term) = terms.pop() {
            match term {
                Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                    terms.extend([&mut **left, &mut **right])
                }
                Expr::IsNotFalse(term) | Expr::Nested(term) => terms.push(term),
                // The last term comes first, as the last value does.
                Expr::BinaryOp { right, .. } => **right = values.pop().unwrap_or_else(null),
                _ => {}
            }
        }
    }
    *expr = Expr::Exists { subquery: joined, negated };
}
