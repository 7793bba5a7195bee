//! User administration by the owner of the data directory and by the superusers of an organization.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::access::{AccessControl, require_system};
use super::core_parts::CoreParts;
use super::password::PasswordWorkers;
use crate::domain::org::{NewUser, User, UserChange};
use crate::domain::{Error, Kind, Principal, Result, UserId};
use crate::store::Store;
use crate::store::catalog::user::NewPassword;

/// A user to be created. No `Debug`, because it includes a password.
#[derive(Clone, Serialize, Deserialize)]
pub struct UserRequest {
    pub name: String,
    pub password: String,
    pub is_staff: bool,
    pub is_superuser: bool,
    pub is_viewer: bool,
}

/// A command on users; names refer to users of the organization that is acted in.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserCommand {
    Create(UserRequest),
    List,
    SetPassword { name: String, password: String },
    SetRole { name: String, is_staff: bool, is_superuser: bool, is_viewer: bool },
    Enable { name: String, is_enabled: bool },
    Delete { name: String },
}

impl UserCommand {
    /// Returns the command as it is typed.
    pub fn name(&self) -> &'static str {
        match self {
            UserCommand::Create(_) => "basalt user create",
            UserCommand::List => "basalt user list",
            UserCommand::SetPassword { .. } => "basalt user passwd",
            UserCommand::SetRole { .. } => "basalt user role",
            UserCommand::Enable { is_enabled: true, .. } => "basalt user enable",
            UserCommand::Enable { is_enabled: false, .. } => "basalt user disable",
            UserCommand::Delete { .. } => "basalt user delete",
        }
    }
}

/// Users of organizations, and their preferences.
pub struct Users {
    pub(super) store: Arc<Store>,
    pub(super) access: Arc<AccessControl>,
    passwords: Arc<PasswordWorkers>,
}

impl Users {
    pub(super) fn new(
        parts: &CoreParts,
        access: Arc<AccessControl>,
        passwords: Arc<PasswordWorkers>,
    ) -> Self {
        Self { store: parts.store.clone(), access, passwords }
    }

    /// Creates a user in the principal's organization.
    pub async fn create_user(&self, principal: &Principal, request: UserRequest) -> Result<Arc<User>> {
        self.access.require_superuser(principal)?;
        let UserRequest { name, password, is_staff, is_superuser, is_viewer } = request;
        let password_hash = self.passwords.hash(password).await?;
        let user = NewUser { name, password_hash, is_staff, is_superuser, is_viewer };
        self.store.catalog().users.create_user(principal, user).await
    }

    /// Returns whether a user of this name exists in any organization.
    pub fn has_user(&self, principal: &Principal, name: &str) -> Result<bool> {
        match self.store.catalog().users.user_by_name(principal, name) {
            Ok(_) => Ok(true),
            Err(error) if error.kind == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the users of the principal's organization, by id.
    pub fn users(&self, principal: &Principal) -> Result<Vec<Arc<User>>> {
        self.access.require_superuser(principal)?;
        Ok(self.store.catalog().users.users(principal))
    }

    /// Returns a user of the principal's organization.
    pub fn user(&self, principal: &Principal, id: UserId) -> Result<Arc<User>> {
        self.access.require_superuser(principal)?;
        self.store.catalog().users.user(principal, id)
    }

    /// Changes a user of the principal's organization; sessions end as `UserCatalog::update_user` says.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for the caller's own user; `Invalid` for a password that is too short or too long.
    pub async fn change_user(
        &self,
        principal: &Principal,
        id: UserId,
        mut change: UserChange,
        password: Option<String>,
    ) -> Result<Arc<User>> {
        self.user(principal, id)?;
        if let Some(password) = password {
            change.password_hash = Some(self.passwords.hash(password).await?);
        }
        self.store.catalog().users.update_user(principal, id, change).await
    }

    /// Deletes a user of the principal's organization. All sessions of the user end.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for the caller's own user.
    pub async fn remove_user(&self, principal: &Principal, id: UserId) -> Result<()> {
        self.access.require_superuser(principal)?;
        self.store.catalog().users.delete_user(principal, id).await
    }

    /// Changes the user of this name; sessions end as `UserCatalog::update_user` says.
    pub async fn update_user(
        &self,
        principal: &Principal,
        name: &str,
        change: UserChange,
    ) -> Result<Arc<User>> {
        let user = self.user_named(principal, name)?;
        self.store.catalog().users.update_user(principal, user.id, change).await
    }

    /// Resets the password of a user of the principal's organization, such as a forgotten one. All sessions of the
    /// user end.
    pub async fn set_password(
        &self,
        principal: &Principal,
        name: &str,
        password: String,
    ) -> Result<Arc<User>> {
        let user = self.user_named(principal, name)?;
        let hash = self.passwords.hash(password).await?;
        self.store.catalog().users.set_password(principal, user.id, NewPassword::set(hash)).await?;
        Ok(user)
    }

    /// Deletes a user of the principal's organization. All sessions of the user end.
    pub async fn delete_user(&self, principal: &Principal, name: &str) -> Result<Arc<User>> {
        let user = self.user_named(principal, name)?;
        self.store.catalog().users.delete_user(principal, user.id).await?;
        Ok(user)
    }

    fn user_named(&self, principal: &Principal, name: &str) -> Result<Arc<User>> {
        require_system(principal)?;
        let found = self.store.catalog().users.users(principal).into_iter().find(|user| user.name == name);
        found.ok_or_else(|| {
            let message = format!(
                "there is no `{name}` in this organization; `basalt user list` shows those there are"
            );
            Error::field("name", message)
        })
    }
}
