//! Callers of the MK platform: keys of organizations, and users with JSON web tokens.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::MkSettings;
use crate::app::client::Clients;
use crate::app::core_parts::CoreParts;
use crate::auth::client;
use crate::auth::mk_token::{self, KeySet, MkClaims};
use crate::domain::caller::Caller;
use crate::domain::client::ClientApi;
use crate::domain::http_request::{HttpMethod, HttpRequest};
use crate::domain::mk_role::{MkPermission, MkRole};
use crate::domain::ports::HttpClient;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Clock, Error, Kind, Micros, Principal, Result};
use crate::store::Store;

/// Longest time for which fetched keys are used.
const KEYS_LIFETIME_US: i64 = 3600 * MICROS_PER_SECOND;
/// Shortest time between two fetches: a flood of tokens of unknown keys is no flood of requests.
const FETCH_PAUSE_US: i64 = 60 * MICROS_PER_SECOND;
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Sets of keys have some kilobytes.
const MAX_KEY_SET_BYTES: usize = 256 << 10;

/// An authenticated caller of the platform.
#[derive(Debug, Clone)]
pub struct MkAccess {
    pub principal: Principal,
    pub role: MkRole,
    /// The caller that acts, as shown in `requestedBy` and `createdBy`: the user of a token or of a key, else `key_<id>`.
    pub actor: String,
}

impl MkAccess {
    /// Requires a right, as each operation of the platform does before its scopes are checked.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn require(&self, right: MkPermission) -> Result<()> {
        if self.role.allows(right) {
            return Ok(());
        }
        Err(Error::forbidden(format!("the role {} does not include this", self.role)))
    }
}

/// Keys of organizations and JSON web tokens of users: who a caller of the platform is.
pub struct MkCredentials {
    pub(super) store: Arc<Store>,
    clock: Arc<dyn Clock>,
    clients: Arc<Clients>,
    /// Fetches the keys of the issuer.
    web: Arc<dyn HttpClient>,
    /// Secret with which JSON web tokens of users are signed (HS256).
    jwt_secret: Option<String>,
    /// URL of the keys with which JSON web tokens of users are signed.
    jwks_url: Option<String>,
    /// The published keys of users' tokens.
    keys: Mutex<PublishedKeys>,
    /// Held while keys are fetched, so that many requests cause one.
    fetching: tokio::sync::Mutex<()>,
}

/// The keys as they were fetched last.
#[derive(Default)]
struct PublishedKeys {
    set: Arc<KeySet>,
    /// Time of the last attempt; `None` before the first.
    tried_at: Option<Micros>,
}

impl MkCredentials {
    pub(super) fn new(
        parts: &CoreParts,
        clients: Arc<Clients>,
        web: Arc<dyn HttpClient>,
        settings: &MkSettings,
    ) -> Self {
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            clients,
            web,
            jwt_secret: settings.jwt_secret.clone(),
            jwks_url: settings.jwks_url.clone(),
            keys: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// Authenticates a bearer token of the platform; every failure gives the same error.
    ///
    /// # Errors
    /// `Unauthenticated`; `Unavailable` when the keys of the issuer cannot be fetched.
    pub async fn authenticate_mk(&self, token: &str) -> Result<MkAccess> {
        match client::mk_key_id(token) {
            Some(id) => self.mk_key_access(id, token),
            None => self.mk_user_access(token).await,
        }
    }

    fn mk_key_access(&self, id: &str, secret: &str) -> Result<MkAccess> {
        let key =
            self.clients.authenticate_client(ClientApi::Mk, id, secret).map_err(|_| not_authenticated())?;
        let catalog = self.store.catalog();
        let user = key.spec.user;
        let principal = catalog.clients.client_principal(key.id, user).ok_or_else(not_authenticated)?;
        let actor =
            user.and_then(|user| catalog.users.user_name(user)).unwrap_or_else(|| format!("key_{}", key.id));
        Ok(MkAccess { principal, role: MkRole::of_key(key.spec.role), actor })
    }

    async fn mk_user_access(&self, token: &str) -> Result<MkAccess> {
        let claims = self.mk_claims(token).await?.ok_or_else(not_authenticated)?;
        let org = self.store.catalog().orgs.org_by_uuid(claims.org).ok_or_else(not_authenticated)?;
        let principal = Principal {
            org: org.id,
            caller: Caller::Subject(subject_hash(&claims.subject)),
            scopes: claims.role.scopes(),
            devices: None,
            streams: None,
            dashboards: None,
            origin: None,
        };
        Ok(MkAccess { principal, role: claims.role, actor: claims.subject })
    }

    async fn mk_claims(&self, token: &str) -> Result<Option<MkClaims>> {
        let now = self.clock.now();
        if mk_token::is_of_secret(token) {
            let secret = self.jwt_secret.as_deref();
            return Ok(secret.and_then(|secret| mk_token::verify_with_secret(secret.as_bytes(), token, now)));
        }
        let Some(url) = self.jwks_url.as_deref() else { return Ok(None) };
        let before = self.known_keys();
        if let Some(claims) = before.verify(token, now).filter(|_| self.is_fresh(now)) {
            return Ok(Some(claims));
        }
        // An unknown key may be a new one.
        Ok(self.mk_keys(url, now).await?.verify(token, now))
    }

    /// Fetches the keys, unless that was tried a moment ago.
    async fn mk_keys(&self, url: &str, now: Micros) -> Result<Arc<KeySet>> {
        let _one_at_a_time = self.fetching.lock().await;
        if !self.begin_fetch(now) {
            return Ok(self.known_keys());
        }
        let request = HttpRequest {
            url: url.to_owned(),
            method: HttpMethod::Get,
            headers: Vec::new(),
            login: None,
            timeout: FETCH_TIMEOUT,
            max_bytes: MAX_KEY_SET_BYTES,
        };
        let fetched = self.web.send(&request).await;
        let unreachable = |why: String| Error::unavailable("mk.jwks_url cannot be read").with_source(why);
        let response = fetched.map_err(|error| unreachable(format!("{error:?}")))?;
        if response.status != 200 {
            return Err(unreachable(format!("its status is {}", response.status)));
        }
        let set = Arc::new(KeySet::parse(&response.body)?);
        self.keys.lock().set = Arc::clone(&set);
        Ok(set)
    }

    fn known_keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.keys.lock().set)
    }

    fn is_fresh(&self, now: Micros) -> bool {
        self.keys.lock().tried_at.is_some_and(|at| now.0 - at.0 < KEYS_LIFETIME_US)
    }

    /// Whether keys may be fetched now; it counts as an attempt then.
    fn begin_fetch(&self, now: Micros) -> bool {
        let mut keys = self.keys.lock();
        if keys.tried_at.is_some_and(|at| (0..FETCH_PAUSE_US).contains(&(now.0 - at.0))) {
            return false;
        }
        keys.tried_at = Some(now);
        true
    }
}

/// The first 8 bytes of the SHA-256.
fn subject_hash(subject: &str) -> u64 {
    let hash: [u8; 32] = Sha256::digest(subject).into();
    hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn not_authenticated() -> Error {
    Error::new(Kind::Unauthenticated, "the key or token is not valid")
}
