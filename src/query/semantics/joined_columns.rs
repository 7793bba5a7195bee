//! Columns that tables share in joins by USING. DataFusion (55) takes such a column from the left table, whatever the join, shows it in
//! `*` from the table whose name comes first, and calls it ambiguous in WHERE. Each mention becomes the column that PostgreSQL means.

use datafusion::sql::sqlparser::ast::{
    Expr, JoinConstraint, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr, TableWithJoins,
};

use super::column_name::folded;
use super::joined_tables::{JoinedTables, NATURAL, SharedColumn, constraint, shared};
use crate::query::syntax_visitor::change_own_exprs;

const ALL: &str = "has `*` over a join by USING in a form that is not supported: name the columns, or compare those of the tables with ON …";

/// Says why a SELECT cannot have the columns that its joins share.
pub(super) fn refusal(select: &Select) -> Option<&'static str> {
    let joins = || select.from.iter().flat_map(|from| &from.joins);
    if !joins().any(|join| shared(join).is_some()) {
        return None;
    }
    let mut is_known = true;
    for from in &select.from {
        let mut tables = JoinedTables::of(&from.relation);
        for join in &from.joins {
            if let Err(message) = tables.add(join) {
                return Some(message);
            }
        }
        is_known &= tables.are_known && tables.names.iter().all(Option::is_some);
    }
    if is_known || !select.projection.iter().any(is_wildcard) {
        return None;
    }
    let is_natural = joins().any(|join| matches!(shared(join), Some((_, JoinConstraint::Natural))));
    Some(if is_natural { NATURAL } else { ALL })
}

/// Puts the columns that joins share in the place of their mentions.
pub(super) fn qualify(query: &mut Query) {
    if let SetExpr::Select(select) = &mut *query.body {
        return qualify_select(select, query.order_by.as_mut());
    }
    let mut parts = vec![&mut *query.body];
    while let Some(part) = parts.pop() {
        match part {
            SetExpr::Select(select) => qualify_select(select, None),
            SetExpr::SetOperation { left, right, .. } => parts.extend([&mut **left, &mut **right]),
            _ => {}
        }
    }
}

fn qualify_select(select: &mut Select, order: Option<&mut OrderBy>) {
    let mut joins = select.from.iter().flat_map(|from| &from.joins);
    if !joins.any(|join| matches!(shared(join), Some((_, JoinConstraint::Using(_))))) {
        return;
    }
    let joined: Vec<JoinedTables> = select.from.iter_mut().map(join_all).collect();
    let all: Vec<&SharedColumn> = joined.iter().flat_map(|tables| &tables.columns).collect();
    let is_one = |column: &&&SharedColumn| all.iter().filter(|other| other.name == column.name).count() == 1;
    let columns: Vec<&SharedColumn> = all.iter().filter(is_one).copied().collect();
    if let Some(order) = order {
        qualify_order(order, &select.projection, &columns);
    }
    let items = std::mem::take(&mut select.projection);
    for item in items {
        match item {
            SelectItem::Wildcard(_) => {
                joined.iter().for_each(|tables| tables.show_all(&mut select.projection))
            }
            item => select.projection.push(qualified_item(item, &columns)),
        }
    }
    let replace = &mut |expr: &mut Expr| replace(expr, &columns);
    change_own_exprs(&mut select.distinct, replace);
    change_own_exprs(&mut select.selection, replace);
    change_own_exprs(&mut select.group_by, replace);
    change_own_exprs(&mut select.having, replace);
    change_own_exprs(&mut select.named_window, replace);
    change_own_exprs(&mut select.qualify, replace);
}

/// Reads the joins of a FROM, whose conditions may mention columns that earlier joins share.
fn join_all(from: &mut TableWithJoins) -> JoinedTables {
    let mut tables = JoinedTables::of(&from.relation);
    for join in &mut from.joins {
        let columns: Vec<&SharedColumn> = tables.columns.iter().collect();
        if let Some(JoinConstraint::On(condition)) = constraint(&mut join.join_operator) {
            change_own_exprs(condition, &mut |expr| replace(expr, &columns));
        }
        if let Ok(Some(condition)) = tables.add(join)
            && let Some(constraint) = constraint(&mut join.join_operator)
        {
            *constraint = JoinConstraint::On(condition);
        }
    }
    tables
}

