//! Keys of ROLLUP, CUBE, GROUPING SETS and DISTINCT ON. DataFusion (55) knows places of items beside these alone, and takes them for
//! constants here: `GROUP BY ROLLUP (1, 2)`, `DISTINCT ON (1)`. A key that ROLLUP or CUBE has twice is a column twice unless
//! there are other keys.

use std::collections::HashSet;

use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Select, SelectItem, Value, ValueWithSpan,
};

use super::copy_budget::CopyBudget;

/// Replaces places by what the items show, and gives keys that are there twice the company of an empty grouping set, which changes no group.
pub(super) fn replace(select: &mut Select, budget: &mut CopyBudget) {
    let mut members = match &mut select.distinct {
        Some(Distinct::On(keys)) => keys.iter_mut().collect(),
        _ => Vec::new(),
    };
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
        for key in keys {
            let (Expr::Rollup(sets) | Expr::Cube(sets) | Expr::GroupingSets(sets)) = key else { continue };
            members.extend(sets.iter_mut().flatten());
        }
    }
    for member in members {
        if let Some(item) = item_at(member, &select.projection)
            && budget.allows(item)
        {
            *member = item.clone();
        }
    }
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by
        && let [Expr::Rollup(sets) | Expr::Cube(sets)] = keys.as_slice()
        && has_repeated(sets)
    {
        keys.push(Expr::GroupingSets(vec![Vec::new()]));
    }
}

fn has_repeated(sets: &[Vec<Expr>]) -> bool {
    let mut seen = HashSet::new();
    !sets.iter().flatten().all(|key| seen.insert(key))
}

fn item_at<'a>(place: &Expr, items: &'a [SelectItem]) -> Option<&'a Expr> {
    let Expr::Value(ValueWithSpan { value: Value::Number(place, _), .. }) = place else { return None };
    let place = place.parse::<usize>().ok()?.checked_sub(1)?;
    // Nobody knows here for how many columns a `*` stands.
    let is_all =
        |item: &SelectItem| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..));
    if items.iter().take(place).any(is_all) {
        return None;
    }
    match items.get(place)? {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn places_become_what_the_items_show() {
        for (text, expected) in [
            (
                "SELECT DISTINCT ON (2, c) a, lower(b) FROM t ORDER BY 2, c",
                "SELECT DISTINCT ON (lower(b), c) a, lower(b) FROM t ORDER BY 2, c",
            ),
            (
                "SELECT a, lower(b) AS c FROM t GROUP BY ROLLUP (1, 2)",
                "SELECT a, lower(b) AS c FROM t GROUP BY ROLLUP (a, lower(b))",
            ),
            (
                "SELECT a, b FROM t GROUP BY 1, GROUPING SETS ((2, 1), ())",
                "SELECT a, b FROM t GROUP BY 1, GROUPING SETS ((b, a), ())",
            ),
            (
                "SELECT a, b FROM t GROUP BY ROLLUP (a, b, 1)",
                "SELECT a, b FROM t GROUP BY ROLLUP (a, b, a), GROUPING SETS (())",
            ),
            ("SELECT a FROM t GROUP BY CUBE (2)", "SELECT a FROM t GROUP BY CUBE (2)"),
            ("SELECT t.*, a FROM t GROUP BY CUBE (2)", "SELECT t.*, a FROM t GROUP BY CUBE (2)"),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }
}
