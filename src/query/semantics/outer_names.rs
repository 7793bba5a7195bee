//! Columns of tables around a derived table, which it names. PostgreSQL (15) knows those of tables before it with LATERAL alone, and those of an
//! outer query always. DataFusion (55) says of the former only that there are no such columns, and fails at the latter in ways that do not
//! tell why.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, Query, Select, Statement as SqlStatement, TableFactor, TableWithJoins,
};

use super::column_name::folded;
use super::joined_tables::name_of;
use super::named_in::has_query;
use crate::domain::Error;
use crate::query::error::{CORRELATED, NO_COLUMN};
use crate::query::guard::parser::parse;
use crate::query::syntax_visitor::{SyntaxVisitor, walk};

/// Begin of DataFusion's message for columns of one name.
const AMBIGUOUS: &str = "Schema contains qualified field name";

/// Explains an error about a column that the planner does not find, if a derived table of the statement names it.
pub fn explain_missing(error: Error, text: &str, recursion_limit: usize) -> Error {
    let is_missing = |name: &OuterName| {
        let rest = error.message.strip_prefix(NO_COLUMN);
        let rest = rest.and_then(|rest| rest.strip_prefix(name.column.as_str()));
        rest.is_some_and(|rest| rest.starts_with('`'))
    };
    match names_behind(&error, text, recursion_limit).into_iter().find(is_missing) {
        Some(name) => Error { message: name.message(), ..error },
        None => error,
    }
}

/// Explains why a planned statement cannot be executed, if a derived table names a column of an outer query.
pub fn explain_correlated(error: Error, text: &str, recursion_limit: usize) -> Error {
    // The planner has found every name: the optimizer misses those of a subquery that it joins.
    let misses_name = error.message.starts_with(AMBIGUOUS) || error.message.starts_with(NO_COLUMN);
    let error = match misses_name && has_subquery(text, recursion_limit) {
        true => Error { message: CORRELATED.to_owned(), ..error },
        false => error,
    };
    let mut names = names_behind(&error, text, recursion_limit).into_iter();
    match names.find(|name| name.position == Position::Outer) {
        Some(name) => Error { message: name.message(), ..error },
        None => error,
    }
}

fn has_subquery(text: &str, recursion_limit: usize) -> bool {
    match parse(text, recursion_limit) {
        Ok(Statement::Statement(statement)) => match *statement {
            SqlStatement::Query(query) => has_query(&*query.body),
            _ => false,
        },
        _ => false,
    }
}

/// Returns the columns that derived tables name, if one of them can be the reason of an error.
fn names_behind(error: &Error, text: &str, recursion_limit: usize) -> Vec<OuterName> {
    if !error.message.starts_with(NO_COLUMN) && error.message != CORRELATED {
        return Vec::new();
    }
    parse(text, recursion_limit).map(|statement| outer_names(&statement)).unwrap_or_default()
}

/// The position of a table, as seen from the derived table that names its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// Before it in the same FROM.
    Before,
    /// In a query around the one that it belongs to.
    Outer,
}

/// A column as a derived table names it.
#[derive(Debug)]
struct OuterName {
    table: String,
    /// The name with that of the table.
    column: String,
    position: Position,
}

impl OuterName {
    fn message(&self) -> String {
        let OuterName { table, column, .. } = self;
        match self.position {
            Position::Before => format!(
                "invalid reference to FROM-clause entry for table \"{table}\": to name `{column}`, the derived table behind it needs \
                 LATERAL; or write it as a join"
            ),
            Position::Outer => format!(
                "not supported: a derived table in a subquery that names the column `{column}` of the outer query; write the subquery as a \
                 JOIN with GROUP BY, or compare `{column}` in WHERE of the subquery itself or of JOIN LATERAL"
            ),
        }
    }
}

fn outer_names(statement: &Statement) -> Vec<OuterName> {
    match statement {
        Statement::Statement(statement) => {
            let mut names = OuterNames::default();
            // The visitor ends no walk.
            let _ = walk(&**statement, &mut names);
            names.found
        }
        Statement::Explain(explain) => outer_names(&explain.statement),
        // The planner refuses these, since they do not only read.
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => Vec::new(),
    }
}

/// Finds columns that derived tables name.
#[derive(Default)]
struct OuterNames {
    /// The queries around what is looked at, the innermost one last.
    scopes: Vec<Scope>,
    /// Derived tables of these queries, by the address of their own.
    derived: HashMap<*const Query, DerivedTable>,
    found: Vec<OuterName>,
}

struct Scope {
    /// Names of the tables of its SELECT.
    tables: Vec<String>,
    /// Its position in a FROM, if it is a derived table.
    derived: Option<DerivedTable>,
}

