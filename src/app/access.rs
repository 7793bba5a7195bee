//! Authentication by API key and by the local control token, and the administration of organizations and keys.
//!
//! Only the owner of the data directory (`Caller::System`) manages organizations; superusers of an organization may
//! manage its keys too.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::core_parts::CoreParts;
use crate::auth::key;
use crate::domain::caller::Caller;
use crate::domain::key::{Key, KeySecret, KeySpec};
use crate::domain::org::{Org, User};
use crate::domain::validation::check_text;
use crate::domain::{
    Clock, DeviceId, Error, FieldError, KeyId, Kind, Micros, Principal, Result, Scope, Scopes, StreamId,
};
use crate::store::Store;

/// A request for a new key. An empty `scopes` means every scope; empty `devices` and `data` mean no restriction;
/// `expires` is a time as a person writes it, and without it the key never expires.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct KeyRequest {
    pub name: String,
    pub scopes: Vec<String>,
    pub devices: Vec<i32>,
    pub data: Vec<i32>,
    #[serde(default)]
    pub expires: Option<String>,
}

/// Organizations with their keys, and the rights that belong to no scope.
pub struct AccessControl {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    /// Stored form of the token with which local commands authenticate to this server.
    local_token: OnceLock<KeySecret>,
}

impl AccessControl {
    pub(super) fn new(parts: &CoreParts) -> Self {
        Self { store: parts.store.clone(), clock: parts.clock.clone(), local_token: OnceLock::new() }
    }

    /// Requires a superuser or the owner of the data directory.
    pub fn require_superuser(&self, principal: &Principal) -> Result<()> {
        if self.store.catalog().users.is_superuser(principal) {
            return Ok(());
        }
        Err(Error::forbidden("this is for superusers"))
    }

    /// Requires the owner of the data directory, the only caller of the local control interface; everybody else gets
    /// `Forbidden`.
    pub fn require_owner(&self, principal: &Principal) -> Result<()> {
        require_system(principal)
    }

    /// Requires the scope, the default organization, and an unrestricted principal: the machine belongs to nobody
    /// else, and is not among the devices and data of a restricted key.
    pub(super) fn require_host(&self, principal: &Principal, scope: Scope) -> Result<()> {
        principal.require(scope)?;
        if principal.org != self.store.catalog().orgs.default_org() {
            return Err(Error::forbidden(
                "what belongs to the machine needs a key of the default organization",
            ));
        }
        if principal.is_restricted() {
            return Err(Error::forbidden(
                "a key restricted to some devices or data may not touch the machine",
            ));
        }
        Ok(())
    }

    /// Returns the principal of an API key. Every failure (unknown, disabled, expired, malformed) gives the same
    /// error.
    pub fn authenticate_key(&self, secret: &str) -> Result<Principal> {
        let invalid = || Error::new(Kind::Unauthenticated, "Invalid API key.");
        let presented = key::parse(secret).ok_or_else(invalid)?;
        let catalog = self.store.catalog();
        let stored = catalog.keys.key_by_prefix(&presented.prefix).ok_or_else(invalid)?;
        let now = self.clock.now();
        if !key::matches(&stored.secret, &presented) || !stored.is_valid_at(now) {
            return Err(invalid());
        }
        catalog.keys.touch_key(stored.id, now);
        Ok(stored.principal())
    }

    /// Generates the token of the local control interface and returns it. The token is new at each start of the
    /// server.
    pub fn issue_local_token(&self) -> Result<String> {
        let (token, stored) = key::generate();
        self.local_token.set(stored).map_err(|_| Error::internal("the local token is set already"))?;
        Ok(token)
    }

    /// Returns the principal of the local control token: the owner of the data directory, in the organization with
    /// this slug.
    pub fn authenticate_local(&self, token: &str, org: Option<&str>) -> Result<Principal> {
        let presented = key::parse(token);
        let knows_it = |stored| presented.as_ref().is_some_and(|p| key::matches(stored, p));
        if !self.local_token.get().is_some_and(knows_it) {
            return Err(Error::new(Kind::Unauthenticated, "Invalid local token."));
        }
        self.system(org)
    }

    /// Returns the owner of the data directory in the organization with this slug, or in `default` without one.
    pub fn system(&self, slug: Option<&str>) -> Result<Principal> {
        let owner = Principal::system(self.store.catalog().orgs.default_org());
        self.in_org(&owner, slug)
    }

