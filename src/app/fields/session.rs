//! The fields of a login, and of a change of the own password.

use super::field_type::ANY_LENGTH;
use super::reader::FieldReader;
use super::visitor::Presence;
use crate::app::live::credential::LiveCredential;
use crate::app::session::{Login, Sessions};
use crate::domain::Result;

/// Reads the user name and the password of a login.
///
/// # Errors
/// `Invalid` naming every wrong field.
pub fn read_login(mut fields: FieldReader) -> Result<Login> {
    let mut login = Login { username: String::new(), password: String::new() };
    fields.read("username", Presence::Required, ANY_LENGTH, &mut login.username);
    fields.required_secret("password", &mut login.password);
    fields.finish(Vec::new())?;
    Ok(login)
}

/// Reads the token of a one-time link.
///
/// # Errors
/// `Invalid` naming the field.
pub fn read_login_link(mut fields: FieldReader) -> Result<String> {
    let mut token = String::new();
    fields.required_secret("token", &mut token);
    fields.finish(Vec::new())?;
    Ok(token)
}

impl Sessions {
    /// Changes the caller's own password.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Sessions::change_password`].
    pub async fn change_password_from_fields(
        &self,
        credential: &LiveCredential,
        mut fields: FieldReader,
    ) -> Result<()> {
        self.check_has_password(credential.principal())?;
        let (mut old, mut new) = (String::new(), String::new());
        fields.required_secret("old_password", &mut old);
        fields.required_secret("new_password", &mut new);
        fields.finish(Vec::new())?;
        self.change_password(credential, old, new).await
    }
}
