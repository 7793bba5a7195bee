//! Log lines about clients that are refused. Their number is bounded for each client: nobody may fill the log.

use super::MqttAccess;
use crate::auth::rate_limiter::AttemptBudget;

/// Five lines at once, and one a minute.
pub(super) const LINES: AttemptBudget = AttemptBudget { attempts: 5, window_us: 5 * 60 * 1_000_000 };
/// Characters of a topic that are shown.
const SHOWN_TOPIC: usize = 200;

impl MqttAccess {
    /// Logs why a client is refused. `whom` is its address before it has authenticated, then its caller.
    pub fn log_refusal(&self, whom: &str, reason: &str) {
        if self.state.refusal_lines.lock().try_acquire(&whom.to_owned(), self.clock.now()).is_ok() {
            tracing::info!(whom, reason, "a client of MQTT is refused");
        }
    }

    /// Logs that a client publishes to a topic that is not its own.
    pub(super) fn log_forbidden_topic(&self, whom: &str, topic: &str) {
        let shown: String = topic.chars().take(SHOWN_TOPIC).collect();
        self.log_refusal(whom, &format!("it may not publish to `{shown}`"));
    }
}
