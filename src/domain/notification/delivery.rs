//! Deliveries: one notification by one channel, and the retry of a failed one (of a webhook or an e-mail over SMTP).
//!
//! A delivery is made at least once. It is PENDING from the transaction that fires or resolves its alert until an attempt succeeds
//! (SENT) or the last one has failed (FAILED). An attempt that was cut short, by a crash or a shutdown, is made again, so
//! that a receiver may get the same delivery twice: it has the same id then.

use uuid::Uuid;

use crate::domain::named_enum::named_enum;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{EventId, Micros, OrgId};

/// Time after each failed attempt until the next, seconds. After the last one the delivery has failed.
const RETRY_AFTER_S: [i64; 3] = [1, 5, 30];
/// Seconds before each further attempt while the receiver puts the delivery off: mail servers take nothing of a sender that is new to
/// them for some minutes.
const RETRY_DEFERRED_AFTER_S: [i64; 3] = [1, 120, 300];
/// Longest time that a receiver can ask for before the next attempt, seconds.
const MAX_RETRY_AFTER_S: u64 = 3600;
/// Most attempts of a delivery.
pub const MAX_ATTEMPTS: u32 = 1 + RETRY_AFTER_S.len() as u32;
/// Most characters of the reason of a failure.
pub const MAX_REASON: usize = 500;

named_enum! {
    /// State of a delivery.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum DeliveryStatus {
        /// It waits for its next attempt.
        Pending = "PENDING",
        /// The receiver took it.
        Sent = "SENT",
        /// No further attempt is made.
        Failed = "FAILED",
    }
}

impl DeliveryStatus {
    /// The state of a name.
    pub fn named(name: &str) -> Option<DeliveryStatus> {
        DeliveryStatus::from_name(name)
    }
}

named_enum! {
    /// Event in the life of an alert that a delivery tells of.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum AlertNotice {
        /// The alert fired.
        Fired = "alert.fired",
        /// The alert was resolved, by its rule or by somebody.
        Resolved = "alert.resolved",
    }
}

impl AlertNotice {
    /// The notice of a name.
    pub fn named(name: &str) -> Option<AlertNotice> {
        AlertNotice::from_name(name)
    }
}

/// A notification by one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Id in APIs; the same in every attempt.
    pub id: Uuid,
    /// Organization of the alert.
    pub org: OrgId,
    /// The alert that it tells of.
    pub alert: EventId,
    /// Notice about the alert.
    pub notice: AlertNotice,
    /// The channel that it goes by.
    pub channel: Uuid,
    /// State.
    pub status: DeliveryStatus,
    /// Attempts made, the first counted.
    pub attempts: u32,
    /// Time from which the next attempt is made, if one is.
    pub next_attempt_at: Option<Micros>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// Time at which the receiver took it.
    pub sent_at: Option<Micros>,
    /// Time at which what it tells of was stored.
    pub created_at: Micros,
}

/// When a receiver asks to be tried again (RFC 9110, section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// After so many seconds.
    Seconds(u64),
    /// At a time.
    At(Micros),
}

impl RetryAfter {
    /// The time of the next attempt that is asked for, at most [`MAX_RETRY_AFTER_S`] from now.
    fn time(self, now: Micros) -> Micros {
        let latest = now.0.saturating_add(MAX_RETRY_AFTER_S as i64 * MICROS_PER_SECOND);
        match self {
            RetryAfter::Seconds(seconds) => {
                let seconds = seconds.min(MAX_RETRY_AFTER_S) as i64;
                Micros(now.0.saturating_add(seconds * MICROS_PER_SECOND))
            }
            RetryAfter::At(time) => Micros(time.0.min(latest)),
        }
    }
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// Reason of the failure; it names no secret and no part of a URL.
    pub reason: String,
    /// Whether a further attempt can succeed.
    pub is_temporary: bool,
    /// Whether the receiver puts the delivery off, so that further attempts are made over minutes.
    pub is_deferred: bool,
    /// When the receiver asks to be tried again.
    pub retry_after: Option<RetryAfter>,
}

impl DeliveryFailure {
    /// A failure that may be over soon.
    pub fn temporary(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_temporary: true, is_deferred: false, retry_after: None }
    }

    /// A failure that may be over in some minutes, as the receiver says.
    pub fn deferred(reason: impl Into<String>) -> Self {
        Self { is_deferred: true, ..Self::temporary(reason) }
    }

    /// A failure that stays until somebody changes a setting.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self { is_temporary: false, ..Self::temporary(reason) }
    }
}

