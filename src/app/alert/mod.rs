//! Alert rules, their alerts, and events as the MK platform shows them.
//!
//! A rule is created by `rules.rs`. `live/` evaluates it on every reading and raises an alert, which is an event with
//! details. `alerts.rs` lists alerts and takes the steps of people: acknowledged, resolved. The transaction that raises an
//! alert also stores its notifications, which `app/notification` delivers.

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
