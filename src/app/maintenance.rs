//! Periodic maintenance: writes what is kept in memory, and deletes expired rows.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};

use super::cluster::ClusterMembership;
use super::core_parts::CoreParts;
use super::export::Exports;
use super::jobs::Jobs;
use super::media::captures::Captures;
use super::mk::objects::Objects;
use super::quarantine::Quarantine;
use crate::domain::{Clock, Micros, Result};
use crate::store::Store;

/// Interval in which counted refusals are saved.
const SAVE_REFUSALS: Duration = Duration::from_secs(5);
/// Interval in which the progress of jobs is saved.
const SAVE_PROGRESS: Duration = Duration::from_secs(5);
/// Interval in which the counts of accepted readings are saved.
const SAVE_COUNTS: Duration = Duration::from_secs(5);
/// Interval in which the last uses of keys are saved.
const SAVE_USES: Duration = Duration::from_secs(60);
/// Interval in which expired sessions and tokens and old audit rows are deleted.
const PURGE_INTERVAL: Duration = Duration::from_secs(3600);

/// Services whose state is saved or whose expired rows are deleted.
pub(super) struct MaintenanceCalls {
    pub cluster: Arc<ClusterMembership>,
    pub captures: Arc<Captures>,
    pub exports: Arc<Exports>,
    pub jobs: Arc<Jobs>,
    pub objects: Arc<Objects>,
    pub quarantine: Arc<Quarantine>,
}

/// Periodic work of a server that owns its data directory.
pub struct Maintenance {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    calls: MaintenanceCalls,
    /// Retention of audit log rows.
    audit_keep: Duration,
}

impl Maintenance {
    pub(super) fn new(parts: &CoreParts, calls: MaintenanceCalls, audit_keep: Duration) -> Self {
        Self { store: parts.store.clone(), clock: parts.clock.clone(), calls, audit_keep }
    }

    /// Runs forever. It may be stopped at any moment: `save_pending` writes what is left.
    pub async fn run_maintenance(&self) {
        // Beside the rest: what is purged may take longer than a node may be silent.
        tokio::join!(self.calls.cluster.run_node_renewal(), self.run_periodic_work());
    }

    async fn run_periodic_work(&self) {
        let later = |period| {
            let mut ticks = interval_at(Instant::now() + period, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        };
        let (mut refusals, mut uses) = (later(SAVE_REFUSALS), later(SAVE_USES));
        let (mut counts, mut jobs) = (later(SAVE_COUNTS), later(SAVE_PROGRESS));
        let mut forget = interval(PURGE_INTERVAL);
        loop {
            let (what, done) = tokio::select! {
                _ = refusals.tick() => ("refused accesses", self.store.catalog().audit.save_denials().await),
                _ = counts.tick() => ("counts of readings", self.store.catalog().orgs.save_reading_counts().await),
                _ = jobs.tick() => ("progress of jobs", self.calls.jobs.keep_jobs().await),
                _ = uses.tick() => ("uses of keys", self.store.catalog().keys.save_last_used().await),
                _ = forget.tick() => ("expired rows", self.purge_expired().await),
            };
            if let Err(error) = done {
                tracing::warn!(
                    error = error.full_message(),
                    "{what}: the work was not finished; it is tried again"
                );
            }
        }
    }

    /// Writes what is kept in memory, before the data directory is released.
    pub async fn save_pending(&self) -> Result<()> {
        let catalog = self.store.catalog();
        let saved = [
            catalog.audit.save_denials().await,
            catalog.orgs.save_reading_counts().await,
            catalog.jobs.save_job_progress().await,
            catalog.keys.save_last_used().await,
        ];
        saved.into_iter().collect()
    }

    async fn purge_expired(&self) -> Result<()> {
        // A clock that has jumped ahead deletes nothing.
        let now = self.store.catalog().retention.expiry_time(self.clock.now());
        self.store.catalog().users.purge_expired_sessions(now).await?;
        self.store.catalog().clients.purge_expired_tokens(now).await?;
        self.calls.captures.purge_media(now).await?;
        self.calls.quarantine.purge_quarantine(now).await?;
        self.calls.exports.purge_exports(now).await?;
        self.store.catalog().jobs.purge_jobs(now).await?;
        self.store.catalog().devices.purge_device_states(now).await?;
        let keep_us = i64::try_from(self.audit_keep.as_micros()).unwrap_or(i64::MAX);
        self.store.catalog().audit.purge_audit_log(Micros(now.0.saturating_sub(keep_us))).await?;
        // The last one: it may need a bucket, which may be away.
        self.calls.objects.purge_unreferenced_objects().await
    }
}
