//! Reading everything there is, to say what of it is broken.

use super::App;
use super::access::require_system;
use crate::domain::{Principal, Progress, Result};
use crate::store::verify::Report;

impl App {
    /// Checks the data directory as it is now while the server goes on. What is broken is in the report, not an error.
    pub async fn verify(&self, principal: &Principal, progress: &Progress) -> Result<Report> {
        require_system(principal)?;
        self.store.verify(progress).await
    }
}