impl Delivery {
    /// The delivery after an attempt that ended at `now`.
    pub fn after_attempt(self, result: Result<(), DeliveryFailure>, now: Micros) -> Delivery {
        let attempts = self.attempts.saturating_add(1);
        let failure = match result {
            Ok(()) => {
                let (status, sent_at) = (DeliveryStatus::Sent, Some(now));
                return Delivery { attempts, status, sent_at, next_attempt_at: None, error: None, ..self };
            }
            Err(failure) => failure,
        };
        let earliest = failure.retry_after.map_or(now, |retry_after| retry_after.time(now));
        let waits_s = if failure.is_deferred { RETRY_DEFERRED_AFTER_S } else { RETRY_AFTER_S };
        let next_attempt_at = next_attempt(&waits_s, attempts, now).filter(|_| failure.is_temporary);
        let next_attempt_at = next_attempt_at.map(|at| at.max(earliest));
        let status = if next_attempt_at.is_some() { DeliveryStatus::Pending } else { DeliveryStatus::Failed };
        Delivery { attempts, status, next_attempt_at, error: Some(one_line(&failure.reason)), ..self }
    }
}

/// Time of the attempt that follows `attempts` failed ones, the last of which ended at `now`; `None` when there is none.
fn next_attempt(waits_s: &[i64], attempts: u32, now: Micros) -> Option<Micros> {
    let failed = usize::try_from(attempts).ok()?.checked_sub(1)?;
    let wait_s = waits_s.get(failed)?;
    Some(Micros(now.0.saturating_add(wait_s * MICROS_PER_SECOND)))
}

/// A reason in one line of bounded length: parts of it may come from another machine.
fn one_line(reason: &str) -> String {
    let plain = reason.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(MAX_REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery() -> Delivery {
        Delivery {
            id: Uuid::nil(),
            org: OrgId(1),
            alert: EventId(1),
            notice: AlertNotice::Fired,
            channel: Uuid::nil(),
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: Some(Micros(0)),
            error: None,
            sent_at: None,
            created_at: Micros(0),
        }
    }

    #[test]
    fn it_is_tried_again_after_one_five_and_thirty_seconds_and_then_it_has_failed() {
        let (mut now, mut one) = (Micros(0), delivery());
        for (attempt, wait_s) in [(1, Some(1)), (2, Some(5)), (3, Some(30)), (4, None)] {
            now = Micros(now.0 + 100);
            one = one.after_attempt(Err(DeliveryFailure::temporary("answered 500")), now);
            assert_eq!((one.attempts, one.error.as_deref()), (attempt, Some("answered 500")));
            let next = wait_s.map(|wait: i64| Micros(now.0 + wait * MICROS_PER_SECOND));
            assert_eq!(one.next_attempt_at, next, "attempt {attempt}");
            let status = if wait_s.is_some() { DeliveryStatus::Pending } else { DeliveryStatus::Failed };
            assert_eq!((one.status, one.sent_at), (status, None));
        }
        assert_eq!(one.attempts, MAX_ATTEMPTS);
    }

    #[test]
    fn what_a_receiver_puts_off_is_tried_again_over_minutes() {
        let (mut now, mut one, mut times) = (Micros(0), delivery(), Vec::new());
        while let Some(at) = one.next_attempt_at {
            times.push(at.0 / MICROS_PER_SECOND);
            now = now.max(at);
            one = one.after_attempt(Err(DeliveryFailure::deferred("answered 451")), now);
        }
        assert_eq!((times.as_slice(), one.status), ([0, 1, 121, 421].as_slice(), DeliveryStatus::Failed));
    }

    #[test]
    fn a_receiver_that_asks_for_more_time_gets_it_up_to_an_hour() {
        for (asked_s, wait_s) in [(0, 1), (1, 1), (90, 90), (86_400, 3600), (i64::MAX, 3600)] {
            let at = Micros(asked_s.saturating_mul(MICROS_PER_SECOND).saturating_add(7));
            for asked in [RetryAfter::Seconds(asked_s as u64), RetryAfter::At(at)] {
                let retry_after = Some(asked);
                let failure = DeliveryFailure { retry_after, ..DeliveryFailure::temporary("answered 503") };
                let next = delivery().after_attempt(Err(failure), Micros(7)).next_attempt_at;
                assert_eq!(next, Some(Micros(7 + wait_s * MICROS_PER_SECOND)), "{asked:?}");
            }
        }
    }

    #[test]
    fn a_success_forgets_the_failures_before() {
        let failed = delivery().after_attempt(Err(DeliveryFailure::temporary("timed out")), Micros(5));
        let sent = failed.after_attempt(Ok(()), Micros(9));
        let expected = Delivery {
            status: DeliveryStatus::Sent,
            attempts: 2,
            next_attempt_at: None,
            sent_at: Some(Micros(9)),
            ..delivery()
        };
        assert_eq!(sent, expected);
    }

    #[test]
    fn what_cannot_succeed_is_tried_once_and_reasons_are_short_lines() {
        let reason = format!("no\r\n{}", "x".repeat(1000));
        let failed = delivery().after_attempt(Err(DeliveryFailure::permanent(reason)), Micros(5));
        assert_eq!((failed.status, failed.attempts), (DeliveryStatus::Failed, 1));
        let shown = failed.error.unwrap();
        assert!(shown.starts_with("no  x") && shown.chars().count() == MAX_REASON, "{shown}");
        assert_eq!(next_attempt(&RETRY_AFTER_S, 0, Micros(1)), None);
    }
}
