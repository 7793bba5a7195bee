//! What a server does by itself, now and then: writes what it kept in memory, forgets what is over.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};

use super::App;
use crate::domain::{Micros, Result};

/// Refused accesses reach the database within this.
const SAVE_REFUSALS: Duration = Duration::from_secs(5);
/// The use of a key reaches the database within this.
const SAVE_USES: Duration = Duration::from_secs(60);
/// Between two looks for expired sessions and old rows of the audit log.
const FORGET: Duration = Duration::from_secs(3600);

impl App {
    /// Runs for ever. Stopping it at any moment loses nothing that `settle` would not write.
    pub async fn upkeep(&self) {
        let later = |period| {
            let mut ticks = interval_at(Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (mut refusals, mut uses) = (later(SAVE_REFUSALS), later(SAVE_USES));
        let mut forget = interval(FORGET);
        loop {
            let (what, done) = tokio::select! {
                _ = refusals.tick() => ("refused accesses", self.store.catalog().save_refusals().await),
                _ = uses.tick() => ("uses of keys", self.store.catalog().save_last_used().await),
                _ = forget.tick() => ("what is over", self.forget().await),
            };
            if let Err(error) = done {
                tracing::warn!(
                    error = error.in_full(),
                    "{what}: the catalog was not written; it is tried again"
                );
            }
        }
    }

    /// Writes what is kept in memory, before the directory is given back.
    pub async fn settle(&self) -> Result<()> {
        let saved = self.store.catalog().save_refusals().await;
        self.store.catalog().save_last_used().await.and(saved)
    }

    async fn forget(&self) -> Result<()> {
        let now = self.clock.now();
        self.store.catalog().forget_sessions(now).await?;
        let keep_us = i64::try_from(self.settings.audit_keep.as_micros()).unwrap_or(i64::MAX);
        self.store.catalog().forget_audit(Micros(now.0.saturating_sub(keep_us))).await
    }
}
