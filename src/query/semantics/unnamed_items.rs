//! Keys of ORDER BY by the names that PostgreSQL gives to items without one, as in `SELECT unit, count(*) … ORDER BY count`. DataFusion (55) knows
//! no such names, and took that of `SELECT x::int … ORDER BY x` for the column. Beside GROUP BY it does not find the places of window functions
//! without a name.

use std::mem;

use datafusion::sql::sqlparser::ast::{
    DataType, Distinct, Expr, GroupByExpr, Ident, OrderByKind, Query, Select, SelectItem, SetExpr, Value,
    ValueWithSpan,
};

use super::column_name::{folded, of_item};
use super::template::null;

/// Writes the places of such items for their names, and names window functions that are ordered by.
pub(super) fn order_by_place(query: &mut Query) {
    let SetExpr::Select(select) = &mut *query.body else { return };
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|order| &mut order.kind) else {
        return;
    };
    if matches!(select.distinct, Some(Distinct::On(_))) {
        return;
    }
    let count = keys.len();
    for (at, key) in keys.iter_mut().enumerate() {
        let Expr::Identifier(name) = &key.expr else { continue };
        let Some(place) = place_of(&folded(name), &select.projection) else { continue };
        if at + 1 == count && is_ordered_by_column(select, place) {
            continue;
        }
        key.expr = Expr::value(Value::Number((place + 1).to_string(), false));
    }
    if !is_ungrouped(select) {
        keys.iter().for_each(|key| name_window(&key.expr, &mut select.projection));
    }
}

/// Gives a window function at a place the name that PostgreSQL gives it, unless another item has it.
fn name_window(place: &Expr, list: &mut [SelectItem]) {
    let Expr::Value(ValueWithSpan { value: Value::Number(place, _), .. }) = place else { return };
    let Some(place) = place.parse::<usize>().ok().and_then(|place| place.checked_sub(1)) else { return };
    let names: Vec<Option<String>> = list.iter().map(of_item).collect();
    let Some(Some(name)) = names.get(place) else { return };
    let is_only_one = names.iter().filter(|other| other.as_ref() == Some(name)).count() == 1;
    if let Some(SelectItem::UnnamedExpr(expr)) = list.get_mut(place)
        && matches!(expr, Expr::Function(function) if function.over.is_some())
        && is_only_one
    {
        let alias = Ident::with_quote('"', name);
        list[place] = SelectItem::ExprWithAlias { expr: mem::replace(expr, null()), alias };
    }
}

/// The place of the one item that has this name without a word of the statement.
fn place_of(name: &str, list: &[SelectItem]) -> Option<usize> {
    let mut found = None;
    for (place, item) in list.iter().enumerate() {
        // What a wildcard shows is not known here.
        if of_item(item)? != name {
            continue;
        }
        match item {
            SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => return None,
            SelectItem::UnnamedExpr(_) if found.is_none() => found = Some(place),
            _ => return None,
        }
    }
    found
}

/// Whether an item is the day or time of a column whose order is one of the item too. It may be read in that order.
fn is_ordered_by_column(select: &Select, place: usize) -> bool {
    let is_of_time = matches!(
        select.projection.get(place),
        Some(SelectItem::UnnamedExpr(Expr::Cast { data_type: DataType::Date | DataType::Timestamp(..), .. }))
    );
    is_of_time && select.distinct.is_none() && is_ungrouped(select)
}

fn is_ungrouped(select: &Select) -> bool {
    matches!(&select.group_by, GroupByExpr::Expressions(keys, _) if keys.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn names_of_items_without_one_become_their_places() {
        for (text, expected) in [
            (
                "SELECT a, count(*) FROM t GROUP BY a ORDER BY count DESC, a",
                "SELECT a, count(*) FROM t GROUP BY a ORDER BY 2 DESC, a",
            ),
            ("SELECT x::INT, 1 AS k FROM t ORDER BY x", "SELECT x::INT, 1 AS k FROM t ORDER BY 1"),
            (
                "SELECT a, rank() OVER (ORDER BY sum(b)) FROM t GROUP BY a ORDER BY 2, rank",
                "SELECT a, rank() OVER (ORDER BY sum(b)) AS \"rank\" FROM t GROUP BY a ORDER BY 2, 2",
            ),
            ("SELECT ts::DATE, v FROM t ORDER BY ts, v", "SELECT ts::DATE, v FROM t ORDER BY 1, v"),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
        for unchanged in [
            "SELECT ts::DATE FROM t ORDER BY ts",
            "SELECT x::INT AS y FROM t ORDER BY x",
            "SELECT max(a), max(b) FROM t ORDER BY max",
            "SELECT x, x::INT FROM t ORDER BY x",
            "SELECT *, count(*) FROM t ORDER BY count",
        ] {
            let mut statement = parse(unchanged, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), unchanged);
        }
    }
}
