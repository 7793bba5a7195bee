//! Login and logout of staff users by password, throttled by name and by address.
//!
//! The life of one session. A person sends a name and a password. The attempt is counted by name and by address before the
//! password is verified on a blocking thread (`app/password.rs`), and every wrong login looks alike; `basalt demo` gives a link
//! to be used once instead (`login_link.rs`). The session gets a token of 256 bits, which the browser keeps in a cookie; the
//! catalog stores only the hash of it, with a row in the audit log (`store/catalog/user/session.rs`). A request with the cookie
//! is one of the user as the catalog has it at that moment, and one that changes something carries the CSRF token of the session
//! too (`auth/session.rs`). The session ends by logout, by its time, by the next login in the same browser, as the oldest of too
//! many, and when its user is deleted, may not log in any more, or gets another role or password; users who change their own
//! password keep the session in which they do (`password_change.rs`). Connections that were opened with the session end with it
//! (`app/live/credential.rs`). `app/maintenance.rs` deletes the rows of expired ones.

mod login_link;
mod password_change;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use self::login_link::LoginLinks;
use super::access::AccessControl;
use super::core_parts::CoreParts;
use super::password::PasswordWorkers;
use crate::auth::rate_limiter::{AttemptBudget, RateLimiter};
use crate::auth::session;
use crate::domain::audit::RequestOrigin;
use crate::domain::caller::Caller;
use crate::domain::org::User;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Clock, Error, Kind, Micros, Principal, Result};
use crate::store::Store;

/// Settings of login and sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// Lifetime of a session, from its login.
    pub lifetime: Duration,
    /// Failed logins allowed per user name within `window`; an address may have five times as many.
    pub attempts: u32,
    pub window: Duration,
    /// Whether browsers send the cookies over TLS only.
    pub secure_cookies: bool,
}

/// Factor of an address's attempts: several people may share one address, as in an office.
const ATTEMPTS_OF_AN_ADDRESS: u32 = 5;

/// Maximum length of a name that is counted by itself; longer names belong to nobody.
const MAX_NAME: usize = 600;

/// Login credentials. No `Debug`, because they include a password.
pub struct Login {
    pub username: String,
    pub password: String,
}

/// A new session. The token exists only here and in the cookie.
pub struct NewSession {
    pub token: String,
    pub user: Arc<User>,
}

/// Sessions of users, and their logins by password or by a link.
pub struct Sessions {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    access: Arc<AccessControl>,
    passwords: Arc<PasswordWorkers>,
    /// Attempts to log in.
    pub(super) attempts: LoginThrottle,
    links: LoginLinks,
    /// Lifetime of a session, from its login.
    lifetime: Duration,
}

/// Counts login attempts by name and by address: the lockout after wrong passwords.
pub(super) struct LoginThrottle {
    by_name: Mutex<RateLimiter<String>>,
    by_address: Mutex<RateLimiter<IpAddr>>,
}

impl LoginThrottle {
    pub(super) fn new(options: &SessionOptions) -> Self {
        let window_us = i64::try_from(options.window.as_micros()).unwrap_or(i64::MAX / 2);
        let budget = |attempts| AttemptBudget { attempts, window_us };
        Self {
            by_name: Mutex::new(RateLimiter::new(budget(options.attempts))),
            by_address: Mutex::new(RateLimiter::new(budget(
                options.attempts.saturating_mul(ATTEMPTS_OF_AN_ADDRESS),
            ))),
        }
    }

    /// Counts an attempt before it is made, so that concurrent attempts are limited like sequential ones.
    pub(super) fn take(&self, name: &str, address: Option<IpAddr>, now: Micros) -> Result<()> {
        if let Some(address) = address {
            self.by_address.lock().try_acquire(&network(address), now).map_err(Error::throttled)?;
        }
        let taken = self.by_name.lock().try_acquire(&name.to_owned(), now).map_err(Error::throttled);
        if let (Err(_), Some(address)) = (&taken, address) {
            self.by_address.lock().refund(&network(address));
        }
        taken
    }

    /// Refunds an attempt that was not a wrong guess: the server was too busy to check it.
    pub(super) fn give_back(&self, name: &str, address: Option<IpAddr>) {
        self.by_name.lock().refund(&name.to_owned());
        if let Some(address) = address {
            self.by_address.lock().refund(&network(address));
        }
    }

    /// Clears the attempts of a name after a successful login. The address keeps its other attempts, or one good login
    /// would pay for many bad ones.
    pub(super) fn succeed(&self, name: &str, address: Option<IpAddr>) {
        self.give_back(name, address);
        self.by_name.lock().clear(&name.to_owned());
    }
}

/// Returns the network that attempts are counted by: an IPv4 address, or the /64 of an IPv6 address, which one
/// customer controls.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

