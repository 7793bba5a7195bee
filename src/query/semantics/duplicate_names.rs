//! Statements that show two columns of one name, as `SELECT ts::date, ts`: PostgreSQL answers them, but DataFusion (55) plans
//! no such list (its issue #6543). The columns get other names before a statement is planned, and theirs after it.

use datafusion::common::{Column, SchemaError};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;

use super::{cast_name, column_name};
use crate::query::syntax_visitor::change_exprs_inner_first;

/// Part of what DataFusion says of a list with two columns of one name.
const PROJECTION_ERROR: &str = "require unique expression names";
/// Begin of names that stand for others until a statement is planned.
const PREFIX: &str = "__column_";

/// The names that columns of a statement are to have.
#[derive(Debug, Default)]
pub struct NamesApart {
    /// Of the column `__column_0`, `__column_1` and so on.
    shown: Vec<String>,
}

impl NamesApart {
    /// Whether a statement was not planned because of names that come twice.
    pub fn are_needed(error: &DataFusionError) -> bool {
        match error.find_root() {
            DataFusionError::SchemaError(error, _) => matches!(
                **error,
                SchemaError::DuplicateUnqualifiedField { .. } | SchemaError::DuplicateQualifiedField { .. }
            ),
            DataFusionError::Plan(message) => message.contains(PROJECTION_ERROR),
            _ => false,
        }
    }

    /// Gives casts names of their own, and columns that a statement shows under one name other names.
    pub fn give(statement: &mut Statement) -> NamesApart {
        match statement {
            Statement::Statement(statement) => {
                change_exprs_inner_first(&mut **statement, &mut cast_name::add);
                let mut names = NamesApart::default();
                if let ast::Statement::Query(query) = &mut **statement {
                    names.give_in(&mut query.body);
                }
                names
            }
            Statement::Explain(explain) => Self::give(&mut explain.statement),
            // The planner refuses these, since they do not only read.
            Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => Self::default(),
        }
    }

    /// Names the columns of every SELECT whose rows are shown; the first one's names are shown.
    fn give_in(&mut self, body: &mut ast::SetExpr) {
        match body {
            ast::SetExpr::Select(select) => self.give_to(&mut select.projection),
            ast::SetExpr::Query(query) => self.give_in(&mut query.body),
            ast::SetExpr::SetOperation { left, right, .. } => {
                self.give_in(left);
                NamesApart::default().give_in(right);
            }
            _ => {}
        }
    }

    fn give_to(&mut self, list: &mut [ast::SelectItem]) {
        let names: Vec<Option<String>> = list.iter().map(column_name::of_item).collect();
        for (item, name) in list.iter_mut().zip(&names) {
            let Some(name) = name.as_ref().filter(|name| is_repeated(name, &names)) else { continue };
            let other = ast::Ident::with_quote('"', format!("{PREFIX}{}", self.shown.len()));
            match item {
                ast::SelectItem::UnnamedExpr(expr) => {
                    *item = ast::SelectItem::ExprWithAlias { expr: expr.clone(), alias: other };
                }
                ast::SelectItem::ExprWithAlias { alias, .. } => *alias = other,
                _ => continue,
            }
            self.shown.push(name.clone());
        }
    }

    /// Gives the columns of a planned statement their names. Different qualifiers, which nobody sees, keep them apart.
    ///
    /// # Errors
    /// When the plan lacks one of the columns.
    pub fn restore(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let place = |name: &str| name.strip_prefix(PREFIX)?.parse::<usize>().ok();
        if self.shown.is_empty() || !plan.schema().fields().iter().any(|field| place(field.name()).is_some())
        {
            return Ok(plan);
        }
        let columns: Vec<Expr> = plan
            .schema()
            .iter()
            .map(|(qualifier, field)| {
                let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
                match place(field.name()).and_then(|place| self.shown.get(place)) {
                    Some(shown) => column.alias_qualified(Some(field.name().as_str()), shown),
                    None => column,
                }
            })
            .collect();
        LogicalPlanBuilder::from(plan).project(columns)?.build()
    }
}

fn is_repeated(name: &str, names: &[Option<String>]) -> bool {
    names.iter().flatten().filter(|other| other.as_str() == name).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::guard::parser::parse;

    fn apart(text: &str) -> (String, Vec<String>) {
        let mut statement = parse(text, 50).unwrap();
        let names = NamesApart::give(&mut statement);
        (statement.to_string(), names.shown)
    }

    #[test]
    fn columns_of_one_name_get_others_and_the_rest_stays() {
        let (text, shown) = apart("SELECT ts, 1 AS a, r.ts, 2 AS A, b FROM r");
        assert_eq!(
            text,
            r#"SELECT ts AS "__column_0", 1 AS "__column_1", r.ts AS "__column_2", 2 AS "__column_3", b FROM r"#
        );
        assert_eq!(shown, ["ts", "a", "ts", "a"]);
        assert_eq!(apart("SELECT *, a, b FROM r").1, [""; 0]);
        let (_, shown) = apart("SELECT sum(a), sum(b) FROM r UNION SELECT 1, 2 ORDER BY 1");
        assert_eq!(shown, ["sum", "sum"]);
    }

    #[test]
    fn casts_have_names_of_their_own() {
        let (text, _) = apart("SELECT sum(a::INT) AS x, sum(a) AS y FROM r WHERE b::DATE = '2024-03-31'");
        let expected = "SELECT sum(cast_name(a::INT, 'INT')) AS x, sum(a) AS y FROM r WHERE cast_name(b::DATE, 'DATE') = '2024-03-31'";
        assert_eq!(text, expected);
    }
}
