//! Settings that the APIs of other vendors share.

use std::sync::Arc;
use std::time::Duration;

use super::access::AccessControl;
use super::core_parts::CoreParts;
use super::instathings::InstathingsSettings;
use super::mk::MkSettings;
use crate::auth::rate_limiter::AttemptBudget;
use crate::domain::org::Org;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Kind, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Settings of the vendors' APIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompatSettings {
    /// Slug of the organization that the APIs without organizations serve; `None` is `default`.
    pub default_org: Option<String>,
    /// Lifetime of a JSON web token of Instathings, whole seconds.
    pub instathings_token_ttl: Duration,
    /// Lifetime of a pair of Blynk tokens, whole seconds.
    pub blynk_token_ttl: Duration,
    /// Imports over Blynk's API that each device may have.
    pub blynk_imports: AttemptBudget,
    pub instathings: InstathingsSettings,
    pub mk: MkSettings,
}

impl Default for CompatSettings {
    fn default() -> Self {
        Self {
            default_org: None,
            instathings_token_ttl: Duration::from_secs(3600),
            blynk_token_ttl: Duration::from_secs(86_400),
            blynk_imports: AttemptBudget { attempts: 60, window_us: 60 * MICROS_PER_SECOND },
            instathings: InstathingsSettings::default(),
            mk: MkSettings::default(),
        }
    }
}

/// The organization that the APIs without organizations serve: OpenSynaptic and the Instathings gateway.
pub struct CompatOrg {
    store: Arc<Store>,
    access: Arc<AccessControl>,
    /// Its slug; `None` is `default`.
    slug: Option<String>,
}

impl CompatOrg {
    pub(super) fn new(parts: &CoreParts, access: Arc<AccessControl>, settings: &CompatSettings) -> Self {
        Self { store: parts.store.clone(), access, slug: settings.default_org.clone() }
    }

    /// Returns the organization.
    ///
    /// # Errors
    /// `Invalid` for the field `compat.default_org` when there is no such organization.
    pub fn compat_org(&self) -> Result<Arc<Org>> {
        let slug = self.slug.as_deref();
        let principal = self.access.system(slug).map_err(|error| match (error.kind, slug) {
            (Kind::Invalid, Some(slug)) => {
                Error::field("compat.default_org", format!("there is no organization `{slug}`"))
            }
            _ => error,
        })?;
        self.store
            .catalog()
            .orgs
            .org_of(&principal)
            .ok_or_else(|| Error::internal("an organization disappeared"))
    }

    /// Returns the principal that reads the devices and values of that organization, and nothing else.
    ///
    /// # Errors
    /// The errors of [`CompatOrg::compat_org`].
    pub fn compat_reader(&self) -> Result<Principal> {
        let scopes = [Scope::read(Resource::Device), Scope::read(Resource::Value)].into_iter().collect();
        Ok(Principal { scopes, ..Principal::system(self.compat_org()?.id) })
    }
}
