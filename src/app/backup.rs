//! Copying everything there is while the server goes on.

use std::path::Path;

use super::App;
use super::access::require_system;
use crate::domain::{Principal, Progress, Result};
use crate::store::backup::BackedUp;

impl App {
    /// Writes a backup of this moment into `dest`, which must not exist or be empty.
    ///
    /// # Errors
    /// `Invalid` for a destination that cannot be one; `Unavailable` for whatever could not be read or written. Then
    /// nothing is left that could be taken for a backup.
    pub async fn backup(&self, principal: &Principal, dest: &Path, progress: &Progress) -> Result<BackedUp> {
        require_system(principal)?;
        self.store.backup(dest, progress).await
    }
}
