//! Named queries: whoever is known may see their list; what one answers is decided as for any other statement.

use serde_json::{Map, Value};

use super::App;
use super::sql::{Answer, SqlRequest};
use crate::domain::named::NamedQuery;
use crate::domain::{Principal, Result};
use crate::query::named;

impl App {
    /// All of them, by name. They hold no data: no scope is needed.
    pub fn named_queries(&self, _: &Principal) -> impl Iterator<Item = &NamedQuery> {
        self.settings.queries.iter()
    }

    /// Runs one with the parameters given and its defaults for the rest.
    ///
    /// # Errors
    /// `NotFound` for an unknown name; `Invalid`, naming each wrong parameter; the rest as [`App::sql`].
    pub async fn named_query(
        &self,
        principal: &Principal,
        name: &str,
        given: &Map<String, Value>,
    ) -> Result<Answer> {
        let query = self.settings.queries.get(name)?;
        let params = named::bind(query, given, self.clock.now())?;
        self.sql(principal, SqlRequest { query: query.statement.clone(), params }).await
    }
}
