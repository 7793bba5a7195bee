//! Rewrites parsed statements that query the catalog, or name no table, to syntax that the engine has: with rules of
//! `datafusion-pg-catalog` and of ours.
//!
//! The library's own parser is not used for what is answered: operators would bind otherwise than in all other statements. Nor are its
//! rules that rewrite comparisons with arrays and texts of arrays, which all statements have of ours (semantics/comparisons.rs).

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{self, Expr, SetExpr, Value};
use datafusion_pg_catalog::sql::PostgresCompatibilityParser;
use datafusion_pg_catalog::sql::rules::{
    AliasDuplicatedProjectionRewrite, CurrentUserVariableToSessionUserFunctionCall, FixVersionColumnName,
    PrependUnqualifiedPgTableName, RemoveSubqueryFromProjection, ResolveUnqualifiedIdentifier,
    RewritePgCatalogOperator, RewriteRegCastToSubquery, SqlStatementRewriteRule, StripCallableQualifier,
    StripCollate,
};

use super::{driver_syntax, object_names, rewrite};
use crate::domain::{Error, Result};

/// The rules, and the statements that the library knows by their words.
pub(super) struct CatalogSyntax {
    library: PostgresCompatibilityParser,
    rules: Vec<Box<dyn SqlStatementRewriteRule>>,
}

impl CatalogSyntax {
    pub(super) fn new() -> Self {
        let rules: Vec<Box<dyn SqlStatementRewriteRule>> = vec![
            Box::new(AliasDuplicatedProjectionRewrite),
            Box::new(ResolveUnqualifiedIdentifier),
            Box::new(PrependUnqualifiedPgTableName),
            Box::new(StripCallableQualifier),
            Box::new(CurrentUserVariableToSessionUserFunctionCall),
            Box::new(RewritePgCatalogOperator),
            Box::new(RewriteRegCastToSubquery::new()),
            Box::new(RemoveSubqueryFromProjection),
            Box::new(FixVersionColumnName),
        ];
        Self { library: PostgresCompatibilityParser::new(), rules }
    }

    /// Rewrites a statement whose text is `text`; `has_tables` if it names some of the catalog.
    pub(super) fn rewrite(&self, statement: &mut Statement, text: &str, has_tables: bool) {
        match statement {
            Statement::Statement(plain) => {
                let written = plain.clone();
                driver_syntax::rewrite(plain, has_tables);
                object_names::rewrite(plain);
                if has_tables
                    && *plain == written
                    && let Some(replacement) = self.replacement(text)
                {
                    **plain = replacement;
                }
                self.apply_rules(plain, has_tables);
                rewrite::rewrite(plain);
            }
            Statement::Explain(explain) => self.rewrite(&mut explain.statement, "", has_tables),
            // The planner refuses these, since they do not only read.
            Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => {}
        }
    }

    fn apply_rules(&self, statement: &mut ast::Statement, has_tables: bool) {
        let mut changed = statement.clone();
        if has_tables {
            // Names in the catalog are compared by their bytes. Of other texts a collation is refused.
            changed = StripCollate.rewrite(changed);
        }
        *statement = self.rules.iter().fold(changed, |statement, rule| rule.rewrite(statement));
    }

    /// Returns the query of no rows that the library puts in the place of some statements of psql and pgcli, which it knows by their words.
    fn replacement(&self, text: &str) -> Option<ast::Statement> {
        let mut statements = self.library.parse(text).ok()?;
        let one = statements.pop().filter(|_| statements.is_empty())?;
        let ast::Statement::Query(query) = &one else { return None };
        let SetExpr::Select(select) = &*query.body else { return None };
        let is_false =
            |expr: &Expr| matches!(expr, Expr::Value(value) if value.value == Value::Boolean(false));
        (select.from.is_empty() && select.selection.as_ref().is_some_and(is_false)).then_some(one)
    }

    /// Returns a statement that our parser does not read, if the library reads it as one without rows: it is refused later, by what it is.
    ///
    /// # Errors
    /// That the statement is empty, or else `error`, that of our parser.
    pub(super) fn statement_without_rows(&self, text: &str, error: Error) -> Result<Statement> {
        match self.library.parse(text).as_deref() {
            Ok([]) => Err(Error::field("query", "is empty")),
            Ok([one]) if !has_rows(one) => Ok(Statement::Statement(Box::new(one.clone()))),
            _ => Err(error),
        }
    }
}

fn has_rows(statement: &ast::Statement) -> bool {
    matches!(statement, ast::Statement::Query(_) | ast::Statement::Explain { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::guard::parser::parse;

    fn rewritten(text: &str, has_tables: bool) -> String {
        let mut statement = parse(text, 50).unwrap();
        CatalogSyntax::new().rewrite(&mut statement, text, has_tables);
        statement.to_string()
    }

    #[test]
    fn statements_keep_how_our_parser_reads_them() {
        for text in ["SELECT -2 ^ 2", "SELECT NOT a IS DISTINCT FROM b OR c FROM pg_class"] {
            let has_tables = text.contains("FROM pg_class");
            let mut expected = parse(text, 50).unwrap();
            let mut statement = expected.clone();
            CatalogSyntax::new().rewrite(&mut statement, text, has_tables);
            if has_tables {
                expected = parse(&text.replace("pg_class", "pg_catalog.pg_class"), 50).unwrap();
            }
            assert_eq!(statement, expected, "{text}");
        }
        for text in [
            "SELECT 2 = ANY(ARRAY[1, NULL]), 2 <> ALL('{1,NULL}')",
            "SELECT '{1,NULL}'::INT[] FROM (VALUES (1)) AS v (x)",
            "SELECT 'a' < 'B' COLLATE \"de_DE\"",
        ] {
            assert_eq!(rewritten(text, false), text);
        }
    }

    #[test]
    fn what_clients_ask_of_the_catalog_is_rewritten() {
        for (text, expected) in [
            ("SELECT current_schema", "SELECT current_schema()"),
            ("SELECT pg_catalog.version()", "SELECT version() AS version"),
            ("EXPLAIN SELECT oid FROM pg_class", "EXPLAIN SELECT oid FROM pg_catalog.pg_class"),
        ] {
            assert_eq!(rewritten(text, text.contains("pg_class")), expected);
        }
        let policies = "SELECT pol.polname, pol.polpermissive, CASE WHEN pol.polroles = '{0}' THEN NULL ELSE pg_catalog.array_to_string(array(select rolname from pg_catalog.pg_roles where oid = any (pol.polroles) order by 1),',') END, pg_catalog.pg_get_expr(pol.polqual, pol.polrelid), pg_catalog.pg_get_expr(pol.polwithcheck, pol.polrelid), CASE pol.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' END AS cmd FROM pg_catalog.pg_policy pol WHERE pol.polrelid = '16384' ORDER BY 1";
        let replaced = rewritten(policies, true);
        assert!(replaced.ends_with(" WHERE false"), "{replaced}");
    }

    #[test]
    fn what_our_parser_does_not_read_has_no_rows() {
        let syntax = CatalogSyntax::new();
        let error = || Error::invalid("ours");
        assert!(syntax.statement_without_rows("-- nothing", error()).unwrap_err().message.contains("empty"));
        assert_eq!(syntax.statement_without_rows("SELECT 1; SELECT 2", error()).unwrap_err().message, "ours");
        assert_eq!(syntax.statement_without_rows("SELECT -2 ^ 2", error()).unwrap_err().message, "ours");
        assert_eq!(syntax.statement_without_rows("ABORT", error()).unwrap().to_string(), "ROLLBACK");
    }
}
