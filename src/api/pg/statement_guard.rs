//! Guard of a running statement: ends it on cancel, key revocation or disconnect.

use std::pin::{Pin, pin};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::connection::PgConnection;
use super::error::PgError;
use crate::app::live::credential::LiveCredential;

/// A running statement with its credential.
pub struct StatementGuard {
    credential: LiveCredential,
    cancelled: Pin<Box<OwnedNotified>>,
}

impl StatementGuard {
    /// Starts to listen for cancel requests. Fails when the key is no longer valid.
    pub fn new(credential: LiveCredential, cancelled: Arc<Notify>) -> Result<Self, PgError> {
        credential.check()?;
        let mut cancelled = Box::pin(cancelled.notified_owned());
        cancelled.as_mut().enable();
        Ok(Self { credential, cancelled })
    }

    /// Waits for `work`; fails if the statement is cancelled, its key is revoked, or the client disconnects.
    pub async fn run<T>(
        &mut self,
        wire: &mut PgConnection,
        work: impl Future<Output = T>,
    ) -> Result<T, PgError> {
        let mut credential = self.credential.watch();
        let work = pin!(work);
        tokio::select! {
            biased;
            () = &mut self.cancelled => Err(PgError::Cancelled),
            over = credential.expired() => Err(over.into()),
            done = work => Ok(done),
            () = wire.wait_for_disconnect() => Err(PgError::Disconnected),
        }
    }
}
