//! Casts of columns among the keys of GROUP BY. DataFusion (55) names a cast as what is cast (its issue #17469), so that it took the name `ts` of
//! `SELECT count(*) AS ts, ts::date AS day … GROUP BY day ORDER BY ts` for the key `ts::date`, and the keys `ts` and `ts::date` for one.
//! There such casts get names of their own.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DataType, Expr, GroupByExpr, Select, SelectItem, Statement, Value, ValueWithSpan,
};

use super::cast_name;
use super::column_name::folded;
use crate::domain::Error;
use crate::query::syntax_visitor::{SyntaxVisitor, change_exprs_inner_first, walk};

/// Names the casts of a statement that are taken for something else.
pub(super) fn name_apart(statement: &mut Statement) {
    let mut mistaken = MistakenColumns { columns: Vec::new() };
    // The visitor ends no walk.
    let _ = walk(&*statement, &mut mistaken);
    if mistaken.columns.is_empty() {
        return;
    }
    change_exprs_inner_first(statement, &mut |expr| {
        if cast_column(expr).is_some_and(|name| mistaken.columns.contains(&name)) {
            cast_name::add(expr);
        }
    });
}

/// Collects the columns whose casts are keys and whose name a SELECT has for another key or item too.
struct MistakenColumns {
    columns: Vec<String>,
}

impl SyntaxVisitor for MistakenColumns {
    fn enter_select(&mut self, select: &Select) -> ControlFlow<Error> {
        if let GroupByExpr::Expressions(keys, _) = &select.group_by {
            let keys: Vec<&Expr> = keys.iter().map(|key| key_expr(key, select)).collect();
            let mut casts = Casts { columns: Vec::new() };
            for key in &keys {
                let _ = walk(*key, &mut casts);
            }
            let has_two = |name: &String| {
                keys.iter().any(|key| column(key).as_deref() == Some(name.as_str()))
                    || select.projection.iter().any(|item| is_other_named(item, name))
            };
            self.columns.extend(casts.columns.into_iter().filter(has_two));
        }
        ControlFlow::Continue(())
    }
}

struct Casts {
    columns: Vec<String>,
}

impl SyntaxVisitor for Casts {
    fn enter_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        self.columns.extend(cast_column(expr));
        ControlFlow::Continue(())
    }
}

/// The expression of a key, which may be the place or the name of an item.
fn key_expr<'a>(key: &'a Expr, select: &'a Select) -> &'a Expr {
    let item = match key {
        Expr::Value(ValueWithSpan { value: Value::Number(place, _), .. }) => {
            let place = place.parse::<usize>().ok().and_then(|place| place.checked_sub(1));
            place.and_then(|place| select.projection.get(place))
        }
        Expr::Identifier(name) => select.projection.iter().find(|item| is_named(item, &folded(name))),
        _ => None,
    };
    match item {
        Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) => expr,
        _ => key,
    }
}

fn is_named(item: &SelectItem, name: &str) -> bool {
    matches!(item, SelectItem::ExprWithAlias { alias, .. } if folded(alias) == name)
}

/// Whether an item has this name, and is no cast of the column of the name.
fn is_other_named(item: &SelectItem, name: &str) -> bool {
    match item {
        SelectItem::ExprWithAlias { expr, alias } => {
            folded(alias) == name && cast_column(expr).as_deref() != Some(name)
        }
        _ => false,
    }
}

/// The column that a cast is of.
fn cast_column(cast: &Expr) -> Option<String> {
    let Expr::Cast { expr, data_type, .. } = cast else { return None };
    if matches!(data_type, DataType::Array(_)) {
        return None;
    }
    let mut of = &**expr;
    while let Expr::Nested(inner) = of {
        of = inner;
    }
    column(of).or_else(|| cast_column(of))
}

fn column(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(folded(name)),
        Expr::CompoundIdentifier(parts) => parts.last().map(folded),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn casts_among_keys_are_named_where_they_are_taken_for_something_else() {
        for (text, expected) in [
            (
                "SELECT count(*) AS ts, ts::DATE AS day FROM r GROUP BY day ORDER BY ts",
                "SELECT count(*) AS ts, cast_name(ts::DATE, 'DATE') AS day FROM r GROUP BY day ORDER BY ts",
            ),
            (
                "SELECT max(v) AS v FROM r GROUP BY r.v::INT",
                "SELECT max(v) AS v FROM r GROUP BY cast_name(r.v::INT, 'INT')",
            ),
            (
                "SELECT a AS x, a::TEXT AS y FROM r GROUP BY 1, 2",
                "SELECT a AS x, cast_name(a::TEXT, 'TEXT') AS y FROM r GROUP BY 1, 2",
            ),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
        for unchanged in [
            "SELECT ts::DATE AS ts, count(*) FROM r GROUP BY 1 ORDER BY ts",
            "SELECT ts::DATE, max(v::INT) AS v FROM r GROUP BY ts::DATE",
            "SELECT v AS ts, ts::DATE FROM r",
        ] {
            let mut statement = parse(unchanged, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), unchanged);
        }
    }
}
