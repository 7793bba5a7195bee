//! Keys of the MK platform: clients of its API, each with a role.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::access::{MkAccess, MkCredentials};
use crate::auth::client;
use crate::domain::client::{Client, ClientApi, ClientSpec, Role};
use crate::domain::document::rules::check_required;
use crate::domain::mk_role::MkPermission;
use crate::domain::{Error, FieldError, Result};

/// Most characters of a key's name.
pub const MAX_KEY_NAME: usize = 100;

/// A request for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMkKey {
    /// 1..=100 characters; not unique.
    pub name: String,
    /// One of admin, member and readonly.
    pub role: Role,
    /// Whether it is marked as one for tests; it can do the same.
    pub is_test: bool,
}

impl NewMkKey {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_required(&mut found, "name", &self.name, MAX_KEY_NAME);
        found
    }
}

/// The UUID of a key, which is made of its public id.
pub fn key_uuid(key: &Client) -> Uuid {
    let hash: [u8; 32] = Sha256::digest(format!("mk key {}", key.secret.client_id)).into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

impl MkCredentials {
    /// Returns the keys of the caller's organization, by id; those that were revoked are not among them.
    pub fn mk_keys_of(&self, access: &MkAccess) -> Result<Vec<Arc<Client>>> {
        access.require(MkPermission::Manage)?;
        let mut keys = self.store.catalog().clients.clients(&access.principal);
        keys.retain(|key| key.spec.api == ClientApi::Mk && key.enabled);
        Ok(keys)
    }

    /// Creates a key; its text is returned only here.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `LimitReached` beyond the quota.
    pub async fn create_mk_key(&self, access: &MkAccess, new: NewMkKey) -> Result<(Arc<Client>, String)> {
        access.require(MkPermission::Manage)?;
        Error::check(new.problems())?;
        let (text, stored) = client::generate_mk(new.is_test);
        let spec = ClientSpec {
            api: ClientApi::Mk,
            name: new.name,
            user: None,
            role: Some(new.role),
            user_scoped: false,
        };
        let key = self.store.catalog().clients.create_client(&access.principal, spec, stored).await?;
        Ok((key, text))
    }

    /// Revokes a key for good; its next request is refused.
    ///
    /// # Errors
    /// `NotFound`, also for one that was revoked before.
    pub async fn revoke_mk_key(&self, access: &MkAccess, uuid: Uuid) -> Result<()> {
        let keys = self.mk_keys_of(access)?;
        let key = keys.iter().find(|key| key_uuid(key) == uuid).ok_or_else(Error::not_found)?;
        self.store.catalog().clients.revoke_client(&access.principal, key.id).await.map(drop)
    }
}
