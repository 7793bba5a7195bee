//! Notifications about alerts: their channels, and the deliveries that the server makes.
//!
//! The transaction that fires an alert also stores its deliveries (an outbox), so none is lost or made up by a crash.
//! `worker.rs` makes them, apart from the evaluation of rules, which waits for nothing here.

pub mod channels;
pub mod counters;
mod delivery_slots;
mod message;
mod test_slots;
mod transport;
mod worker;

use std::sync::Arc;

use self::counters::NotificationCounters;
use self::test_slots::TestSlots;
use crate::domain::notification::SmtpSettings;
use crate::fetch::Fetcher;
use crate::fetch::mailer::Mailer;

/// What notifications go out by.
pub(super) struct NotificationParts {
    mailer: Mailer,
    fetcher: Arc<Fetcher>,
    pub(super) counters: NotificationCounters,
    tests: TestSlots,
}

impl NotificationParts {
    pub(super) fn new(smtp: &SmtpSettings, fetcher: Arc<Fetcher>) -> Self {
        Self {
            mailer: Mailer::new(smtp.clone()),
            fetcher,
            counters: NotificationCounters::default(),
            tests: TestSlots::default(),
        }
    }
}