    /// Returns the principal moved to another organization, or unchanged without a slug. Only the owner of the data
    /// directory may move.
    pub fn in_org(&self, principal: &Principal, slug: Option<&str>) -> Result<Principal> {
        let Some(slug) = slug else { return Ok(principal.clone()) };
        require_system(principal)?;
        let org =
            self.store.catalog().orgs.org_by_slug(principal, slug).map_err(|error| match error.kind {
                Kind::NotFound => Error::field(
                    "org",
                    format!("there is no `{slug}`; `basalt org list` shows those there are"),
                ),
                _ => error,
            })?;
        Ok(Principal { origin: principal.origin.clone(), ..Principal::system(org.id) })
    }

    /// Returns the user who is logged in; `Unauthenticated` for every other kind of caller.
    pub fn logged_in(&self, principal: &Principal) -> Result<Arc<User>> {
        self.store.catalog().users.acting_user(principal).map_err(|_| no_credentials())
    }

    /// Returns the principal's organization.
    ///
    /// # Errors
    /// `Internal` when it is not there; organizations are never deleted.
    pub fn own_org(&self, principal: &Principal) -> Result<Arc<Org>> {
        let org = self.store.catalog().orgs.org_of(principal);
        org.ok_or_else(|| Error::internal("an organization disappeared"))
    }

    /// Returns the UUID of the principal's organization.
    ///
    /// # Errors
    /// The errors of [`AccessControl::own_org`].
    pub fn org_uuid(&self, principal: &Principal) -> Result<Uuid> {
        self.own_org(principal).map(|org| org.uuid)
    }

    /// Returns the slug of the principal's organization.
    pub fn org_slug(&self, principal: &Principal) -> String {
        self.store.catalog().orgs.org_of(principal).map(|org| org.slug.clone()).unwrap_or_default()
    }

    /// Creates an organization. Its name defaults to its slug.
    pub async fn create_org(
        &self,
        principal: &Principal,
        slug: &str,
        name: Option<&str>,
    ) -> Result<Arc<Org>> {
        require_system(principal)?;
        self.store.catalog().orgs.create_org(principal, slug, name.unwrap_or(slug)).await
    }

    /// Returns every organization of the server, by id; `Forbidden` for all but the owner of the data directory.
    pub fn orgs(&self, principal: &Principal) -> Result<Vec<Arc<Org>>> {
        require_system(principal)?;
        Ok(self.store.catalog().orgs.orgs(principal))
    }

    /// Creates a key in the principal's organization. Its secret is returned only here.
    pub async fn create_key(
        &self,
        principal: &Principal,
        request: &KeyRequest,
    ) -> Result<(Arc<Key>, String)> {
        require_system(principal)?;
        let spec = self.key_spec(principal, request)?;
        self.issue_key(principal, spec).await
    }

    /// Creates a key from a complete `KeySpec` and returns it with its secret, which is returned only here.
    pub async fn issue_key(&self, principal: &Principal, spec: KeySpec) -> Result<(Arc<Key>, String)> {
        self.require_superuser(principal)?;
        if spec.expires_at.is_some_and(|end| end <= self.clock.now()) {
            return Err(Error::field("expires_at", "Ensure this time is in the future."));
        }
        let (secret, stored) = key::generate();
        let key = self.store.catalog().keys.create_key(principal, spec, stored).await?;
        Ok((key, secret))
    }

    /// Returns the keys of the principal's organization, by id, with their latest use; `Forbidden` for all but superusers.
    pub fn keys(&self, principal: &Principal) -> Result<Vec<Arc<Key>>> {
        self.require_superuser(principal)?;
        Ok(self.store.catalog().keys.keys(principal))
    }

    /// Returns a key of the principal's organization; `NotFound` when it is absent, `Forbidden` for all but superusers.
    pub fn key(&self, principal: &Principal, id: KeyId) -> Result<Arc<Key>> {
        self.require_superuser(principal)?;
        self.store.catalog().keys.key(principal, id)
    }

    /// Renames a key of the principal's organization. Nothing else of a key can change.
    pub async fn rename_key(&self, principal: &Principal, id: KeyId, name: String) -> Result<Arc<Key>> {
        self.require_superuser(principal)?;
        self.store.catalog().keys.rename_key(principal, id, name).await
    }

    /// Disables a key of the principal's organization permanently: the next request with it is refused.
    pub async fn revoke_key(&self, principal: &Principal, id: KeyId) -> Result<Arc<Key>> {
        self.require_superuser(principal)?;
        self.store.catalog().keys.revoke_key(principal, id).await
    }

