//! Settings that the APIs of other vendors share.

use std::sync::Arc;
use std::time::Duration;

use super::App;
use super::instathings::InstathingsSettings;
use crate::domain::org::Org;
use crate::domain::{Error, Kind, Result};

/// Settings of the vendors' APIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompatSettings {
    /// Slug of the organization that the APIs without organizations serve; `None` is `default`.
    pub default_org: Option<String>,
    /// Lifetime of a JSON web token of Instathings, whole seconds.
    pub instathings_token_ttl: Duration,
    /// Lifetime of a pair of Blynk tokens, whole seconds.
    pub blynk_token_ttl: Duration,
    pub instathings: InstathingsSettings,
}

impl Default for CompatSettings {
    fn default() -> Self {
        Self {
            default_org: None,
            instathings_token_ttl: Duration::from_secs(3600),
            blynk_token_ttl: Duration::from_secs(86_400),
            instathings: InstathingsSettings::default(),
        }
    }
}

impl App {
    /// Returns the organization that the APIs without organizations serve: OpenSynaptic and the Instathings gateway.
    ///
    /// # Errors
    /// `Invalid` for the field `compat.default_org` when there is no such organization.
    pub fn compat_org(&self) -> Result<Arc<Org>> {
        let slug = self.settings.compat.default_org.as_deref();
        let principal = self.system(slug).map_err(|error| match (error.kind, slug) {
            (Kind::Invalid, Some(slug)) => {
                Error::field("compat.default_org", format!("there is no organization `{slug}`"))
            }
            _ => error,
        })?;
        self.store.catalog().org_of(&principal).ok_or_else(|| Error::internal("an organization disappeared"))
    }
}
