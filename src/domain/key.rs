//! API keys as stored: the hash of the secret, the key's permissions, and its expiry. The secret itself is never
//! stored.

use std::collections::BTreeSet;

use super::caller::Caller;
use super::{DeviceId, DocumentId, KeyId, Micros, OrgId, Principal, Scopes, StreamId};

/// Settings of an API key: what it may do, which rows it may see (`None` is all), and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpec {
    /// Purpose of the key, 1..=100 characters; not unique.
    pub name: String,
    /// Scopes of the key.
    pub scopes: Scopes,
    /// Devices that the key is limited to.
    pub devices: Option<BTreeSet<DeviceId>>,
    /// Streams that the key may see besides those of `devices`.
    pub streams: Option<BTreeSet<StreamId>>,
    /// Dashboards that a key with one of the lists above is limited to: of what belongs to the whole organization, it
    /// sees no other document.
    pub dashboards: Option<BTreeSet<DocumentId>>,
    /// Time from which the key is refused; `None` never expires.
    pub expires_at: Option<Micros>,
}

/// A new key's secret in the form it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySecret {
    /// Unique, public look-up prefix of the secret.
    pub prefix: String,
    /// SHA-256 of the whole secret.
    pub hash: [u8; 32],
}

/// An API key as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Row id.
    pub id: KeyId,
    /// Organization that the key belongs to.
    pub org: OrgId,
    /// Permissions and expiry.
    pub spec: KeySpec,
    /// Prefix and hash of the secret.
    pub secret: KeySecret,
    /// False once the key was revoked, which is final.
    pub enabled: bool,
    /// Time of creation.
    pub created_at: Micros,
    /// Time of the last request with the key; `None` before the first.
    pub last_used_at: Option<Micros>,
}

impl Key {
    /// Whether the key is enabled and has not expired at `now`.
    pub fn is_valid_at(&self, now: Micros) -> bool {
        self.enabled && self.spec.expires_at.is_none_or(|end| now < end)
    }

    /// The principal that requests with this key act as.
    pub fn principal(&self) -> Principal {
        Principal {
            org: self.org,
            caller: Caller::Key(self.id),
            scopes: self.spec.scopes,
            devices: self.spec.devices.clone(),
            streams: self.spec.streams.clone(),
            dashboards: self.spec.dashboards.clone(),
            origin: None,
        }
    }
}
