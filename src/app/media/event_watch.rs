//! Events that make cameras record: each new event is compared with the capture rules of its organization.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use super::captures::Captures;
use crate::domain::audit::Action;
use crate::domain::document::capture_rule::EventFacts;
use crate::domain::document::{CaptureRuleSpec, DocumentKind};
use crate::domain::event::Event;
use crate::domain::media::{Capture, MediaJob, MediaKind, MediaWork};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Micros, OrgId, Principal};

/// Age of an event, beyond what a rule wants of it, from which it is not captured, microseconds: it was imported.
const MAX_AGE_US: i64 = 300 * MICROS_PER_SECOND;

impl Captures {
    /// Follows the events of every organization, also before it has capture rules: an event that comes right after a rule is
    /// not missed.
    pub(super) async fn run_event_watch(self: Arc<Self>, stop: CancellationToken) {
        let mut changes = self.store.catalog().subscribe_changes();
        let mut watches: HashMap<OrgId, AbortOnDropHandle<()>> = HashMap::new();
        loop {
            let wanted = self.store.catalog().media.all_orgs();
            watches.retain(|org, _| wanted.contains(org));
            for org in wanted {
                let watch = || AbortOnDropHandle::new(tokio::spawn(self.clone().watch_events(org)));
                watches.entry(org).or_insert_with(watch);
            }
            tokio::select! {
                () = stop.cancelled() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
        }
    }

    async fn watch_events(self: Arc<Self>, org: OrgId) {
        let who = Principal::system(org);
        let catalog = self.store.catalog();
        let mut changes = catalog.events.subscribe_event_changes(&who);
        loop {
            match changes.recv().await {
                Ok(change) if matches!(change.action, Action::Create) => {
                    let has_rules = !catalog.documents.documents(&who, DocumentKind::CaptureRule).is_empty();
                    // One that is deleted already is not captured.
                    if has_rules && let Ok(event) = catalog.events.event(&who, change.id).await {
                        self.capture_event(&who, &event).await;
                    }
                }
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(%org, missed, "events came faster than capture rules look at them");
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn capture_event(&self, who: &Principal, event: &Event) {
        let (facts, id) = (facts_of(event), event.uuid);
        for row in self.store.catalog().documents.documents(who, DocumentKind::CaptureRule) {
            let Ok(rule) = self.capture_rule(who, &row) else { continue };
            let now = self.clock.now();
            // A clock that is ahead of ours does not make cameras record until then.
            let (from, to) = rule.spec.range(facts.ts.min(now));
            let is_old = to.0 < now.0.saturating_sub(MAX_AGE_US);
            if !rule.spec.enabled || is_old || !rule.spec.matches.includes(&facts) {
                continue;
            }
            let captured = self.captured_by(who, row.uuid);
            let times: Vec<Micros> = captured.values().copied().collect();
            if !captured.contains_key(&id) && rule.spec.has_room(now, &times) {
                self.begin_captures(who, &rule.spec, (row.uuid, id), (from, to)).await;
            }
        }
    }

    async fn begin_captures(
        &self,
        who: &Principal,
        rule: &CaptureRuleSpec,
        (rule_id, event): (Uuid, Uuid),
        (from, to): (Micros, Micros),
    ) {
        for camera in &rule.cameras {
            let capture = Capture { event: Some(event), rule: Some(rule_id), ..Capture::new(from, to) };
            let made =
                self.store.catalog().media.create_media_job(who, *camera, MediaWork::Capture(capture)).await;
            if let Err(error) = made {
                let error = error.full_message();
                tracing::warn!(rule = %rule_id, %camera, error, "a capture cannot be begun");
            }
        }
        self.work.notify_one();
    }

    /// Events that a rule has captured, with the times at which it began.
    fn captured_by(&self, who: &Principal, rule: Uuid) -> BTreeMap<Uuid, Micros> {
        let all = self.store.catalog().media.media_jobs(who, MediaKind::Capture);
        let of_rule = |job: &Arc<MediaJob>| {
            let capture = job.capture().filter(|capture| capture.rule == Some(rule))?;
            Some((capture.event?, job.created_at))
        };
        all.iter().filter_map(of_rule).collect()
    }
}

/// Facts that rules look at.
fn facts_of(event: &Event) -> EventFacts {
    let spec = &event.spec;
    EventFacts {
        source: event.source.name(),
        level: spec.level,
        device: spec.device,
        sensor: spec.stream,
        ts: spec.ts,
    }
}
