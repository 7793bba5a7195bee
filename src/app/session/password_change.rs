//! How users change their own passwords.

use super::Sessions;
use crate::app::live::credential::LiveCredential;
use crate::domain::{Error, Result};
use crate::store::catalog::user::NewPassword;

impl Sessions {
    /// Changes the caller's own password. The user's other sessions end.
    pub async fn change_password(&self, credential: &LiveCredential, old: String, new: String) -> Result<()> {
        let principal = credential.principal();
        self.check_has_password(principal)?;
        let user = self.access.logged_in(principal)?;
        let address = principal.origin.as_ref().and_then(|origin| origin.address);
        self.attempts.take(&user.name, address, self.clock.now())?;
        let verified = self.passwords.verify(old, Some(user.password_hash.clone())).await;
        if !verified.inspect_err(|_| self.attempts.give_back(&user.name, address))? {
            return Err(Error::field("old_password", "Invalid password."));
        }
        self.attempts.succeed(&user.name, address);
        let hash = self.passwords.hash(new).await.map_err(|error| of_field(error, "new_password"))?;
        let keep = credential.session();
        let new = NewPassword { hash, verified: Some(&user.password_hash), keep };
        self.store.catalog().users.set_password(principal, user.id, new).await
    }
}

/// Renames the field of a password error to the field in which the password was given.
fn of_field(mut error: Error, name: &'static str) -> Error {
    error.fields.iter_mut().for_each(|problem| problem.field = name.into());
    error
}
