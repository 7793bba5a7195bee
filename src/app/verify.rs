//! Integrity check of all stored data.

use super::access::require_system;
use super::control::OwnerCommands;
use crate::domain::{Principal, Progress, Result};
use crate::store::verify::VerifyReport;

impl OwnerCommands {
    /// Checks the data directory as it is now, while the server runs. Damage is reported in the result, not as an
    /// error.
    pub async fn verify(&self, principal: &Principal, progress: &Progress) -> Result<VerifyReport> {
        require_system(principal)?;
        self.store.verify(progress).await
    }
}
