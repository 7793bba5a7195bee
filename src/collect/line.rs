//! The one connection to a device: its poller and direct requests take turns on it, so that their frames never mix
//! and a device that allows a single connection serves both.

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use super::client::{Client, Endpoint};
use super::fault::Fault;

/// Direct requests that may wait for one device; more are refused rather than kept.
const WAITING: usize = 16;

/// A device's connection, open or not.
pub struct Line {
    client: Mutex<Option<Client>>,
    waiting: Semaphore,
}

/// The right to speak. Turns are given in the order asked for, so a poller of many blocks and others alternate.
pub struct Turn<'a>(MutexGuard<'a, Option<Client>>);

impl Default for Line {
    fn default() -> Self {
        Self { client: Mutex::default(), waiting: Semaphore::new(WAITING) }
    }
}

impl Line {
    pub async fn turn(&self) -> Turn<'_> {
        Turn(self.client.lock().await)
    }

    /// A place among those who wait; `None` when there are too many. Keep it for as long as the turn.
    pub fn queue(&self) -> Option<SemaphorePermit<'_>> {
        self.waiting.try_acquire().ok()
    }
}

impl Turn<'_> {
    /// The connection to `endpoint`, opened unless it is open.
    pub async fn client(&mut self, endpoint: &Endpoint) -> Result<&mut Client, Fault> {
        if !self.0.as_ref().is_some_and(|client| client.is_usable(endpoint)) {
            // Closed first: a device may allow one connection only.
            *self.0 = None;
            *self.0 = Some(Client::connect(endpoint).await?);
        }
        Ok(self.0.as_mut().expect("it was opened above"))
    }

    /// Whether the open connection has answered before: one found closed then may just have been idle for too long.
    pub fn has_worked(&self) -> bool {
        self.0.as_ref().is_some_and(Client::has_answered)
    }

    pub fn hang_up(&mut self) {
        *self.0 = None;
    }
}
