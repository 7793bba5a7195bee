//! Queries that run now: listed and cancelled. The engine decides who sees and cancels which.

use uuid::Uuid;

use crate::app::sql::Statements;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::running_query::RunningQuery;
use crate::domain::{Principal, Result};

impl Statements {
    /// Returns the queries of the organization that wait or run and that the principal sees, oldest first. Everybody sees
    /// their own, so no scope is needed.
    pub fn running(&self, principal: &Principal) -> Result<Vec<RunningQuery>> {
        Ok(self.engine.running(principal))
    }

    /// Cancels a query. Cancelling that of another caller is audited.
    ///
    /// # Errors
    /// `NotFound` for a query that has ended or is not seen; `Forbidden` without `system:write` for that of another caller.
    pub async fn cancel_query(&self, principal: &Principal, id: Uuid) -> Result<()> {
        let cancelled = self.engine.cancel(principal, id)?;
        if cancelled.is_own {
            return Ok(());
        }
        self.audit.audit(principal, AuditChange::new(Action::Delete, "query", None)).await
    }
}
