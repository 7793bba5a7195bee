//! Logging in and out: people of staff, by password, throttled by name and by address.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::App;
use super::live::standing::Standing;
use crate::auth::session;
use crate::auth::throttle::{Budget, Throttle};
use crate::domain::audit::Origin;
use crate::domain::org::User;
use crate::domain::principal::Caller;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Error, Kind, Micros, Principal, Result};

/// How people log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// A session ends this long after its login.
    pub lifetime: Duration,
    /// Failed logins that a user name, and five times as many that an address, may have within `window`.
    pub attempts: u32,
    pub window: Duration,
    /// Whether browsers may send the cookies over TLS only.
    pub secure_cookies: bool,
}

/// An office behind one address has several people in it.
const ATTEMPTS_OF_AN_ADDRESS: u32 = 5;

/// Longer names belong to nobody.
const MAX_NAME: usize = 600;

/// What somebody says to log in. No `Debug`: it carries a password.
pub struct Login {
    pub username: String,
    pub password: String,
}

/// A session that has begun. The token exists only here and in the cookie.
pub struct Begun {
    pub token: String,
    pub user: Arc<User>,
}

/// Who has tried how often.
pub(super) struct Attempts {
    by_name: Mutex<Throttle<String>>,
    by_address: Mutex<Throttle<IpAddr>>,
}

impl Attempts {
    pub(super) fn new(options: &SessionOptions) -> Self {
        let window_us = i64::try_from(options.window.as_micros()).unwrap_or(i64::MAX / 2);
        let budget = |attempts| Budget { attempts, window_us };
        Self {
            by_name: Mutex::new(Throttle::new(budget(options.attempts))),
            by_address: Mutex::new(Throttle::new(budget(
                options.attempts.saturating_mul(ATTEMPTS_OF_AN_ADDRESS),
            ))),
        }
    }

    /// Counts an attempt before it is made, so that many at once are not more than many after each other.
    fn take(&self, name: &str, address: Option<IpAddr>, now: Micros) -> Result<()> {
        if let Some(address) = address {
            self.by_address.lock().take(&network(address), now).map_err(Error::throttled)?;
        }
        let taken = self.by_name.lock().take(&name.to_owned(), now).map_err(Error::throttled);
        if let (Err(_), Some(address)) = (&taken, address) {
            self.by_address.lock().give_back(&network(address));
        }
        taken
    }

    /// It was not a wrong guess: the server had no time to look.
    fn give_back(&self, name: &str, address: Option<IpAddr>) {
        self.by_name.lock().give_back(&name.to_owned());
        if let Some(address) = address {
            self.by_address.lock().give_back(&network(address));
        }
    }

    /// It was right: the name begins anew. The address keeps its other attempts, or one good login would pay for many
    /// bad ones.
    fn succeed(&self, name: &str, address: Option<IpAddr>) {
        self.give_back(name, address);
        self.by_name.lock().clear(&name.to_owned());
    }
}

/// What one customer has of addresses: of IPv6 half of the bits are theirs.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

impl App {
    /// Begins a session. Every way to fail but one (unknown, wrong password, disabled, not of staff) reads the same and
    /// takes the same time; too many failures are `Throttled`.
    pub async fn log_in(&self, login: Login, origin: &Arc<Origin>) -> Result<Begun> {
        let Login { username, password } = login;
        let username = username.trim();
        let found = self.store.catalog().user_to_log_in(username);
        if let Some(user) = &found {
            origin.identify(user.org, Caller::User(user.id));
        }
        let name = if username.len() > MAX_NAME { "" } else { username };
        self.attempts.take(name, origin.address, self.clock.now())?;
        let hash = found.as_ref().map(|user| user.password_hash.clone());
        let verified = self.passwords.verify(password, hash).await;
        let is_right = verified.inspect_err(|_| self.attempts.give_back(name, origin.address))?;
        let user = found.filter(|user| is_right && user.may_log_in()).ok_or_else(wrong_login)?;
        let token = session::generate();
        let hash = session::parse(&token).expect("a token that was just made is one");
        let lifetime = &self.settings.sessions.lifetime;
        let expires_at = later(self.clock.now(), *lifetime);
        let begun = self.store.catalog().create_session(&user, hash, expires_at, origin).await;
        begun.map_err(|error| if error.kind == Kind::Unauthenticated { wrong_login() } else { error })?;
        self.attempts.succeed(name, origin.address);
        Ok(Begun { token, user })
    }

