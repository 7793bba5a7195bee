//! A statement while it runs: what ends it before its time.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::error::Fault;
use super::wire::Wire;
use crate::app::App;
use crate::domain::{Error, Kind, Principal};

/// Between two looks at whether a key still holds.
pub const LOOK: Duration = Duration::from_secs(1);

/// Somebody's statement.
pub struct Watch {
    app: Arc<App>,
    principal: Principal,
    cancelled: Pin<Box<OwnedNotified>>,
}

impl Watch {
    /// From now on requests to cancel count.
    pub fn new(app: Arc<App>, principal: Principal, cancelled: Arc<Notify>) -> Self {
        let mut cancelled = Box::pin(cancelled.notified_owned());
        cancelled.as_mut().enable();
        Self { app, principal, cancelled }
    }

    /// Whether the key still holds.
    pub fn check(&self) -> Result<(), Fault> {
        if self.app.is_current(&self.principal) {
            return Ok(());
        }
        Err(revoked())
    }

    /// Waits for `work`, unless the statement is cancelled, the client goes away, or its key is revoked.
    pub async fn over<T>(&mut self, wire: &mut Wire, work: impl Future<Output = T>) -> Result<T, Fault> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                () = &mut self.cancelled => return Err(Fault::Cancelled),
                done = &mut work => return Ok(done),
                () = wire.gone() => return Err(Fault::Gone),
                () = tokio::time::sleep(LOOK) => self.check()?,
            }
        }
    }
}

/// What is told when a key stops being one.
pub fn revoked() -> Fault {
    Fault::Core(Error::new(Kind::Unauthenticated, "the API key is no longer valid"))
}
