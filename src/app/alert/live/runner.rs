//! The task that evaluates rules: one for each organization that has any, so that none waits for another's.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::AlertRunner;
use super::session::Session;
use crate::domain::{AlertRuleId, Error, OrgId, Result};
use crate::store::throttle;

const RETRY_DELAY: Duration = Duration::from_secs(1);

impl AlertRunner {
    /// Evaluates the rules of every organization until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while let Err(error) = self.load_counters().await {
            tracing::warn!(
                error = error.full_message(),
                "counters of alert rules cannot be read; trying again"
            );
            if pause(&stop).await {
                return;
            }
        }
        let threads = throttle::evaluation_threads().cloned().unwrap_or_else(|error| {
            tracing::warn!(error = error.full_message(), "alert rules share the threads of requests");
            Handle::current()
        });
        let mut changes = self.store.catalog().subscribe_changes();
        let mut running: HashMap<OrgId, CancellationToken> = HashMap::new();
        let (mut tasks, mut revision) = (JoinSet::new(), None);
        loop {
            let newest = Some(self.store.catalog().alerts.alert_rules_revision());
            if std::mem::replace(&mut revision, newest) != newest {
                self.reconcile(&mut running, (&mut tasks, &threads), &stop);
            }
            tokio::select! {
                () = stop.cancelled() => break,
                // The catalog is gone only when the process is ending.
                outcome = changes.changed() => if outcome.is_err() { break },
                Some(_) = tasks.join_next() => {}
            }
        }
        running.values().for_each(CancellationToken::cancel);
        while tasks.join_next().await.is_some() {}
    }

    async fn load_counters(&self) -> Result<()> {
        let stored = self.store.catalog().alerts.alert_progress(None).await?;
        let suppressed = stored.into_iter().map(|(id, progress)| (id, progress.budget.suppressed));
        self.counters.load(suppressed.filter(|(_, count)| *count > 0).collect());
        Ok(())
    }

    /// Starts a task for each organization that has rules, and ends those of organizations without.
    fn reconcile(
        &self,
        running: &mut HashMap<OrgId, CancellationToken>,
        (tasks, threads): (&mut JoinSet<()>, &Handle),
        stop: &CancellationToken,
    ) {
        let (_, rules) = self.store.catalog().alerts.all_alert_rules();
        let ids: HashSet<AlertRuleId> = rules.iter().map(|rule| rule.id).collect();
        self.counters.retain(|id| ids.contains(&id));
        let with_rules: HashSet<OrgId> = rules.iter().map(|rule| rule.org).collect();
        running.retain(|org, task| {
            let has_rules = with_rules.contains(org);
            if !has_rules {
                task.cancel();
            }
            has_rules
        });
        for org in with_rules {
            running.entry(org).or_insert_with(|| {
                let task = stop.child_token();
                tasks.spawn_on(self.clone().run_organization(org, task.clone()), threads);
                task
            });
        }
    }

    /// Evaluates the rules of an organization until `stop`. After a failure it begins again with the last checkpoint.
    async fn run_organization(self, org: OrgId, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let ended = AssertUnwindSafe(self.session(org, &stop)).catch_unwind().await;
            let ended =
                ended.unwrap_or_else(|_| Err(Error::internal("the evaluation of alert rules failed")));
            let Err(error) = ended else { break };
            if stop.is_cancelled() {
                break;
            }
            let text = error.full_message();
            tracing::warn!(org = org.0, error = text, "alert rules cannot be evaluated; trying again");
            if pause(&stop).await {
                break;
            }
        }
        self.counters.forget_progress(org);
    }

    async fn session(&self, org: OrgId, stop: &CancellationToken) -> Result<()> {
        Session::load(self, org, stop).await?.run().await
    }
}

/// Waits before another attempt. Returns whether it was stopped.
async fn pause(stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep(RETRY_DELAY) => false,
    }
}
