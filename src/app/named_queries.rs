//! Named queries: every authenticated caller may list them; what one returns is authorized as for any other statement.

use serde_json::{Map, Value};

use super::sql::{SqlRequest, SqlResult};
use crate::app::sql::Statements;
use crate::domain::named_query::NamedQuery;
use crate::domain::{Principal, Result};
use crate::query::named;

impl Statements {
    /// Returns all named queries, by name. They hold no data, so no scope is needed.
    pub fn named_queries(&self, _: &Principal) -> impl Iterator<Item = &NamedQuery> {
        self.queries.iter()
    }

    /// Runs a named query with the given parameters, and its defaults for the others.
    ///
    /// # Errors
    /// `NotFound` for an unknown name; `Invalid`, naming each wrong parameter; the errors of [`Statements::sql`].
    pub async fn run_named_query(
        &self,
        principal: &Principal,
        name: &str,
        arguments: &Map<String, Value>,
    ) -> Result<SqlResult> {
        let query = self.queries.get(name)?;
        let params = named::bind(query, arguments, self.clock.now())?;
        self.sql(principal, SqlRequest { query: query.statement.clone(), params }).await
    }
}
