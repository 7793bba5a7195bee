//! From the text of a statement to a plan that only reads, over what a principal may name.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::execution::context::{SQLOptions, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;

use super::engine::Engine;
use super::error::from_datafusion;
use super::guard;
use super::log::Surface;
use super::scopes;
use super::session::View;
use crate::domain::{Error, Result};

/// A statement as a plan whose parameters have no values.
#[derive(Debug)]
pub(super) struct Planned {
    pub plan: LogicalPlan,
    /// Whether functions of it are bounded (`guard::bounded`): these are told when the statement is to end.
    pub has_bounded: bool,
}

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
    ) -> Result<Planned> {
        // Tools of PostgreSQL are given other tables beside ours.
        let is_plain = surface != Surface::Postgres;
        if let Some(known) = is_plain.then(|| self.known.get(view.principal.org, text)).flatten() {
            scopes::check(&view.principal, &known.tables)?;
            let plan = known.over(view).map_err(from_datafusion)?;
            return Ok(Planned { plan, has_bounded: known.has_bounded });
        }
        let (tables, planned) = self.plan_anew(session, view, text, surface).await?;
        if is_plain {
            let asked = (view.principal.org, text);
            self.known.put(asked, tables, &planned, &self.template).map_err(from_datafusion)?;
        }
        Ok(planned)
    }

    async fn plan_anew(
        &self,
        session: &SessionState,
        view: &View,
        text: &str,
        surface: Surface,
    ) -> Result<(Vec<TableReference>, Planned)> {
        if text.trim().is_empty() {
            return Err(Error::field("query", "is empty"));
        }
        guard::text::check(text)?;
        let statement = self.parse(session, text, surface)?;
        guard::syntax::check(&statement)?;
        let tables = session.resolve_table_references(&statement).map_err(from_datafusion)?;
        scopes::check(&view.principal, &tables)?;
        let plan = session.statement_to_plan(statement).await.map_err(from_datafusion)?;
        scopes::check_settings(&view.principal, view.catalog().default_org(), &plan)?;
        let read_only =
            SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        read_only.verify_plan(&plan).map_err(|e| {
            let why = from_datafusion(e);
            Error::invalid(format!("only reading statements can run here: {}", why.message)).because(why)
        })?;
        let (plan, has_bounded) = guard::expressions::bound(plan).map_err(from_datafusion)?;
        Ok((tables, Planned { plan, has_bounded }))
    }

    fn parse(&self, session: &SessionState, text: &str, surface: Surface) -> Result<Statement> {
        let limit = session.config_options().sql_parser.recursion_limit.get();
        let plain = guard::parser::parse(text, limit).map_err(from_datafusion);
        match surface {
            Surface::Postgres if plain.as_ref().is_err_and(guard::parser::is_too_intricate) => plain,
            Surface::Postgres => self.postgres.get(&self.template)?.understand(session, text, plain),
            Surface::Sql | Surface::Flight | Surface::Values | Surface::Statistics | Surface::Steps => plain,
        }
    }
}