    /// Who presents this token of a session; none when it has ended, or its user may not log in any more.
    pub fn authenticate_session(&self, token: &str) -> Option<Principal> {
        let hash = session::parse(token)?;
        let (_, user) = self.store.catalog().session_by_hash(&hash, self.clock.now())?;
        user.may_log_in().then(|| Principal::user(&user))
    }

    /// The person logged in; `Unauthenticated` for everybody who is not a person.
    pub fn logged_in(&self, principal: &Principal) -> Result<Arc<User>> {
        self.store.catalog().acting_user(principal).map_err(|_| no_credentials())
    }

    /// Slug of the principal's organization.
    pub fn org_slug(&self, principal: &Principal) -> String {
        self.store.catalog().org_of(principal).map(|org| org.slug.clone()).unwrap_or_default()
    }

    /// Ends the session of a token.
    pub async fn log_out(&self, principal: &Principal, token: &str) -> Result<()> {
        self.logged_in(principal)?;
        let catalog = self.store.catalog();
        let hash = session::parse(token);
        let found = hash.and_then(|hash| catalog.session_by_hash(&hash, self.clock.now()));
        match found {
            Some((session, _)) => catalog.end_session(principal, session.id).await,
            None => Ok(()),
        }
    }

    /// Ends the session of a token, whoever presents it: it gives way to another.
    pub async fn replace_session(&self, token: &str) -> Result<()> {
        match self.authenticate_session(token) {
            Some(principal) => self.log_out(&principal, token).await,
            None => Ok(()),
        }
    }

    /// Passes a person.
    pub fn check_has_password(&self, principal: &Principal) -> Result<()> {
        match principal.caller {
            Caller::User(_) => Ok(()),
            Caller::Key(_) | Caller::Device(_) | Caller::System => {
                Err(Error::forbidden("only a person has a password"))
            }
        }
    }

    /// Changes one's own password. The sessions of that user end but the one that asks.
    pub async fn change_password(&self, standing: &Standing, old: String, new: String) -> Result<()> {
        let principal = standing.principal();
        self.check_has_password(principal)?;
        let user = self.logged_in(principal)?;
        let address = principal.origin.as_ref().and_then(|origin| origin.address);
        self.attempts.take(&user.name, address, self.clock.now())?;
        let verified = self.passwords.verify(old, Some(user.password_hash.clone())).await;
        if !verified.inspect_err(|_| self.attempts.give_back(&user.name, address))? {
            return Err(Error::field("old_password", "Invalid password."));
        }
        self.attempts.succeed(&user.name, address);
        let hash = self.passwords.hash(new).await.map_err(|error| of_field(error, "new_password"))?;
        self.store.catalog().set_password(principal, user.id, hash, standing.session()).await
    }
}

/// No credentials, or none that count.
pub fn no_credentials() -> Error {
    Error::new(Kind::Unauthenticated, "Authentication credentials were not provided.")
}

fn wrong_login() -> Error {
    Error::new(Kind::Unauthenticated, "Invalid username or password.")
}

/// What is wrong with a password, told of the field it was given in.
fn of_field(mut error: Error, name: &'static str) -> Error {
    error.fields.iter_mut().for_each(|problem| problem.field = name.into());
    error
}

/// A time so much later.
pub(super) fn later(now: Micros, by: Duration) -> Micros {
    let seconds = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
    Micros(now.0.saturating_add(seconds.saturating_mul(MICROS_PER_SECOND)))
}

impl Default for SessionOptions {
    /// Ten failures in five minutes; sessions of two weeks, as the vendor's framework has them.
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
