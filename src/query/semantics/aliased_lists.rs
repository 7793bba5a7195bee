//! Lists of subqueries that get their names from outside, such as `(SELECT 1, 1) AS q(a, b)` and `WITH q(a, b) AS (SELECT 1, 1)`: their own
//! names, of which DataFusion (55) takes none twice, are seen by nobody.

use datafusion::sql::sqlparser::ast::{Ident, Query, Select, SelectItem, SetExpr, Statement, TableFactor};

use crate::query::syntax_visitor::{SyntaxChanger, change};

/// Begin of the names that stand for those of the list.
const PREFIX: &str = "__item_";

/// Gives the items of such lists names of their own.
pub(super) fn name_apart(statement: &mut Statement) {
    change(statement, &mut AliasedLists);
}

struct AliasedLists;

impl SyntaxChanger for AliasedLists {
    fn enter_query(&mut self, query: &mut Query) {
        for cte in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
            if !cte.alias.columns.is_empty() {
                name_items(&mut cte.query);
            }
        }
        let mut parts = vec![&mut *query.body];
        while let Some(part) = parts.pop() {
            match part {
                SetExpr::Select(select) => name_tables(select),
                SetExpr::SetOperation { left, right, .. } => parts.extend([&mut **left, &mut **right]),
                _ => {}
            }
        }
    }
}

fn name_tables(select: &mut Select) {
    let tables = select.from.iter_mut().flat_map(|from| {
        std::iter::once(&mut from.relation).chain(from.joins.iter_mut().map(|join| &mut join.relation))
    });
    for table in tables {
        if let TableFactor::Derived { subquery, alias: Some(alias), .. } = table
            && !alias.columns.is_empty()
        {
            name_items(subquery);
        }
    }
}

/// Names the items of a query. One with an order is left: it may be by the names.
fn name_items(query: &mut Query) {
    if query.order_by.is_none() {
        name_parts(&mut query.body);
    }
}

fn name_parts(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => {
            for (place, item) in select.projection.iter_mut().enumerate() {
                if let SelectItem::UnnamedExpr(expr) = item {
                    let alias = Ident::with_quote('"', format!("{PREFIX}{place}"));
                    *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                }
            }
        }
        SetExpr::Query(query) => name_items(query),
        SetExpr::SetOperation { left, right, .. } => {
            name_parts(left);
            name_parts(right);
        }
        _ => {}
    }
}
