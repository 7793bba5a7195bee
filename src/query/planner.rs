//! Planner: parses and plans one SQL statement. SQL is read-only: the planner refuses every statement that writes
//! (INSERT, UPDATE, DELETE, CREATE, DROP), and tables that the principal may not name.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::error::DataFusionError;
use datafusion::execution::context::{SQLOptions, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;

use super::context::QueryContext;
use super::engine::Engine;
use super::error::from_datafusion;
use super::function_scans;
use super::guard;
use super::log::Surface;
use super::plan_cache::PlannedStatement;
use super::postgres::StatementNotes;
use super::principal_catalog::PrincipalCatalog;
use super::semantics::NamesApart;
use super::{scopes, semantics};
use crate::domain::{Error, Result};

impl Engine {
    /// Creates the session for a statement from `surface` over the tables of `query_context`.
    pub(super) fn session(
        self: &Arc<Self>,
        query_context: &QueryContext,
        surface: Surface,
    ) -> Result<SessionState> {
        match surface {
            Surface::Postgres => self.postgres.get(&self.template)?.session(query_context),
            Surface::Sql
            | Surface::Flight
            | Surface::Values
            | Surface::Statistics
            | Surface::Steps
            | Surface::Messages => Ok(PrincipalCatalog::new(query_context).into_session(&self.template)),
        }
    }

    /// Plans a statement and checks its scopes. Parameters stay unbound.
    pub(super) async fn plan(
        &self,
        session: &SessionState,
        query_context: &QueryContext,
        text: &str,
        surface: Surface,
    ) -> Result<PlannedStatement> {
        // PostgreSQL clients get further tables beside ours, so their plans are not cached.
        let is_plain = surface != Surface::Postgres;
        if let Some(known) =
            is_plain.then(|| self.plan_cache.get(query_context.principal.org, text)).flatten()
        {
            scopes::check(&query_context.principal, &known.tables)?;
            let plan = known.bind_tables(query_context).map_err(from_datafusion)?;
            let (has_bounded, notes) = (known.has_bounded, StatementNotes::default());
            return Ok(PlannedStatement { plan, has_bounded, notes });
        }
        let (tables, planned) = self.plan_uncached(session, query_context, text, surface).await?;
        if is_plain {
            let key = (query_context.principal.org, text);
            self.plan_cache.put(key, tables, &planned, &self.template).map_err(from_datafusion)?;
        }
        Ok(planned)
    }

    async fn plan_uncached(
        &self,
        session: &SessionState,
        query_context: &QueryContext,
        text: &str,
        surface: Surface,
    ) -> Result<(Vec<TableReference>, PlannedStatement)> {
        if text.trim().is_empty() {
            return Err(Error::field("query", "is empty"));
        }
        guard::nesting::check(text)?;
        let (mut statement, notes) = self.parse(session, text, surface)?;
        guard::syntax::check(&statement)?;
        semantics::refuse_forms(&statement)?;
        semantics::rewrite(&mut statement);
        let tables = session.resolve_table_references(&statement).map_err(from_datafusion)?;
        scopes::check(&query_context.principal, &tables)?;
        let planned = plan_statement(session, statement).await.map_err(from_datafusion);
        let limit = session.config_options().sql_parser.recursion_limit.get();
        let plan = planned.map_err(|error| semantics::explain_missing(error, text, limit))?;
        scopes::check_settings(&query_context.principal, query_context.catalog().orgs.default_org(), &plan)?;
        let read_only =
            SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        read_only.verify_plan(&plan).map_err(|e| {
            let why = from_datafusion(e);
            Error::invalid(format!("only reading statements can run here: {}", why.message)).with_source(why)
        })?;
        let plan = function_scans::name_apart(plan, session).map_err(from_datafusion)?;
        semantics::refuse_wrong(&plan).map_err(from_datafusion)?;
        let (plan, has_bounded) = guard::expressions::bound_plan(plan).map_err(from_datafusion)?;
        Ok((tables, PlannedStatement { plan, has_bounded, notes }))
    }

    /// Parses a statement; PostgreSQL clients are told more of theirs.
    fn parse(
        &self,
        session: &SessionState,
        text: &str,
        surface: Surface,
    ) -> Result<(Statement, StatementNotes)> {
        let limit = session.config_options().sql_parser.recursion_limit.get();
        let plain = guard::parser::parse(text, limit).map_err(from_datafusion);
        match surface {
            Surface::Postgres if !plain.as_ref().is_err_and(guard::parser::is_too_intricate) => {
                self.postgres.get(&self.template)?.rewrite_statement(session, text, plain)
            }
            Surface::Postgres
            | Surface::Sql
            | Surface::Flight
            | Surface::Values
            | Surface::Statistics
            | Surface::Steps
            | Surface::Messages => Ok((plain?, StatementNotes::default())),
        }
    }
}

/// Plans a statement whose columns may hide others from its ORDER BY.
async fn plan_statement(
    session: &SessionState,
    statement: Statement,
) -> std::result::Result<LogicalPlan, DataFusionError> {
    if let Some((renamed, mut names)) = NamesApart::behind_order(&statement) {
        let planned = plan_apart(session, renamed, &mut names).await;
        match planned {
            // Then the order can only be by what the statement shows.
            Err(error) if names.are_of_no_column(&error) => {}
            planned => return planned,
        }
    }
    plan_apart(session, statement, &mut NamesApart::default()).await
}

/// Plans a statement, with other names for columns for which it has one name if need be.
async fn plan_apart(
    session: &SessionState,
    mut statement: Statement,
    names: &mut NamesApart,
) -> std::result::Result<LogicalPlan, DataFusionError> {
    match session.statement_to_plan(statement.clone()).await {
        Err(error) if NamesApart::are_needed(&error) => {
            names.give(&mut statement);
            names.restore(session.statement_to_plan(statement).await?)
        }
        planned => names.restore(planned?),
    }
}
