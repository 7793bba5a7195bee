//! Preferences of the logged-in person.

use serde_json::{Map, Value};

use super::user::Users;
use crate::domain::caller::Caller;
use crate::domain::validation::json_bytes;
use crate::domain::{Error, Principal, Result};

/// Most bytes of the JSON of a person's preferences.
pub const MAX_PREFERENCES_BYTES: usize = 16 << 10;

impl Users {
    /// Requires a user: no other caller has preferences.
    pub fn check_has_preferences(&self, principal: &Principal) -> Result<()> {
        match principal.caller {
            Caller::User(_) => self.access.logged_in(principal).map(drop),
            Caller::Key(_)
            | Caller::Client { .. }
            | Caller::Subject(_)
            | Caller::Device(_)
            | Caller::System => Err(Error::forbidden("only a person has preferences")),
        }
    }

    /// Returns the preferences of the principal's user; empty if none were stored.
    pub async fn preferences(&self, principal: &Principal) -> Result<Map<String, Value>> {
        self.check_has_preferences(principal)?;
        self.store.catalog().users.preferences(principal).await
    }

    /// Replaces the preferences of the principal's user.
    ///
    /// # Errors
    /// `Invalid` beyond [`MAX_PREFERENCES_BYTES`].
    pub async fn set_preferences(
        &self,
        principal: &Principal,
        preferences: Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        self.check_has_preferences(principal)?;
        let bytes = json_bytes(&preferences);
        if bytes > MAX_PREFERENCES_BYTES {
            let message = format!("must have at most {MAX_PREFERENCES_BYTES} bytes of JSON (it has {bytes})");
            return Err(Error::field("preferences", message));
        }
        self.store.catalog().users.set_preferences(principal, preferences).await
    }
}
