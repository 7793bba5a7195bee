//! Registration tokens: each lets one device, once, exchange a certificate signing request for a certificate.

use std::str::FromStr;
use std::time::Duration;

use uuid::Uuid;

use super::named_enum::named_enum;
use super::topology::Topology;
use super::{DeviceId, Error, FieldError, Micros, OrgId, RegistrationId, Result};

/// Lifetimes that a token may have, seconds.
pub const TTL_SECONDS: std::ops::RangeInclusive<i64> = 60..=604_800;
/// Lifetime of a token that names none.
pub const DEFAULT_TTL: Duration = Duration::from_secs(86_400);
/// Unused tokens that an organization may have at a time.
pub const MAX_OPEN_PER_ORG: usize = 10_000;
/// Tokens that are remembered of a device, the newest. An older one is unknown.
pub const MAX_REMEMBERED_PER_DEVICE: usize = 8;

named_enum! {
    /// State of a registration token. The states after `Pending` are final.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum RegistrationState {
        /// It can be used.
        Pending = "PENDING",
        /// A certificate was issued for it.
        Used = "USED",
        /// Its time was over before it was used. Never stored: it follows from the time.
        Expired = "EXPIRED",
        /// It was withdrawn, or replaced by a later token of the device.
        Revoked = "REVOKED",
    }
    display;
}

impl FromStr for RegistrationState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = RegistrationState::from_name(text);
        found.ok_or_else(|| Error::invalid(format!("`{text}` is no state of a registration token")))
    }
}

/// A registration token, with only the hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// Row id.
    pub id: RegistrationId,
    /// Organization of the device.
    pub org: OrgId,
    /// Device that the token is for.
    pub device: DeviceId,
    /// Id in APIs, and the first part of the token's text.
    pub uuid: Uuid,
    /// SHA-256 of the secret part of the token's text.
    pub hash: [u8; 32],
    /// State without regard to the time: never `Expired`.
    pub state: RegistrationState,
    /// Time of creation.
    pub created_at: Micros,
    /// Time from which the token cannot be used.
    pub expires_at: Micros,
}

impl Registration {
    /// The state at `now`.
    pub fn state_at(&self, now: Micros) -> RegistrationState {
        match self.state {
            RegistrationState::Pending if self.expires_at <= now => RegistrationState::Expired,
            state => state,
        }
    }

    /// Checks that the token can be used at `now`.
    ///
    /// # Errors
    /// `Conflict` for one that was used or revoked; `Gone` for an expired one.
    pub fn check_usable(&self, now: Micros) -> Result<()> {
        match self.state_at(now) {
            RegistrationState::Pending => Ok(()),
            RegistrationState::Used => Err(Error::conflict("the registration token was already used")),
            RegistrationState::Revoked => Err(Error::conflict("the registration token was revoked")),
            RegistrationState::Expired => Err(Error::gone("the registration token has expired")),
        }
    }
}

/// A token to be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewRegistration {
    /// Id in APIs ([`Registration::uuid`]).
    pub uuid: Uuid,
    /// SHA-256 of the secret part ([`Registration::hash`]).
    pub hash: [u8; 32],
    /// Lifetime, microseconds.
    pub ttl_us: i64,
    /// A token may be issued for a device whose certificate is valid for at most so long, microseconds.
    pub renewal_window_us: i64,
}

/// Facts of the device in a registration; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistrationPlace {
    /// Site.
    pub site: Option<Uuid>,
    /// Profile.
    pub device_profile: Option<Uuid>,
    /// Tags, as in [`Topology`].
    pub tags: Option<Vec<String>>,
}

impl RegistrationPlace {
    /// The topology of the device after its registration.
    pub fn applied_to(&self, stored: &Topology) -> Topology {
        let Self { site, device_profile, tags } = self.clone();
        Topology {
            site: site.or(stored.site),
            device_profile: device_profile.or(stored.device_profile),
            tags: tags.unwrap_or_else(|| stored.tags.clone()),
            ..stored.clone()
        }
    }
}

/// Reads the lifetime of a token; `None` is the default.
///
/// # Errors
/// `Invalid` for the field `expires_in_seconds` when it is out of range.
pub fn ttl(seconds: Option<i64>) -> Result<Duration, FieldError> {
    let Some(seconds) = seconds else { return Ok(DEFAULT_TTL) };
    let (least, most) = (TTL_SECONDS.start(), TTL_SECONDS.end());
    let problem = || FieldError::new("expires_in_seconds", format!("must be between {least} and {most}"));
    let seconds = Some(seconds).filter(|seconds| TTL_SECONDS.contains(seconds));
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    seconds.map(Duration::from_secs).ok_or_else(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_between_a_minute_and_a_week() {
        let rows = [
            (None, Some(86_400)),
            (Some(60), Some(60)),
            (Some(604_800), Some(604_800)),
            (Some(59), None),
            (Some(604_801), None),
            (Some(0), None),
            (Some(-1), None),
            (Some(i64::MAX), None),
        ];
        for (seconds, expected) in rows {
            let ttl = ttl(seconds).map(|ttl| ttl.as_secs()).map_err(|problem| problem.field);
            assert_eq!(ttl, expected.ok_or_else(|| "expires_in_seconds".into()), "{seconds:?}");
        }
    }

    #[test]
    fn only_a_pending_token_expires() {
        let registration = |state| Registration {
            id: RegistrationId(1),
            org: OrgId(1),
            device: DeviceId(1),
            uuid: Uuid::nil(),
            hash: [0; 32],
            state,
            created_at: Micros(0),
            expires_at: Micros(10),
        };
        for state in RegistrationState::ALL {
            assert_eq!(registration(state).state_at(Micros(9)), state);
            let over = match state {
                RegistrationState::Pending => RegistrationState::Expired,
                other => other,
            };
            assert_eq!(registration(state).state_at(Micros(10)), over);
            assert_eq!(state.name().parse::<RegistrationState>().ok(), Some(state));
        }
    }
}
