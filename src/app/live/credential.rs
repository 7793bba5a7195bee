//! Credential of a long-lived connection, re-validated on every catalog change.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::live::LiveFeeds;
use crate::app::token::{ClientAccess, TokenRef};
use crate::auth::session;
use crate::domain::caller::Caller;
use crate::domain::{Clock, Error, Kind, Micros, Principal, Result, SessionId};
use crate::store::Store;

/// Longest time between two checks of the clock, because the clock may be changed.
const MAX_CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// The principal of a long-lived connection and the credential it was authenticated with.
#[derive(Clone)]
pub struct LiveCredential {
    principal: Arc<Principal>,
    /// The hash of the session token, if it is a session.
    session: Option<[u8; 32]>,
    /// The token, if it is a client's.
    token: Option<TokenRef>,
    /// Fingerprint of the certificate, if it is a device's.
    certificate: Option<String>,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
}

impl LiveFeeds {
    /// Returns the credential of a principal that was just authenticated; `token` is that of its session, if any.
    pub fn live_credential(&self, principal: Arc<Principal>, token: Option<&str>) -> LiveCredential {
        let session = token.and_then(session::parse);
        let (store, clock) = (self.store.clone(), self.clock.clone());
        LiveCredential { principal, session, token: None, certificate: None, store, clock }
    }

    /// Returns the credential of a client's token that was just authenticated.
    pub fn live_client_credential(&self, access: &ClientAccess) -> LiveCredential {
        let principal = Arc::new(access.principal.clone());
        let (store, clock) = (self.store.clone(), self.clock.clone());
        LiveCredential {
            principal,
            session: None,
            token: Some(access.token),
            certificate: None,
            store,
            clock,
        }
    }

    /// Returns the credential of a device that has just authenticated with the certificate of this fingerprint.
    pub fn live_certificate_credential(
        &self,
        principal: Arc<Principal>,
        fingerprint: String,
    ) -> LiveCredential {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        LiveCredential { principal, session: None, token: None, certificate: Some(fingerprint), store, clock }
    }
}

impl LiveCredential {
    /// Returns the principal as it was authenticated, also when the credential is no longer valid.
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// Returns the session, as long as it is valid.
    pub fn session(&self) -> Option<SessionId> {
        let found = self.store.catalog().users.session_by_hash(&self.session?, self.clock.now());
        found.map(|(session, _)| session.id)
    }

    /// Fails with `Unauthenticated` once the credential is no longer valid.
    pub fn check(&self) -> Result<()> {
        self.expires_at().map(drop)
    }

    /// Returns a watch that waits for the end of the credential.
    pub fn watch(&self) -> CredentialWatch {
        CredentialWatch {
            credential: self.clone(),
            changes: self.store.catalog().subscribe_changes(),
            expiry: None,
        }
    }

    /// Returns when the credential expires, if ever.
    fn expires_at(&self) -> Result<Option<Micros>> {
        let (catalog, now) = (self.store.catalog(), self.clock.now());
        let who = &self.principal;
        match who.caller {
            Caller::Key(id) => {
                let key = catalog.keys.current_key(id).filter(|key| key.is_valid_at(now));
                let key = key.ok_or_else(|| unauthenticated("the API key is revoked or has expired"))?;
                let rights = key.principal();
                let is_same = rights.org == who.org
                    && rights.scopes == who.scopes
                    && rights.devices == who.devices
                    && rights.streams == who.streams
                    && rights.dashboards == who.dashboards;
                if is_same {
                    Ok(key.spec.expires_at)
                } else {
                    Err(unauthenticated("the API key has other rights now"))
                }
            }
            Caller::User(id) => {
                let found = self.session.and_then(|hash| catalog.users.session_by_hash(&hash, now));
                let found =
                    found.filter(|(_, user)| user.id == id && user.org == who.org && user.may_log_in());
                let (session, _) = found.ok_or_else(|| unauthenticated("the session has ended"))?;
                Ok(Some(session.expires_at))
            }
            Caller::Client { .. } => {
                let expires_at = self.token.and_then(|token| token.expires_at(&catalog.clients, who, now));
                expires_at.map(Some).ok_or_else(|| unauthenticated("the token is not valid any more"))
            }
            Caller::System => Ok(None),
            Caller::Device(id) => {
                let current = self.certificate.as_deref();
                let current =
                    current.and_then(|shown| catalog.provisioning.certificate_by_fingerprint(shown));
                let current = current.filter(|found| found.device == id && found.expires_at > now);
                let current =
                    current.ok_or_else(|| unauthenticated("the certificate is not valid any more"))?;
                Ok(Some(current.expires_at))
            }
            Caller::Subject(_) => Err(unauthenticated("a user of the MK platform cannot subscribe")),
        }
    }
}

fn unauthenticated(why: &str) -> Error {
    Error::new(Kind::Unauthenticated, why)
}

/// Re-validates a credential whenever it may have ended.
pub struct CredentialWatch {
    credential: LiveCredential,
    changes: watch::Receiver<()>,
    /// The expiry found by the last check; `None` means that it must be checked again.
    expiry: Option<CredentialExpiry>,
}

#[derive(Clone, Copy)]
enum CredentialExpiry {
    At(Micros),
    Never,
}

impl CredentialWatch {
    /// Resolves with `Unauthenticated` when the credential has ended.
    pub async fn expired(&mut self) -> Error {
        loop {
            if self.changes.has_changed().unwrap_or(true) {
                self.changes.mark_unchanged();
                self.expiry = None;
            }
            let left = match self.expiry {
                Some(CredentialExpiry::Never) => MAX_CHECK_INTERVAL,
                Some(CredentialExpiry::At(end)) => {
                    let left = end.0.saturating_sub(self.credential.clock.now().0).max(0);
                    MAX_CHECK_INTERVAL.min(Duration::from_micros(left.unsigned_abs()))
                }
                None => Duration::ZERO,
            };
            if !left.is_zero() {
                // A timeout requires a check as well. If the catalog is gone, the check finds that out.
                let _ = tokio::time::timeout(left, self.changes.changed()).await;
            }
            match self.credential.expires_at() {
                Err(refusal) => return refusal,
                Ok(end) => self.expiry = Some(end.map_or(CredentialExpiry::Never, CredentialExpiry::At)),
            }
        }
    }
}
