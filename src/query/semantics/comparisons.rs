//! Comparisons of rows, and of a value with the elements of an array, as comparisons of values (PostgreSQL 15, 9.24 and 9.25): DataFusion
//! (55) compares rows and elements by their bits, so that NULL equals NULL and −0 is not 0. For it a row of NULLs is not NULL either.

use std::mem;

use datafusion::sql::sqlparser::ast::{
    Array, ArrayElemTypeDef, BinaryOperator, DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments,
    UnaryOperator, Value,
};

use super::function_call::{binary, cast_of};

/// Rewrites a comparison of rows or with an array. Forms that would repeat long expressions stay, and are refused when they are planned.
pub(super) fn rewrite(expr: &mut Expr) {
    let rewritten = match expr {
        Expr::BinaryOp { left, op, right } => of_rows(left, op, right),
        Expr::InList { expr: row, list, negated } => in_rows(row, list, *negated),
        Expr::AnyOp { left, compare_op, right, .. } => with_elements(left, compare_op, right, false),
        Expr::AllOp { left, compare_op, right } => with_elements(left, compare_op, right, true),
        Expr::IsNull(row) => of_null_row(row, Expr::IsNull),
        Expr::IsNotNull(row) => of_null_row(row, Expr::IsNotNull),
        _ => None,
    };
    if let Some(rewritten) = rewritten {
        *expr = Expr::Nested(Box::new(rewritten));
    }
}

/// `(a, b) < (x, y)` as `a < x OR a = x AND b < y`, and other operators likewise.
fn of_rows(left: &Expr, op: &BinaryOperator, right: &Expr) -> Option<Expr> {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    let strict = match op {
        Eq | NotEq => None,
        Lt | LtEq => Some(Lt),
        Gt | GtEq => Some(Gt),
        _ => return None,
    };
    let (lefts, rights) = (members(left)?, members(right)?);
    let is_short = lefts.iter().chain(&rights).all(|member| is_short(member));
    if lefts.is_empty() || lefts.len() != rights.len() || strict.is_some() && !is_short {
        return None;
    }
    let pairs = lefts.into_iter().zip(rights).map(|(left, right)| (left.clone(), right.clone()));
    let Some(strict) = strict else {
        let terms = pairs.map(|(left, right)| binary(left, op.clone(), right)).collect();
        return joined(terms, if *op == Eq { BinaryOperator::And } else { BinaryOperator::Or });
    };
    let mut pairs: Vec<(Expr, Expr)> = pairs.collect();
    let (left, right) = pairs.pop()?;
    let last = binary(left, op.clone(), right);
    Some(pairs.into_iter().rev().fold(last, |rest, (left, right)| {
        let equal = binary(left.clone(), Eq, right.clone());
        let both = nested(binary(equal, BinaryOperator::And, nested(rest)));
        nested(binary(binary(left, strict.clone(), right), BinaryOperator::Or, both))
    }))
}

/// `(a, b) IN ((1, 2), (3, 4))` as `a = 1 AND b = 2 OR a = 3 AND b = 4`.
fn in_rows(row: &Expr, list: &[Expr], is_negated: bool) -> Option<Expr> {
    let columns = members(row)?;
    if columns.is_empty() || !columns.iter().all(|column| is_short(column)) {
        return None;
    }
    let equal = |item: &Expr| {
        let values = members(item).filter(|values| values.len() == columns.len())?;
        let pairs = columns.iter().zip(values);
        let terms = pairs.map(|(column, value)| binary((*column).clone(), BinaryOperator::Eq, value.clone()));
        joined(terms.collect(), BinaryOperator::And)
    };
    let terms = list.iter().map(equal).collect::<Option<Vec<_>>>()?;
    let found = joined(terms, BinaryOperator::Or)?;
    Some(if is_negated { not(found) } else { found })
}

/// `(a, b) IS NULL` as `a IS NULL AND b IS NULL`, and IS NOT NULL likewise (PostgreSQL 15, 9.2). A member that is a row itself is not NULL,
/// whatever its own members are.
fn of_null_row(row: &Expr, test: fn(Box<Expr>) -> Expr) -> Option<Expr> {
    let tests = members(row)?.into_iter().map(|member| {
        let member =
            if members(member).is_some() { Expr::value(Value::Boolean(true)) } else { member.clone() };
        test(Box::new(nested(member)))
    });
    // Of a row without members both are true.
    joined(tests.collect(), BinaryOperator::And).or_else(|| Some(Expr::value(Value::Boolean(true))))
}

/// `x = ANY (ARRAY[1, 2])` as `x IN (1, 2)`, and other operators as comparisons with each element. `x <> ALL (array)` of any array is
/// `NOT x = ANY (array)`.
fn with_elements(left: &mut Expr, op: &BinaryOperator, right: &mut Expr, is_all: bool) -> Option<Expr> {
    let is_in = (op, is_all) == (&BinaryOperator::Eq, false);
    let is_not_in = (op, is_all) == (&BinaryOperator::NotEq, true);
    if let Some(list) = elements(right).filter(|list| !list.is_empty()) {
        if is_in || is_not_in {
            let expr = Box::new(nested(mem::replace(left, Expr::value(Value::Null))));
            return Some(Expr::InList { expr, list, negated: is_not_in });
        }
        if !is_short(left) {
            return None;
        }
        let terms = list.into_iter().map(|element| binary(left.clone(), op.clone(), element)).collect();
        return joined(terms, if is_all { BinaryOperator::And } else { BinaryOperator::Or });
    }
    if !is_not_in || matches!(right, Expr::Subquery(_)) {
        return None;
    }
    let null = || Box::new(Expr::value(Value::Null));
    let (left, right) = (mem::replace(left, *null()), mem::replace(right, *null()));
    let (left, right) = (Box::new(left), Box::new(right));
    Some(not(Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, is_some: false }))
}