impl Sessions {
    pub(super) fn new(
        parts: &CoreParts,
        access: Arc<AccessControl>,
        passwords: Arc<PasswordWorkers>,
        options: &SessionOptions,
    ) -> Self {
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            access,
            passwords,
            attempts: LoginThrottle::new(options),
            links: LoginLinks::default(),
            lifetime: options.lifetime,
        }
    }

    /// Starts a session. An unknown name, a wrong password, a disabled user and one who is not staff give the same
    /// error after the same time; too many failures give `Throttled`.
    pub async fn log_in(&self, login: Login, origin: &Arc<RequestOrigin>) -> Result<NewSession> {
        let username = login.username.trim().to_owned();
        let user = self.verify_login(login, origin, User::may_log_in).await?;
        let begun = self.begin_session(user, origin).await;
        let begun =
            begun.map_err(|error| if error.kind == Kind::Unauthenticated { wrong_login() } else { error })?;
        self.attempts.succeed(counted_name(&username), origin.address);
        Ok(begun)
    }

    /// Starts a session of a user who has proved who it is. `Unauthenticated` when the user has changed since.
    async fn begin_session(&self, user: Arc<User>, origin: &Arc<RequestOrigin>) -> Result<NewSession> {
        let token = session::generate();
        let hash = session::parse(&token).expect("a token that was just made is one");
        let expires_at = later(self.clock.now(), self.lifetime);
        self.store.catalog().users.create_session(&user, hash, expires_at, origin).await?;
        Ok(NewSession { token, user })
    }

    /// Returns the user of a name and a password, if `is_allowed`. Every failure gives the same error after the same
    /// time; too many give `Throttled`. The attempt stays counted: call `LoginThrottle::succeed` once all is done.
    pub(super) async fn verify_login(
        &self,
        login: Login,
        origin: &Arc<RequestOrigin>,
        is_allowed: impl Fn(&User) -> bool,
    ) -> Result<Arc<User>> {
        let Login { username, password } = login;
        let username = username.trim();
        let found = self.store.catalog().users.user_for_login(username);
        if let Some(user) = &found {
            origin.identify(user.org, Caller::User(user.id));
        }
        let name = counted_name(username);
        self.attempts.take(name, origin.address, self.clock.now())?;
        let hash = found.as_ref().map(|user| user.password_hash.clone());
        let verified = self.passwords.verify(password, hash).await;
        let is_right = verified.inspect_err(|_| self.attempts.give_back(name, origin.address))?;
        found.filter(|user| is_right && is_allowed(user)).ok_or_else(wrong_login)
    }

    /// Returns the principal of a session token; `None` when the session has ended, or its user may not log in any
    /// more.
    pub fn authenticate_session(&self, token: &str) -> Option<Principal> {
        let hash = session::parse(token)?;
        let (_, user) = self.store.catalog().users.session_by_hash(&hash, self.clock.now())?;
        user.may_log_in().then(|| Principal::user(&user))
    }

    /// Ends the session of a token.
    pub async fn log_out(&self, principal: &Principal, token: &str) -> Result<()> {
        self.access.logged_in(principal)?;
        let catalog = self.store.catalog();
        let hash = session::parse(token);
        let found = hash.and_then(|hash| catalog.users.session_by_hash(&hash, self.clock.now()));
        match found {
            Some((session, _)) => catalog.users.end_session(principal, session.id).await,
            None => Ok(()),
        }
    }

    /// Ends the session of a token, whoever presents it, because another session replaces it.
    pub async fn replace_session(&self, token: &str) -> Result<()> {
        match self.authenticate_session(token) {
            Some(principal) => self.log_out(&principal, token).await,
            None => Ok(()),
        }
    }

    /// Requires a user, the only caller that has a password.
    pub fn check_has_password(&self, principal: &Principal) -> Result<()> {
        match principal.caller {
            Caller::User(_) => Ok(()),
            Caller::Key(_)
            | Caller::Client { .. }
            | Caller::Subject(_)
            | Caller::Device(_)
            | Caller::System => Err(Error::forbidden("only a person has a password")),
        }
    }
}

/// Returns the name that attempts are counted by.
pub(super) fn counted_name(username: &str) -> &str {
    if username.len() > MAX_NAME { "" } else { username }
}

fn wrong_login() -> Error {
    Error::new(Kind::Unauthenticated, "Invalid username or password.")
}

/// Returns `now` plus a duration.
pub(super) fn later(now: Micros, by: Duration) -> Micros {
    let seconds = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
    Micros(now.0.saturating_add(seconds.saturating_mul(MICROS_PER_SECOND)))
}

impl Default for SessionOptions {
    /// Ten failures in five minutes; sessions of two weeks, as in the vendor's framework.
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(14 * 86_400),
            attempts: 10,
            window: Duration::from_secs(300),
            secure_cookies: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_ipv6_share_their_attempts() {
        let rows = [
            ("10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ];
        for (address, expected) in rows {
            let of = network(address.parse().expect(address));
            assert_eq!(of.to_string(), expected, "{address}");
        }
    }
}
