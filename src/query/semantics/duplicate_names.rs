//! Statements that show two columns of one name, as `SELECT ts::date, ts`: PostgreSQL answers them, but DataFusion (55) plans
//! no such list (its issue #6543). The columns get other names before a statement is planned, and theirs after it. So do those that
//! hide a column from an expression of ORDER BY.

use datafusion::common::{Column, SchemaError};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast;

use super::{aliased_lists, cast_name, column_name, shadowed_columns};
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

    /// A statement in which other names stand for those that hide a column from its ORDER BY; `None` where there are none.
    pub fn behind_order(statement: &Statement) -> Option<(Statement, NamesApart)> {
        let hidden = shadowed_columns::of_orders(shown_query(statement)?);
        if hidden.is_empty() {
            return None;
        }
        let mut renamed = statement.clone();
        let mut names = NamesApart::default();
        names.rename_in(shown_query_mut(&mut renamed)?, &hidden);
        Some((renamed, names))
    }

    /// Whether a statement was not planned because one of these names is that of no column.
    pub fn are_of_no_column(&self, error: &DataFusionError) -> bool {
        match error.find_root() {
            DataFusionError::SchemaError(error, _) => match &**error {
                SchemaError::FieldNotFound { field, .. } => self.shown.contains(&field.name),
                _ => false,
            },
            _ => false,
        }
    }

    /// Renames items of the list, and the keys of ORDER BY that are their names.
    fn rename_in(&mut self, query: &mut ast::Query, hidden: &[String]) {
        let ast::SetExpr::Select(select) = &mut *query.body else { return };
        let keys = match query.order_by.as_mut().map(|order| &mut order.kind) {
            Some(ast::OrderByKind::Expressions(keys)) => keys.as_mut_slice(),
            _ => &mut [],
        };
        for item in &mut select.projection {
            let ast::SelectItem::ExprWithAlias { alias, .. } = item else { continue };
            let name = column_name::folded(alias);
            if !hidden.contains(&name) {
                continue;
            }
            *alias = self.place_for(name.clone());
            for key in keys.iter_mut() {
                if matches!(&key.expr, ast::Expr::Identifier(key) if column_name::folded(key) == name) {
                    key.expr = ast::Expr::Identifier(alias.clone());
                }
            }
        }
    }

    /// The name that stands for this one until the statement is planned.
    fn place_for(&mut self, name: String) -> ast::Ident {
        let other = ast::Ident::with_quote('"', format!("{PREFIX}{}", self.shown.len()));
        self.shown.push(name);
        other
    }

    /// Gives casts names of their own, and columns that a statement shows under one name other names.
    pub fn give(&mut self, statement: &mut Statement) {
        match statement {
            Statement::Statement(statement) => {
                aliased_lists::name_apart(statement);
                change_exprs_inner_first(&mut **statement, &mut cast_name::add);
                if let ast::Statement::Query(query) = &mut **statement {
                    self.give_in(&mut query.body);
                }
            }
            Statement::Explain(explain) => self.give(&mut explain.statement),
            // The planner refuses these, since they do not only read.
            Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => {}
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
            match item {
                ast::SelectItem::UnnamedExpr(expr) => {
                    let (expr, alias) = (expr.clone(), self.place_for(name.clone()));
                    *item = ast::SelectItem::ExprWithAlias { expr, alias };
                }
                ast::SelectItem::ExprWithAlias { alias, .. } => *alias = self.place_for(name.clone()),
                _ => {}
            }
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

/// The query whose rows a statement shows, or explains.
fn shown_query(statement: &Statement) -> Option<&ast::Query> {
    match statement {
        Statement::Statement(statement) => match &**statement {
            ast::Statement::Query(query) => Some(query),
            _ => None,
        },
        Statement::Explain(explain) => shown_query(&explain.statement),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => None,
    }
}

fn shown_query_mut(statement: &mut Statement) -> Option<&mut ast::Query> {
    match statement {
        Statement::Statement(statement) => match &mut **statement {
            ast::Statement::Query(query) => Some(query),
            _ => None,
        },
        Statement::Explain(explain) => shown_query_mut(&mut explain.statement),
        Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => None,
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
        let mut names = NamesApart::default();
        names.give(&mut statement);
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
    fn lists_that_are_named_from_outside_get_names_of_their_own() {
        let (text, _) = apart(
            "WITH RECURSIVE t (n, p) AS (SELECT 1, 1 UNION ALL SELECT n + 1, p AS x FROM t) SELECT * FROM t, (SELECT 0, 0) AS q (a, b), (SELECT 0) AS r",
        );
        let expected = r#"WITH RECURSIVE t (n, p) AS (SELECT 1 AS "__item_0", 1 AS "__item_1" UNION ALL SELECT n + 1 AS "__item_0", p AS x FROM t) SELECT * FROM t, (SELECT 0 AS "__item_0", 0 AS "__item_1") AS q (a, b), (SELECT 0) AS r"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn names_that_hide_a_column_from_an_expression_of_the_order_get_others() {
        let apart = |text| NamesApart::behind_order(&parse(text, 50).unwrap());
        let (statement, names) = apart("SELECT -a AS a, b AS c FROM r ORDER BY a + b, A, c").unwrap();
        let expected = r#"SELECT -a AS "__column_0", b AS c FROM r ORDER BY a + b, "__column_0", c"#;
        assert_eq!(statement.to_string(), expected);
        assert_eq!(names.shown, ["a"]);
        for text in [
            "SELECT -a AS a FROM r ORDER BY a",
            "SELECT r.a AS a FROM r ORDER BY a + 1",
            "SELECT -a AS a FROM r ORDER BY (SELECT a FROM q), r.a + 1",
        ] {
            assert!(apart(text).is_none(), "{text}");
        }
    }

    #[test]
    fn casts_have_names_of_their_own() {
        let (text, _) = apart("SELECT sum(a::INT) AS x, sum(a) AS y FROM r WHERE b::DATE = '2024-03-31'");
        let expected = "SELECT sum(cast_name(a::INT, 'INT')) AS x, sum(a) AS y FROM r WHERE cast_name(b::DATE, 'DATE') = '2024-03-31'";
        assert_eq!(text, expected);
    }
}
