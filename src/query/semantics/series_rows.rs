//! Rows that a list makes: `SELECT generate_series(1, 3) AS n`. Here a series is a table alone, so one of a SELECT without FROM moves there.

use std::mem;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, FunctionArg, FunctionArguments, Ident, ObjectName, Select, SetExpr, Statement as SqlStatement,
    TableFactor, TableWithJoins,
};

use crate::query::guard::parser::parse;
use crate::query::syntax_visitor::change_own_exprs;

const NAME: &str = "generate_series";
/// The FROM of a series; its column has the name that PostgreSQL gives the item.
const TEMPLATE: &str = "SELECT 1 FROM generate_series() AS generate_series (generate_series)";
const TEMPLATE_DEPTH: usize = 16;

/// Moves the one series of a list to FROM.
pub(super) fn move_to_from(select: &mut Select) {
    if !select.from.is_empty() {
        return;
    }
    let (mut count, mut has_windows) = (0, false);
    change_own_exprs(&mut select.projection, &mut |expr| {
        count += usize::from(arguments(expr).is_some());
        // PostgreSQL makes the rows of a series above the windows, which see one row.
        has_windows |= matches!(expr, Expr::Function(function) if function.over.is_some());
    });
    if count != 1 || has_windows {
        return;
    }
    let mut moved = Vec::new();
    change_own_exprs(&mut select.projection, &mut |expr| {
        if let Some(args) = arguments(expr) {
            moved = mem::take(args);
            *expr = Expr::Identifier(Ident::new(NAME));
        }
    });
    select.from.extend(rows_of(moved));
}

fn arguments(expr: &mut Expr) -> Option<&mut Vec<FunctionArg>> {
    match expr {
        Expr::Function(function) if is_series(&function.name) => match &mut function.args {
            FunctionArguments::List(list) => Some(&mut list.args),
            _ => None,
        },
        _ => None,
    }
}

fn is_series(name: &ObjectName) -> bool {
    matches!(name.0.as_slice(), [part] if part.as_ident().is_some_and(|name| name.value.eq_ignore_ascii_case(NAME)))
}

fn rows_of(args: Vec<FunctionArg>) -> Option<TableWithJoins> {
    let Ok(Statement::Statement(statement)) = parse(TEMPLATE, TEMPLATE_DEPTH) else { return None };
    let SqlStatement::Query(query) = *statement else { return None };
    let SetExpr::Select(select) = *query.body else { return None };
    let mut rows = select.from.into_iter().next()?;
    if let TableFactor::Table { args: Some(list), .. } = &mut rows.relation {
        list.args = args;
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use crate::query::guard::parser::parse;
    use crate::query::semantics::syntax;

    #[test]
    fn a_series_of_a_list_without_from_moves_to_from() {
        for (text, expected) in [
            (
                "SELECT generate_series(1, 3) AS n, 2",
                "SELECT generate_series AS n, 2 FROM generate_series(1, 3) AS generate_series (generate_series)",
            ),
            (
                "SELECT generate_series(a, b, c)::date",
                "SELECT generate_series::DATE FROM generate_series(a, b, c) AS generate_series (generate_series)",
            ),
            (
                "SELECT generate_series(1, 3), generate_series(1, 2)",
                "SELECT generate_series(1, 3), generate_series(1, 2)",
            ),
            ("SELECT generate_series(1, x) FROM t", "SELECT generate_series(1, x) FROM t"),
            (
                "SELECT generate_series(1, 3), count(*) OVER ()",
                "SELECT generate_series(1, 3), count(*) OVER ()",
            ),
        ] {
            let mut statement = parse(text, 50).unwrap();
            syntax::rewrite(&mut statement);
            assert_eq!(statement.to_string(), expected);
        }
    }
}
