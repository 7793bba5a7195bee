//! The people that one principal sees: those of its organization, and only if it manages them.

use std::sync::Arc;

use super::{VisibleCatalog, require_administrator};
use crate::domain::caller::Caller;
use crate::domain::org::User;
use crate::domain::{Error, Result, UserId};

impl VisibleCatalog<'_> {
    /// The administrator and the superusers of an organization manage its users.
    pub(in crate::store::catalog) fn require_user_manager(&self) -> Result<()> {
        if let Caller::User(id) = self.who.caller {
            let own = self.mirror.users().get(id).filter(|user| user.org == self.who.org);
            if own.is_some_and(|user| user.enabled && user.is_superuser) {
                return Ok(());
            }
        }
        require_administrator(self.who)
    }

    /// Users of the organization by id ascending; empty for a caller who does not manage them.
    pub(in crate::store::catalog) fn users(&self) -> Vec<Arc<User>> {
        if self.require_user_manager().is_err() {
            return Vec::new();
        }
        self.mirror.users().rows_of(()).filter(|user| user.org == self.who.org).cloned().collect()
    }

    pub(in crate::store::catalog) fn user(&self, id: UserId) -> Result<&Arc<User>> {
        self.require_user_manager()?;
        let user = self.mirror.users().get(id).ok_or_else(Error::not_found)?;
        if user.org == self.who.org { Ok(user) } else { Err(Error::hidden()) }
    }
}