struct DerivedTable {
    is_lateral: bool,
    /// Names of the tables before it.
    before: Vec<String>,
}

impl SyntaxVisitor for OuterNames {
    fn enter_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let derived = self.derived.remove(&(&raw const *query));
        self.scopes.push(Scope { tables: Vec::new(), derived });
        ControlFlow::Continue(())
    }

    fn leave_query(&mut self, _: &Query) -> ControlFlow<Error> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn enter_select(&mut self, select: &Select) -> ControlFlow<Error> {
        let mut tables = Vec::new();
        list_tables(&select.from, &mut tables);
        let mut before: Vec<String> = Vec::new();
        for table in tables {
            if let TableFactor::Derived { lateral, subquery, .. } = table {
                let derived = DerivedTable { is_lateral: *lateral, before: before.clone() };
                self.derived.insert(&raw const **subquery, derived);
            }
            before.extend(name_of(table).and_then(|parts| parts.last().map(folded)));
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.tables = before;
        }
        ControlFlow::Continue(())
    }

    fn enter_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        if let Expr::CompoundIdentifier(parts) = expr
            && let [table, column] = parts.as_slice()
        {
            let table = folded(table);
            if let Some(position) = self.position_of(&table) {
                let column = format!("{table}.{}", folded(column));
                self.found.push(OuterName { table, column, position });
            }
        }
        ControlFlow::Continue(())
    }
}

impl OuterNames {
    /// Returns where a table is that the innermost query names; `None` if it can name it, or if there is none.
    fn position_of(&self, table: &str) -> Option<Position> {
        let mut inner: Option<&DerivedTable> = None;
        let mut is_in_derived = false;
        for scope in self.scopes.iter().rev() {
            let tables = inner.map_or(&scope.tables, |derived| &derived.before);
            if tables.iter().any(|name| name == table) {
                return match inner {
                    Some(derived) if !derived.is_lateral => Some(Position::Before),
                    _ => is_in_derived.then_some(Position::Outer),
                };
            }
            is_in_derived |= inner.is_some_and(|derived| !derived.is_lateral);
            inner = scope.derived.as_ref();
        }
        None
    }
}

/// Lists the tables of a FROM in their order, also those of joins in brackets.
fn list_tables<'a>(from: &'a [TableWithJoins], tables: &mut Vec<&'a TableFactor>) {
    for one in from {
        let joined = one.joins.iter().map(|join| &join.relation);
        for table in std::iter::once(&one.relation).chain(joined) {
            match table {
                TableFactor::NestedJoin { table_with_joins, .. } => {
                    list_tables(std::slice::from_ref(&**table_with_joins), tables);
                }
                table => tables.push(table),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(message: &str, text: &str) -> String {
        let error = Error::invalid(message);
        match message == CORRELATED {
            true => explain_correlated(error, text, 50).message,
            false => explain_missing(error, text, 50).message,
        }
    }

    #[test]
    fn columns_of_tables_before_a_derived_table_need_lateral() {
        let missing = "no column `a.x`; there are ";
        for text in [
            "SELECT 1 FROM a, (SELECT a.x) AS d",
            "EXPLAIN SELECT 1 FROM t AS A JOIN (SELECT y FROM b WHERE b.k = a.X) AS d ON true",
            "SELECT (SELECT max(d.x) FROM (a JOIN (SELECT a.x) AS d ON true)) FROM o",
        ] {
            let message = explained(missing, text);
            assert!(
                message.starts_with("invalid reference to FROM-clause entry for table \"a\""),
                "{message}"
            );
        }
        for text in [
            "SELECT a.x FROM a",
            "SELECT 1 FROM (SELECT a.x FROM b) AS d, a",
            "SELECT 1 FROM a, LATERAL (SELECT a.x) AS d",
            "SELECT 1 FROM a, (SELECT a.xx) AS d",
            "SELECT (SELECT a.x) FROM a",
            "SELECT 1 FROM a UNION SELECT a.x FROM b",
        ] {
            assert_eq!(explained(missing, text), missing, "{text}");
        }
    }

    #[test]
    fn columns_of_an_outer_query_are_named() {
        let text = "SELECT (SELECT max(y) FROM (SELECT o.x + i.y AS y FROM i) AS d) FROM o";
        for message in [CORRELATED, "no column `o.x`; there are i.y"] {
            let explained = explained(message, text);
            assert!(
                explained.contains("a derived table in a subquery that names the column `o.x`"),
                "{explained}"
            );
        }
        let plain = "SELECT (SELECT max(o.x + i.y) FROM i) FROM o";
        assert_eq!(explained(CORRELATED, plain), CORRELATED);
    }
}
