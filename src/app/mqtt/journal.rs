//! Writes what the broker must remember: changes that arrive together are one transaction of the catalog.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::domain::mqtt::MqttChange;
use crate::domain::{Error, Result};
use crate::store::Store;

/// Maximum changes of one transaction.
const MAX_CHANGES: usize = 1000;

pub(super) struct Journal {
    store: Arc<Store>,
    waiting: Mutex<Vec<PendingChange>>,
    /// Held while a transaction is under way; what arrives meanwhile is the next one.
    turn: tokio::sync::Mutex<()>,
}

struct PendingChange {
    change: MqttChange,
    done: oneshot::Sender<bool>,
}

impl Journal {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self { store, waiting: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// Stores a change durably. Changes are stored in the order of the calls, also if what this returns is dropped.
    ///
    /// # Errors
    /// `Unavailable` when the catalog cannot be written.
    pub(super) fn record(
        self: &Arc<Self>,
        change: MqttChange,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let (done, result) = oneshot::channel();
        self.waiting.lock().push(PendingChange { change, done });
        let journal = self.clone();
        tokio::spawn(async move { journal.write_next().await });
        async move {
            match result.await {
                Ok(true) => Ok(()),
                Ok(false) | Err(_) => Err(Error::unavailable("the session cannot be stored")),
            }
        }
    }

    /// Writes what waits, unless another transaction has taken it.
    async fn write_next(&self) {
        let _turn = self.turn.lock().await;
        let batch: Vec<PendingChange> = {
            let mut waiting = self.waiting.lock();
            let count = waiting.len().min(MAX_CHANGES);
            waiting.drain(..count).collect()
        };
        if batch.is_empty() {
            return;
        }
        let changes = batch.iter().map(|pending| pending.change.clone()).collect();
        let stored = self.store.catalog().mqtt.store_mqtt(changes).await;
        if let Err(error) = &stored {
            tracing::warn!(error = error.full_message(), "sessions of MQTT cannot be stored");
        }
        for pending in batch {
            // Who asked may be gone.
            pending.done.send(stored.is_ok()).unwrap_or(());
        }
    }
}
