//! Evaluation of alert rules on every reading that is committed, whichever way it came, and on the states of devices.
//!
//! One task for each organization with rules follows the log, in slices of some milliseconds, so that no organization's
//! readings or rules delay another's alerts or the end of the process. The tasks have threads of their own, whose work no
//! request waits for. It asks nothing of the catalog or the lake for a
//! reading: rules and what they remember are in memory. An alert is written together with the place in the log up to which
//! its rule is decided; from time to time the position in the log is written with what the rules remember there. After a
//! crash the log is read again from that position: rules remember what they did, and what was decided before is not decided
//! again. Records that the log keeps no longer are read from the lake.

mod arrival_clock;
mod missed;
mod rule_table;
mod runner;
mod session;
mod states;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::app::alert::AlertService;
use crate::app::alert::counters::{AlertCounters, EvaluationProgress};
use crate::domain::ports::DeviceStatusSource;
use crate::domain::{Clock, OrgId};
use crate::query::Engine;
use crate::store::Store;

/// Parts that the evaluation works with.
#[derive(Clone)]
struct AlertRunner {
    store: Arc<Store>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    /// The states of devices.
    states: Arc<dyn DeviceStatusSource>,
    counters: Arc<AlertCounters>,
}

impl AlertService {
    /// Evaluates every enabled rule, following changes of the catalog, until `stop`; then stores the position.
    pub async fn run_alerts(self: Arc<Self>, stop: CancellationToken) {
        let runner = AlertRunner {
            store: self.store.clone(),
            engine: self.engine.clone(),
            clock: self.clock.clone(),
            states: Arc::new(self.states.clone()),
            counters: self.counters.clone(),
        };
        runner.run(stop).await;
    }

    /// How far the rules of an organization are evaluated.
    pub fn alert_evaluation(&self, org: OrgId) -> EvaluationProgress {
        self.counters.progress(org)
    }
}
