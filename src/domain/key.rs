//! API keys as stored: only a hash of the secret, what it allows, and until when.

use std::collections::BTreeSet;

use super::principal::Caller;
use super::{DeviceId, KeyId, Micros, OrgId, Principal, Scopes, StreamId};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpec {
    pub name: String,
    pub scopes: Scopes,
    pub devices: Option<BTreeSet<DeviceId>>,
    pub streams: Option<BTreeSet<StreamId>>,
    pub expires_at: Option<Micros>,
}

/// A new key's secret in the form it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySecret {
    /// The first characters of the secret: public, unique, the index it is found by.
    pub prefix: String,
    /// SHA-256 of the whole secret.
    pub hash: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: KeyId,
    pub org: OrgId,
    pub spec: KeySpec,
    pub secret: KeySecret,
    pub enabled: bool,
    pub created_at: Micros,
    pub last_used_at: Option<Micros>,
}

impl Key {
    pub fn is_valid_at(&self, now: Micros) -> bool {
        self.enabled && self.spec.expires_at.is_none_or(|end| now < end)
    }

    /// Who acts with this key.
    pub fn principal(&self) -> Principal {
        Principal {
            org: self.org,
            caller: Caller::Key(self.id),
            scopes: self.spec.scopes,
            devices: self.spec.devices.clone(),
            streams: self.spec.streams.clone(),
            origin: None,
        }
    }
}
