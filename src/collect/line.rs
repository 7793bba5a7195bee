//! The one connection to a device: its poller and direct requests take turns on it, so that their frames never mix
//! and a device that allows a single connection serves both.

use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};

use super::client::{Client, Endpoint, Means};
use super::fault::Fault;

/// Direct requests that may wait for one device; more are refused rather than kept.
const WAITING: usize = 16;

/// A device's connection, open or not.
pub struct Line {
    client: Mutex<Option<Client>>,
    waiting: Semaphore,
    means: Means,
}

/// The right to speak. Turns are given in the order asked for, so a poller of many blocks and others alternate.
pub struct Turn<'a>(MutexGuard<'a, Option<Client>>, &'a Means);

impl Line {
    pub fn new(means: Means) -> Self {
        Self { client: Mutex::default(), waiting: Semaphore::new(WAITING), means }
    }

    pub async fn turn(&self) -> Turn<'_> {
        Turn(self.client.lock().await, &self.means)
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
            *self.0 = Some(Client::connect(endpoint, self.1).await?);
        }
        Ok(self.0.as_mut().expect("it was opened above"))
    }

    /// Whether the open connection has answered before: one found closed then may just have been idle for too long.
    pub fn has_worked(&self) -> bool {
        self.0.as_ref().is_some_and(Client::has_answered)
    }

    /// Hangs up and waits until the device has heard of it, where its protocol tells.
    pub async fn close(&mut self) {
        if let Some(client) = self.0.take() {
            client.close().await;
        }
    }

    pub fn hang_up(&mut self) {
        *self.0 = None;
    }
}