    /// Returns whether the credential that a variable presets may be created: only before the first server has run, so that the
    /// environment of a later start opens nothing of what is stored. The log says when it is not.
    pub(super) async fn may_preset(&self, variable: &str) -> Result<bool> {
        let is_first = self.store.catalog().devices.last_heartbeat().await?.is_none();
        if !is_first {
            tracing::warn!(
                "{variable} creates nothing: a preset counts at the first start. Use `basalt key create` or `basalt client create`"
            );
        }
        Ok(is_first)
    }

    /// Creates the key with the secret that the operator chose (`BASALT_BOOTSTRAP_KEY`) and every scope at the first start, unless it
    /// exists. A key that was revoked since stays revoked.
    pub async fn bootstrap(&self, secret: &str) -> Result<()> {
        let stored = bootstrap_secret(secret)?;
        let catalog = self.store.catalog();
        if catalog.keys.key_by_prefix(&stored.prefix).is_some_and(|k| key::matches(&k.secret, &stored)) {
            return Ok(());
        }
        if !self.may_preset("BASALT_BOOTSTRAP_KEY").await? {
            return Ok(());
        }
        let spec = KeySpec {
            name: "bootstrap".to_owned(),
            scopes: Scopes::all(),
            devices: None,
            streams: None,
            dashboards: None,
            expires_at: None,
        };
        catalog.keys.create_key(&self.system(None)?, spec, stored).await?;
        Ok(())
    }

    fn key_spec(&self, principal: &Principal, request: &KeyRequest) -> Result<KeySpec> {
        let mut problems = Vec::new();
        check_text(&mut problems, "name", &request.name, 1, 100);
        let scopes = parse_scopes(&mut problems, &request.scopes);
        let expires_at = self.key_end(&mut problems, request.expires.as_deref());
        let catalog = self.store.catalog();
        let missing = "does not exist in this organization";
        for id in &request.devices {
            if catalog.devices.device(principal, DeviceId(*id)).is_err() {
                problems.push(FieldError::new("device", format!("device {id} {missing}")));
            }
        }
        for id in &request.data {
            if catalog.streams.stream(principal, StreamId(*id)).is_err() {
                problems.push(FieldError::new("data", format!("data {id} {missing}")));
            }
        }
        Error::check(problems)?;
        Ok(KeySpec {
            name: request.name.clone(),
            scopes,
            devices: allowed(&request.devices, DeviceId),
            streams: allowed(&request.data, StreamId),
            dashboards: None,
            expires_at,
        })
    }

    /// Returns the time from which the new key is refused; a wrong or past one is a problem of `expires`.
    fn key_end(&self, problems: &mut Vec<FieldError>, text: Option<&str>) -> Option<Micros> {
        let text = text?;
        let end = Micros::parse(text);
        match end {
            None => problems.push(FieldError::new(
                "expires",
                format!("`{text}` is no time: use a date such as 2027-01-31, or 2027-01-31T06:00:00Z"),
            )),
            Some(end) if end <= self.clock.now() => {
                problems.push(FieldError::new("expires", format!("`{text}` is not in the future")));
            }
            Some(_) => {}
        }
        end
    }
}

/// Returns the stored form of `BASALT_BOOTSTRAP_KEY`, or why the text cannot be a key.
pub fn bootstrap_secret(secret: &str) -> Result<KeySecret> {
    key::parse(secret).ok_or_else(|| {
        let least = key::MIN_SECRET_LEN;
        Error::field(
            "BASALT_BOOTSTRAP_KEY",
            format!("this key needs at least {least} characters, all of them visible ASCII"),
        )
    })
}

/// Returns the error for missing or unusable credentials.
pub fn no_credentials() -> Error {
    Error::new(Kind::Unauthenticated, "Authentication credentials were not provided.")
}

/// Requires `Caller::System`; everybody else gets `Forbidden`.
pub(super) fn require_system(principal: &Principal) -> Result<()> {
    match principal.caller {
        Caller::System => Ok(()),
        Caller::Key(_) | Caller::User(_) | Caller::Client { .. } | Caller::Subject(_) | Caller::Device(_) => {
            Err(Error::forbidden("this is for the owner of the data directory"))
        }
    }
}

fn parse_scopes(problems: &mut Vec<FieldError>, names: &[String]) -> Scopes {
    if names.is_empty() {
        return Scopes::all();
    }
    let mut scopes = Vec::new();
    for name in names {
        match name.parse::<Scope>() {
            Ok(scope) => scopes.push(scope),
            Err(error) => problems.extend(error.fields),
        }
    }
    scopes.into_iter().collect()
}

fn allowed<T: Ord>(ids: &[i32], wrap: fn(i32) -> T) -> Option<BTreeSet<T>> {
    (!ids.is_empty()).then(|| ids.iter().copied().map(wrap).collect())
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
