//! Guard of a running statement: ends it on cancel, key revocation, disconnect or at the time limit of its connection.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Instant;

use super::connection::PgConnection;
use super::error::PgError;
use crate::app::live::credential::LiveCredential;

/// A running statement with its credential.
pub struct StatementGuard {
    credential: LiveCredential,
    cancelled: Pin<Box<OwnedNotified>>,
    /// End of the time that `statement_timeout` leaves.
    deadline: Option<Instant>,
}

impl StatementGuard {
    /// Starts to listen for cancel requests, and the time limit. Fails when the key is no longer valid.
    pub fn new(
        credential: LiveCredential,
        cancelled: Arc<Notify>,
        limit: Option<Duration>,
    ) -> Result<Self, PgError> {
        credential.check()?;
        let mut cancelled = Box::pin(cancelled.notified_owned());
        cancelled.as_mut().enable();
        Ok(Self { credential, cancelled, deadline: limit.map(|limit| Instant::now() + limit) })
    }

    /// Waits for `work`; fails if the statement is cancelled or out of time, its key is revoked, or the client disconnects.
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
            () = sleep_until(self.deadline) => {
                let message = "canceling statement due to statement timeout".to_owned();
                Err(PgError::Protocol("57014", message))
            }
            done = work => Ok(done),
            () = wire.wait_for_disconnect() => Err(PgError::Disconnected),
        }
    }
}

/// Waits for a time; forever when there is none.
pub async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
