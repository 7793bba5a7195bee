//! One-time links that log a browser of this machine in without a password, for `basalt demo`.
//!
//! A link is known to this process only: its token is kept as a hash, in memory, until it is used or its time is over.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{NewSession, Sessions, later};
use crate::app::access::require_system;
use crate::auth::session;
use crate::domain::audit::RequestOrigin;
use crate::domain::caller::Caller;
use crate::domain::org::User;
use crate::domain::{Error, Kind, Micros, Principal, Result};

/// How long a link may be used.
const LIFETIME: Duration = Duration::from_secs(900);
/// Maximum unused links; the oldest makes room.
const MAX_LINKS: usize = 8;

/// The links that may still be used.
#[derive(Default)]
pub(super) struct LoginLinks(Mutex<Vec<LoginLink>>);

struct LoginLink {
    hash: [u8; 32],
    /// The user as it was: with another password the link is void.
    user: Arc<User>,
    expires_at: Micros,
}

impl LoginLinks {
    fn add(&self, link: LoginLink) {
        let mut links = self.0.lock();
        if links.len() >= MAX_LINKS {
            links.remove(0);
        }
        links.push(link);
    }

    /// Removes the link with this hash and returns its user, unless its time is over.
    fn take(&self, hash: &[u8; 32], now: Micros) -> Option<Arc<User>> {
        let mut links = self.0.lock();
        links.retain(|link| link.expires_at > now);
        let found = links.iter().position(|link| link.hash == *hash)?;
        Some(links.remove(found).user)
    }
}

impl Sessions {
    /// Makes a link for a user and returns its token of 256 bits, which is known only here; `None` for a user who may
    /// not log in.
    ///
    /// # Errors
    /// `Forbidden` unless the principal owns the data directory; `NotFound` for a name that nobody has.
    pub fn issue_login_link(&self, principal: &Principal, username: &str) -> Result<Option<String>> {
        require_system(principal)?;
        let user = self.store.catalog().users.user_by_name(principal, username)?;
        if !user.may_log_in() {
            return Ok(None);
        }
        let token = session::generate();
        let hash = session::parse(&token).expect("a token that was just made is one");
        self.links.add(LoginLink { hash, user, expires_at: later(self.clock.now(), LIFETIME) });
        Ok(Some(token))
    }

    /// Starts a session by the token of a link, which is used up by that. Only a connection from this machine may.
    ///
    /// # Errors
    /// `Invalid` for a token that is unknown, used up or over, and for every token from another machine.
    pub async fn log_in_by_link(&self, token: &str, origin: &Arc<RequestOrigin>) -> Result<NewSession> {
        let is_local = origin.address.is_some_and(is_loopback);
        let hash = session::parse(token).filter(|_| is_local).ok_or_else(invalid_link_error)?;
        let user = self.links.take(&hash, self.clock.now()).ok_or_else(invalid_link_error)?;
        origin.identify(user.org, Caller::User(user.id));
        let begun = self.begin_session(user, origin).await;
        begun.map_err(|error| if error.kind == Kind::Unauthenticated { invalid_link_error() } else { error })
    }
}

/// Whether an address is of this machine, also as IPv4 within IPv6.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn invalid_link_error() -> Error {
    Error::field("token", "This link was used or has expired. Log in with a password.")
}

#[cfg(test)]
#[path = "login_link_tests.rs"]
mod tests;
