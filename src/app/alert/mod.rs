//! Alert rules, their alerts, and events as the MK platform shows them.
//!
//! A rule is created by `rules.rs`. `live/` evaluates it on every reading and raises an alert, which is an event with
//! details. `alerts.rs` lists alerts and takes the steps of people: acknowledged, resolved. The transaction that raises an
//! alert also stores its notifications, which `app/notification` delivers.
//!
//! The life of one alert. A person creates a rule, which names a stream or a device, and the channels to tell. A reading arrives by
//! any interface and is durable in the log. The task of its organization (`live/runner.rs`, `live/session.rs`) takes it from there and
//! asks the rule (`domain/alert/evaluator.rs`), in the order of arrival. When the condition begins to hold, one transaction
//! (`AlertCatalog::record_alerts`) writes the event, how far the rule is decided, and a delivery for each channel, so that a crash raises
//! nothing twice and loses no notification. Feeds and capture rules see the new event. The alert is active; a person acknowledges
//! and resolves it, or the same task resolves it when the condition ends and the rule says so. That is written, and told, in the
//! same way. The event stays in the event log.

pub mod alerts;
pub mod counters;
pub mod dry_run;
pub mod events;
mod live;
mod rules;

use std::sync::Arc;

use self::counters::AlertCounters;
use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use super::event::Events;
use crate::domain::Clock;
use crate::query::Engine;
use crate::store::Store;

pub use self::alerts::AlertPage;
pub use self::rules::{AlertRuleFilter, ShownAlertRule};

/// Alert rules, their evaluation and their alerts.
pub struct AlertService {
    pub(super) store: Arc<Store>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    /// The states of devices, which rules may watch.
    states: CollectorStates,
    pub(super) counters: Arc<AlertCounters>,
    events: Arc<Events>,
}

impl AlertService {
    pub(super) fn new(parts: &CoreParts, events: Arc<Events>) -> Self {
        Self {
            store: parts.store.clone(),
            engine: parts.engine.clone(),
            clock: parts.clock.clone(),
            states: parts.states.clone(),
            counters: Arc::default(),
            events,
        }
    }
}
