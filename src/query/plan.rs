//! From the text of a statement to a plan that only reads, over what a principal may name.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::execution::context::{SQLOptions, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;

use super::engine::Engine;
use super::error::from_datafusion;
use super::log::Surface;
use super::scopes;
use super::session::View;
use crate::domain::{Error, Principal, Result};

/// Longest SQL text, bytes.
const MAX_SQL: usize = 256 * 1024;

impl Engine {
    /// The session of a statement from `surface` over what `view` sees.
    pub(super) fn session(self: &Arc<Self>, view: &View, surface: Surface) -> Result<SessionState> {
        match surface {
            Surface::Postgres => self.postgres.get(&self.template)?.session(view),
            Surface::Sql | Surface::Flight | Surface::Values | Surface::Statistics | Surface::Steps => {
                Ok(view.session(&self.template, None))
            }
        }
    }

    /// The plan of a statement, its scopes checked, before its parameters have values.
    pub(super) async fn plan(
        &self,
        session: &SessionState,
        view: &View,
        text: &str,
        surface: Surface,
    ) -> Result<LogicalPlan> {
        // Tools of PostgreSQL are given other tables beside ours.
        let is_plain = surface != Surface::Postgres;
        if let Some(known) = is_plain.then(|| self.known.get(text)).flatten() {
            scopes::check(&view.principal, &known.tables)?;
            return known.over(view).map_err(from_datafusion);
        }
        let (tables, plan) = self.plan_anew(session, &view.principal, text, surface).await?;
        if is_plain {
            self.known.put(text, tables, &plan, &self.template).map_err(from_datafusion)?;
        }
        Ok(plan)
    }

    async fn plan_anew(
        &self,
        session: &SessionState,
        principal: &Principal,
        text: &str,
        surface: Surface,
    ) -> Result<(Vec<TableReference>, LogicalPlan)> {
        if text.trim().is_empty() {
            return Err(Error::field("query", "is empty"));
        }
        if text.len() > MAX_SQL {
            return Err(Error::too_large(format!("the query is longer than {MAX_SQL} bytes")));
        }
        let statement = self.parse(session, text, surface)?;
        let tables = session.resolve_table_references(&statement).map_err(from_datafusion)?;
        scopes::check(principal, &tables)?;
        let plan = session.statement_to_plan(statement).await.map_err(from_datafusion)?;
        let read_only =
            SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        read_only.verify_plan(&plan).map_err(|e| {
            let why = from_datafusion(e);
            Error::invalid(format!("only reading statements can run here: {}", why.message)).because(why)
        })?;
        Ok((tables, plan))
    }

    fn parse(&self, session: &SessionState, text: &str, surface: Surface) -> Result<Statement> {
        let dialect = session.config_options().sql_parser.dialect;
        let plain = session.sql_to_statement(text, &dialect).map_err(from_datafusion);
        match surface {
            Surface::Postgres => self.postgres.get(&self.template)?.understand(session, text, plain),
            Surface::Sql | Surface::Flight | Surface::Values | Surface::Statistics | Surface::Steps => plain,
        }
    }
}
