//! Field of `Query` for the preferences of the logged-in person.

use async_graphql::{Context, Object, Result};
use serde_json::Value;

use crate::api::graphql::context::{app, caller};

/// Query of the preferences of the logged-in person.
#[derive(Default)]
pub struct PreferenceQueries;

#[Object(name = "PreferenceQueries")]
impl PreferenceQueries {
    /// Preferences of the logged-in person, a JSON object; null for any other caller.
    async fn preferences(&self, ctx: &Context<'_>) -> Result<Option<Value>> {
        if app(ctx).users.check_has_preferences(caller(ctx)).is_err() {
            return Ok(None);
        }
        Ok(Some(Value::Object(app(ctx).users.preferences(caller(ctx)).await?)))
    }
}
