//! The look at the clock before each cycle: one that is ahead of the time that has passed removes nothing.

use super::{ENDED_EARLY, RetentionJob};
use crate::domain::Result;
use crate::domain::clock_trust::{ClockState, MAX_STEP_US};
use crate::domain::time::MICROS_PER_SECOND;
use crate::store::blocking::blocking;

impl RetentionJob {
    /// Compares the clock with the time expected. Returns whether rows may be removed by it. Where it is right, floors go
    /// back that a wrong one has set after the present.
    pub(super) async fn check_clock(&self) -> Result<bool> {
        let now = self.tables.clock().now();
        match self.observe_clock().await? {
            ClockState::Trusted => {
                let lowered = self.catalog.retention.lower_retention_floors(now).await?;
                if lowered > 0 {
                    tracing::warn!(
                        lowered,
                        "a wrong clock had set retention floors after the present: they go back"
                    );
                }
                Ok(true)
            }
            ClockState::Behind(by) => {
                let seconds = by / MICROS_PER_SECOND;
                tracing::warn!(clock = %now, seconds, "the clock is behind the time expected");
                Ok(true)
            }
            ClockState::Ahead(by) => {
                tracing::error!(
                    clock = %now,
                    seconds = by / MICROS_PER_SECOND,
                    "the clock is ahead of the time expected: retention removes nothing until it is right, is confirmed \
                     or has stayed so for a day"
                );
                Ok(false)
            }
        }
    }

    /// Compares the clock with the time expected and, where they differ, with what an operator has written.
    async fn observe_clock(&self) -> Result<ClockState> {
        let (catalog, mark, now) = (self.catalog.clone(), self.clock_mark.clone(), self.tables.clock().now());
        let observe = move || {
            let mut state = catalog.retention.observe_clock();
            let is_near = |said: i64| said.abs_diff(now.0) <= MAX_STEP_US.unsigned_abs();
            if state != ClockState::Trusted && mark.load().is_some_and(|said| is_near(said.0)) {
                catalog.retention.confirm_clock();
                state = ClockState::Trusted;
            }
            if state == ClockState::Trusted {
                mark.save(now);
            }
            Ok(state)
        };
        blocking(ENDED_EARLY, observe).await
    }
}
