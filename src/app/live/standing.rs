//! What somebody who stays connected stands on, looked at again whenever the catalog changes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::App;
use crate::auth::session;
use crate::domain::principal::Caller;
use crate::domain::{Clock, Error, Kind, Micros, Principal, Result, SessionId};
use crate::store::Store;

/// Longest time between two looks at the clock: it may be set.
const LOOK: Duration = Duration::from_secs(60);

/// Who asks, and by what right, for longer than a request.
#[derive(Clone)]
pub struct Standing {
    principal: Arc<Principal>,
    /// The hash of the token, if it is a session.
    session: Option<[u8; 32]>,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
}

impl App {
    /// The standing of somebody who was just authenticated; `token` is that of the session, if it is one.
    pub fn standing(&self, principal: Arc<Principal>, token: Option<&str>) -> Standing {
        let session = token.and_then(session::parse);
        Standing { principal, session, store: self.store.clone(), clock: self.clock.clone() }
    }
}

impl Standing {
    pub fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// The session that asks, as long as it lasts.
    pub fn session(&self) -> Option<SessionId> {
        let found = self.store.catalog().session_by_hash(&self.session?, self.clock.now());
        found.map(|(session, _)| session.id)
    }

    /// Fails with `Unauthenticated` once it is over.
    pub fn check(&self) -> Result<()> {
        self.until().map(drop)
    }

    /// Waits for its end.
    pub fn watch(&self) -> Watch {
        Watch { standing: self.clone(), changes: self.store.catalog().changes(), lasts: None }
    }

    /// When it ends by itself.
    fn until(&self) -> Result<Option<Micros>> {
        let (catalog, now) = (self.store.catalog(), self.clock.now());
        let who = &self.principal;
        match who.caller {
            Caller::Key(id) => {
                let key = catalog.key_as_it_is(id).filter(|key| key.is_valid_at(now));
                let key = key.ok_or_else(|| over("the API key is revoked or has expired"))?;
                let rights = key.principal();
                let is_same = rights.org == who.org
                    && rights.scopes == who.scopes
                    && rights.devices == who.devices
                    && rights.streams == who.streams;
                if is_same { Ok(key.spec.expires_at) } else { Err(over("the API key has other rights now")) }
            }
            Caller::User(id) => {
                let found = self.session.and_then(|hash| catalog.session_by_hash(&hash, now));
                let found =
                    found.filter(|(_, user)| user.id == id && user.org == who.org && user.may_log_in());
                let (session, _) = found.ok_or_else(|| over("the session has ended"))?;
                Ok(Some(session.expires_at))
            }
            Caller::System => Ok(None),
            Caller::Device(_) => Err(over("a device follows nothing")),
        }
    }
}

fn over(why: &str) -> Error {
    Error::new(Kind::Unauthenticated, why)
}

/// Looks at a standing whenever it may have ended.
pub struct Watch {
    standing: Standing,
    changes: watch::Receiver<()>,
    /// How long it lasts, as it was found last and unless the catalog changes; `None` is to be found out.
    lasts: Option<Lasting>,
}

#[derive(Clone, Copy)]
enum Lasting {
    Until(Micros),
    Ever,
}

impl Watch {
    /// Resolves when the standing is over, with `Unauthenticated`.
    pub async fn ended(&mut self) -> Error {
        loop {
            if self.changes.has_changed().unwrap_or(true) {
                self.changes.mark_unchanged();
                self.lasts = None;
            }
            let left = match self.lasts {
                Some(Lasting::Ever) => LOOK,
                Some(Lasting::Until(end)) => {
                    let left = end.0.saturating_sub(self.standing.clock.now().0).max(0);
                    LOOK.min(Duration::from_micros(left.unsigned_abs()))
                }
                None => Duration::ZERO,
            };
            if !left.is_zero() {
                // A timeout is a reason to look as well; that the catalog is gone shows when it is looked at.
                let _ = tokio::time::timeout(left, self.changes.changed()).await;
            }
            match self.standing.until() {
                Err(over) => return over,
                Ok(end) => self.lasts = Some(end.map_or(Lasting::Ever, Lasting::Until)),
            }
        }
    }
}