fn qualify_order(order: &mut OrderBy, list: &[SelectItem], columns: &[&SharedColumn]) {
    let OrderByKind::Expressions(keys) = &mut order.kind else { return };
    for key in keys {
        let column = match &key.expr {
            Expr::Identifier(name) => columns.iter().find(|column| column.name == folded(name)),
            _ => None,
        };
        // A name that is a whole key stands for what the list shows under it.
        let is_shown = column.is_some_and(|column| {
            list.iter().any(|item| match item {
                SelectItem::ExprWithAlias { expr, alias } => {
                    folded(alias) == column.name && (!column.is_of_one_table() || !column.is_meant_by(expr))
                }
                SelectItem::UnnamedExpr(expr) => !column.is_of_one_table() && column.is_meant_by(expr),
                item => !column.is_of_one_table() && is_wildcard(item),
            })
        });
        if !is_shown {
            change_own_exprs(&mut key.expr, &mut |expr| replace(expr, columns));
        }
    }
}

fn qualified_item(item: SelectItem, columns: &[&SharedColumn]) -> SelectItem {
    let mut item = match item {
        SelectItem::UnnamedExpr(Expr::Identifier(name))
            if columns.iter().any(|column| column.name == folded(&name) && !column.is_of_one_table()) =>
        {
            SelectItem::ExprWithAlias { expr: Expr::Identifier(name.clone()), alias: name }
        }
        item => item,
    };
    if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = &mut item {
        change_own_exprs(expr, &mut |expr| replace(expr, columns));
    }
    item
}

fn replace(expr: &mut Expr, columns: &[&SharedColumn]) {
    if let Expr::Identifier(name) = expr
        && let Some(column) = columns.iter().find(|column| column.name == folded(name))
    {
        *expr = column.value.clone();
    }
}

fn is_wildcard(item: &SelectItem) -> bool {
    matches!(item, SelectItem::Wildcard(_))
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::refusals::refuse_forms;
    use crate::query::semantics::syntax;

    #[test]
    fn shared_columns_are_those_of_the_table_that_postgres_takes() {
        for (text, expected) in [
            (
                "SELECT x FROM a JOIN b USING (x) WHERE x > 1 ORDER BY x",
                "SELECT a.x FROM a JOIN b USING(x) WHERE a.x > 1 ORDER BY a.x",
            ),
            (
                "SELECT x, -x AS y FROM a RIGHT JOIN b USING (x) GROUP BY x",
                "SELECT b.x, -b.x AS y FROM a RIGHT JOIN b USING(x) GROUP BY b.x",
            ),
            (
                "SELECT x FROM a FULL JOIN s.b USING (x) WHERE x IN (SELECT x FROM c) ORDER BY x, x + 1",
                "SELECT coalesce(a.x, s.b.x) AS x FROM a FULL JOIN s.b USING(x) WHERE coalesce(a.x, s.b.x) IN (SELECT x FROM c) ORDER BY x, coalesce(a.x, s.b.x) + 1",
            ),
            (
                "SELECT -x AS x FROM a RIGHT JOIN b USING (x) JOIN c USING (x) JOIN d ON d.y = x ORDER BY x",
                "SELECT -b.x AS x FROM a RIGHT JOIN b USING(x) JOIN c ON b.x = c.x JOIN d ON d.y = b.x ORDER BY x",
            ),
            (
                "SELECT * FROM z LEFT JOIN b USING (x), c",
                "SELECT z.x, z.* EXCEPT (x), b.* EXCEPT (x), c.* FROM z LEFT JOIN b USING(x), c",
            ),
            ("SELECT x FROM a JOIN b ON a.x = b.x", "SELECT x FROM a JOIN b ON a.x = b.x"),
        ] {
            let mut statement = parse(text, 50).unwrap();
            refuse_forms(&statement).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }

    #[test]
    fn joins_whose_shared_columns_are_not_known_are_refused() {
        for (text, hint) in [
            ("SELECT x FROM a NATURAL FULL JOIN b", "NATURAL JOIN"),
            ("SELECT * FROM a NATURAL JOIN b", "NATURAL JOIN"),
            ("SELECT x FROM a RIGHT JOIN (b JOIN c ON true) USING (x)", "by USING"),
            ("SELECT * FROM a JOIN b ON true JOIN c USING (x)", "`*`"),
        ] {
            let error = refuse_forms(&parse(text, 50).unwrap()).unwrap_err();
            assert!(error.to_string().contains(hint), "{text}: {error}");
        }
        refuse_forms(&parse("SELECT p FROM a NATURAL JOIN b", 50).unwrap()).unwrap();
    }
}
