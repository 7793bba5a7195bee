//! The columns and functions that a part of a statement names.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Ident, Query, Visit};

use super::column_name::folded;
use crate::domain::Error;
use crate::query::syntax_visitor::{SyntaxVisitor, walk};

/// The names in a part of a statement, those in queries within it included.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Columns with their table.
    pub columns: Vec<(Ident, Ident)>,
    /// Functions, but those over windows, in lower case.
    pub calls: Vec<String>,
    /// Whether it names a column without its table.
    pub has_bare_columns: bool,
}

impl Names {
    pub fn of(part: &impl Visit) -> Names {
        let mut names = Names::default();
        // The visitor ends no walk.
        let _ = walk(part, &mut names);
        names
    }

    /// Number of times that columns of a table are named.
    pub fn count_of(&self, table: &str) -> usize {
        self.columns.iter().filter(|(of, _)| folded(of) == table).count()
    }
}

impl SyntaxVisitor for Names {
    fn enter_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        match expr {
            Expr::Identifier(_) => self.has_bare_columns = true,
            Expr::CompoundIdentifier(parts) => {
                if let [table, column] = parts.as_slice() {
                    self.columns.push((table.clone(), column.clone()));
                }
            }
            Expr::Function(function) if function.over.is_none() => {
                self.calls.extend(function.name.0.last().and_then(|part| part.as_ident()).map(folded));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Whether there is a query within a part of a statement that is none itself.
pub(super) fn has_query(part: &impl Visit) -> bool {
    struct NoQuery;

    impl SyntaxVisitor for NoQuery {
        fn enter_query(&mut self, _: &Query) -> ControlFlow<Error> {
            ControlFlow::Break(Error::internal("a query"))
        }
    }
    walk(part, &mut NoQuery).is_err()
}