/// The members of a row: `(a, b)` or `ROW(a, b)`.
fn members(row: &Expr) -> Option<Vec<&Expr>> {
    match row {
        Expr::Tuple(members) => Some(members.iter().collect()),
        Expr::Nested(inner) => members(inner),
        Expr::Function(function) if function.name.to_string().eq_ignore_ascii_case("row") => {
            let FunctionArguments::List(list) = &function.args else { return None };
            list.args.iter().map(member).collect()
        }
        _ => None,
    }
}

fn member(arg: &FunctionArg) -> Option<&Expr> {
    match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(member)) => Some(member),
        _ => None,
    }
}

/// The elements of an array that is written out, with the type that it is cast to.
fn elements(array: &Expr) -> Option<Vec<Expr>> {
    match array {
        Expr::Array(Array { elem, .. }) if !elem.iter().any(|part| matches!(part, Expr::Array(_))) => {
            Some(elem.clone())
        }
        Expr::Nested(inner) => elements(inner),
        Expr::Cast { expr, data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(of, _)), .. } => {
            let cast = |element| cast_of(nested(element), (**of).clone());
            Some(elements(expr)?.into_iter().map(cast).collect())
        }
        _ => None,
    }
}

/// Whether an expression may be written several times: a column or a constant.
fn is_short(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) | Expr::TypedString(_) => true,
        Expr::Cast { expr, .. } | Expr::Nested(expr) | Expr::UnaryOp { expr, .. } => is_short(expr),
        _ => false,
    }
}

/// Joins terms by AND or OR, as a tree whose depth grows with the logarithm of their number.
fn joined(mut terms: Vec<Expr>, op: BinaryOperator) -> Option<Expr> {
    while terms.len() > 1 {
        let mut pairs = Vec::with_capacity(terms.len().div_ceil(2));
        let mut left = terms.into_iter();
        while let Some(term) = left.next() {
            pairs.push(match left.next() {
                Some(next) => nested(binary(term, op.clone(), next)),
                None => term,
            });
        }
        terms = pairs;
    }
    terms.pop()
}

fn nested(expr: Expr) -> Expr {
    Expr::Nested(Box::new(expr))
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(nested(expr)) }
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn rows_and_arrays_are_compared_by_their_values() {
        for (text, expected) in [
            ("(a, b) = (1, 2)", "((a = 1 AND b = 2))"),
            ("ROW(a, f(b)) <> ROW(1, 2)", "((a <> 1 OR f(b) <> 2))"),
            ("(a, b) < (1, 2)", "((a < 1 OR (a = 1 AND (b < 2))))"),
            ("(a, b) >= (1, 2)", "((a > 1 OR (a = 1 AND (b >= 2))))"),
            ("(a, b) IN ((1, 2), (3, NULL))", "(((a = 1 AND b = 2) OR (a = 3 AND b = NULL)))"),
            ("(a, b) NOT IN ((1, 2))", "(NOT ((a = 1 AND b = 2)))"),
            ("a = ANY(ARRAY[1, NULL])", "((a) IN (1, NULL))"),
            ("a = ANY('{1,2}')", "((a) IN (1, 2))"),
            ("a = ANY('{1}'::float8[])", "((a) IN ((1)::FLOAT8))"),
            ("f(a) <> ALL(ARRAY[1, 2])", "((f(a)) NOT IN (1, 2))"),
            ("a > ALL(ARRAY[1, 2])", "((a > 1 AND a > 2))"),
            ("a <> ANY(ARRAY[1, 2])", "((a <> 1 OR a <> 2))"),
            ("a <> ALL($1)", "(NOT (a = ANY($1)))"),
            ("a = ANY($1)", "a = ANY($1)"),
            ("(f(a), b) < (1, 2)", "(f(a), b) < (1, 2)"),
            ("(a, b) = (1, 2, 3)", "(a, b) = (1, 2, 3)"),
            ("(a, b) IN ((1, 2), (3))", "(a, b) IN ((1, 2), (3))"),
            ("a IN (1, 2)", "a IN (1, 2)"),
            ("(a, f(b)) IS NULL", "(((a) IS NULL AND (f(b)) IS NULL))"),
            ("ROW(a) IS NOT NULL", "((a) IS NOT NULL)"),
            ("ROW(a, (b, c)) IS NULL", "(((a) IS NULL AND (true) IS NULL))"),
            ("ROW() IS NULL", "(true)"),
            ("a = ANY('{}')", "a = ANY(ARRAY[])"),
            ("(a) IS NULL", "(a) IS NULL"),
        ] {
            let mut statement = parse(&format!("SELECT {text}"), 50).unwrap();
            syntax::rewrite(&mut statement);
            let rewritten = statement.to_string();
            let rewritten = rewritten.replace("'1'", "1").replace("'2'", "2");
            assert_eq!(rewritten, format!("SELECT {expected}"), "{text}");
        }
    }

    #[test]
    fn long_lists_of_rows_stay_flat() {
        let rows: Vec<String> = (0..4_096).map(|at| format!("({at}, 1)")).collect();
        let mut statement = parse(&format!("SELECT (a, b) IN ({})", rows.join(", ")), 50).unwrap();
        syntax::rewrite(&mut statement);
        let text = statement.to_string();
        let depth = text.chars().scan(0_i32, |open, c| {
            *open += i32::from(c == '(') - i32::from(c == ')');
            Some(*open)
        });
        assert!(depth.max().is_some_and(|depth| depth <= 16), "of 4096 rows");
    }
}
