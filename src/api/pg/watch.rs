//! A statement while it runs: what ends it before its time.

use std::pin::{Pin, pin};
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::error::Fault;
use super::wire::Wire;
use crate::app::live::standing::Standing;

/// Somebody's statement.
pub struct Watch {
    standing: Standing,
    cancelled: Pin<Box<OwnedNotified>>,
}

impl Watch {
    /// From now on requests to cancel count. Fails when the key does not hold any more.
    pub fn new(standing: Standing, cancelled: Arc<Notify>) -> Result<Self, Fault> {
        standing.check()?;
        let mut cancelled = Box::pin(cancelled.notified_owned());
        cancelled.as_mut().enable();
        Ok(Self { standing, cancelled })
    }

    /// Waits for `work`, unless the statement is cancelled, its key does not hold any more, or the client goes away.
    pub async fn over<T>(&mut self, wire: &mut Wire, work: impl Future<Output = T>) -> Result<T, Fault> {
        let mut standing = self.standing.watch();
        let work = pin!(work);
        tokio::select! {
            biased;
            () = &mut self.cancelled => Err(Fault::Cancelled),
            over = standing.ended() => Err(over.into()),
            done = work => Ok(done),
            () = wire.gone() => Err(Fault::Gone),
        }
    }
}
