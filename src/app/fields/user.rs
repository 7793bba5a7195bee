//! The fields of a user.

use std::sync::Arc;

use super::drf_scalar;
use super::reader::FieldReader;
use super::visitor::Presence::{Optional, Required};
use crate::app::user::{UserRequest, Users};
use crate::domain::org::{User, UserChange};
use crate::domain::user_role::UserRole;
use crate::domain::{Error, Principal, Result, UserId};

impl Users {
    /// Creates a user in the organization of a superuser.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `LimitReached` beyond the users of an organization.
    pub async fn create_user_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<Arc<User>> {
        self.access.require_superuser(principal)?;
        let (mut name, mut password, mut role) = (String::new(), String::new(), UserRole::None);
        fields.read("username", Required, 1..=150, &mut name);
        fields.required_secret("password", &mut password);
        fields.read("role", Required, (), &mut role);
        fields.finish(Vec::new())?;
        let request = UserRequest {
            name,
            password,
            is_staff: role == UserRole::Staff,
            is_superuser: role == UserRole::Superuser,
            is_viewer: role == UserRole::Viewer,
        };
        self.create_user(principal, request).await.map_err(as_username)
    }

    /// Changes the given fields of a user.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Users::change_user`].
    pub async fn change_user_from_fields(
        &self,
        principal: &Principal,
        id: UserId,
        mut fields: FieldReader,
    ) -> Result<Arc<User>> {
        self.user(principal, id)?;
        let (mut role, mut enabled, mut password) = (None, None, String::new());
        fields.take("role", Optional, &mut role, |given| drf_scalar::choice(&given).map(Some));
        fields.take("enabled", Optional, &mut enabled, |given| drf_scalar::boolean(given).map(Some));
        fields.required_secret("password", &mut password);
        fields.finish(Vec::new())?;
        let change = UserChange { enabled, ..role.map(UserChange::to_role).unwrap_or_default() };
        // A blank password was refused above: this one is absent.
        let password = (!password.is_empty()).then_some(password);
        self.change_user(principal, id, change, password).await
    }
}

/// Commands call the name of a user `name`; the fields are those of a login.
fn as_username(mut error: Error) -> Error {
    error
        .fields
        .iter_mut()
        .filter(|wrong| wrong.field == "name")
        .for_each(|wrong| wrong.field = "username".into());
    error
}
