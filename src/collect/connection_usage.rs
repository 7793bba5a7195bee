//! How the connection to a device is used: pauses that slow devices need, and whether it stays open between polls.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::settings::ProtocolSettings;
use crate::domain::Result;
use crate::domain::device::DeviceSpec;

/// Upper bound of the setting `pause_after_connect`, seconds.
pub const MAX_PAUSE_AFTER_CONNECT_S: u32 = 60;
/// Upper bound of the setting `pause_between_requests`, seconds.
pub const MAX_PAUSE_BETWEEN_REQUESTS_S: u32 = 10;

/// Settings of a device's connection, whatever its protocol. The default needs no care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionUsage {
    /// From the opening of a connection to its first request.
    pub pause_after_connect: Duration,
    /// From an answer to the next request.
    pub pause_between_requests: Duration,
    /// Whether the connection is closed until the next poll, so that other programs may connect.
    pub close_after_poll: bool,
}

impl ConnectionUsage {
    /// Reads the settings `pause_after_connect`, `pause_between_requests` and `close_after_poll` of a device.
    ///
    /// # Errors
    /// `Invalid` that names the wrong setting and its valid values.
    pub fn from_spec(spec: &DeviceSpec) -> Result<ConnectionUsage> {
        let settings = ProtocolSettings(&spec.metadata);
        Ok(ConnectionUsage {
            pause_after_connect: settings.seconds("pause_after_connect", MAX_PAUSE_AFTER_CONNECT_S)?,
            pause_between_requests: settings
                .seconds("pause_between_requests", MAX_PAUSE_BETWEEN_REQUESTS_S)?,
            close_after_poll: settings.boolean("close_after_poll", false)?,
        })
    }

    /// The longest time that a request waits for its pause.
    pub fn longest_pause(&self) -> Duration {
        self.pause_after_connect.max(self.pause_between_requests)
    }
}

/// The times of an open connection from which the pauses before its next request count.
#[derive(Debug, Clone, Copy)]
pub struct RequestPacing {
    opened: Instant,
    last_ended: Option<Instant>,
}

impl RequestPacing {
    /// Of a connection that was opened just now.
    pub fn opened_now() -> RequestPacing {
        RequestPacing { opened: Instant::now(), last_ended: None }
    }

    /// Records that a request ended just now, answered or not.
    pub fn record_end(&mut self) {
        self.last_ended = Some(Instant::now());
    }

    /// Waits until the next request may be sent. Call it outside the request's timeout.
    pub async fn wait(&self, usage: ConnectionUsage) {
        let after_connect = self.opened + usage.pause_after_connect;
        let due = self
            .last_ended
            .map_or(after_connect, |ended| after_connect.max(ended + usage.pause_between_requests));
        // A timer takes up to a millisecond even if its time is over.
        if due > Instant::now() {
            sleep_until(due).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::device::Protocol;

    #[tokio::test(start_paused = true)]
    async fn requests_wait_for_their_pauses_and_for_nothing_else() {
        let second = Duration::from_secs(1);
        let usage = ConnectionUsage {
            pause_after_connect: 5 * second,
            pause_between_requests: second,
            ..ConnectionUsage::default()
        };
        let started = Instant::now();
        let mut pacing = RequestPacing::opened_now();
        pacing.wait(ConnectionUsage::default()).await;
        assert_eq!(started.elapsed(), Duration::ZERO);
        pacing.wait(usage).await;
        assert_eq!(started.elapsed(), 5 * second);
        pacing.record_end();
        pacing.wait(usage).await;
        assert_eq!(started.elapsed(), 6 * second);
        tokio::time::advance(second).await;
        pacing.wait(usage).await;
        assert_eq!(started.elapsed(), 7 * second, "the pause was over");
    }

    #[test]
    fn settings_are_seconds_within_bounds() {
        let mut spec = DeviceSpec::new("plc", Protocol::Modbus);
        assert_eq!(ConnectionUsage::from_spec(&spec).unwrap(), ConnectionUsage::default());
        for (name, value, problem) in [
            ("pause_after_connect", json!(60), None),
            ("pause_between_requests", json!(0.1), None),
            ("pause_after_connect", json!(60.5), Some("60.5 is not a number of seconds from 0 to 60.")),
            ("pause_between_requests", json!(-1), Some("-1 is not a number of seconds from 0 to 10.")),
            ("pause_between_requests", json!("1s"), Some("\"1s\" is not a number of seconds from 0 to 10.")),
        ] {
            spec.metadata = [(name.to_owned(), value.clone())].into_iter().collect();
            let found = ConnectionUsage::from_spec(&spec).map_err(|error| error.fields[0].clone());
            match problem {
                None => assert!(found.is_ok_and(|usage| usage.longest_pause() > Duration::ZERO), "{value}"),
                Some(message) => {
                    let error = found.unwrap_err();
                    assert_eq!((&*error.field, &*error.message), (name, message));
                }
            }
        }
    }
}
