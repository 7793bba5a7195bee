//! Notifications about alerts: their channels, and the deliveries that the server makes.
//!
//! The transaction that fires an alert also stores its deliveries (an outbox), so none is lost or made up by a crash.
//! `worker.rs` makes them, apart from the evaluation of rules, which waits for nothing here.

pub mod channels;
pub mod counters;
mod delivery_slots;
mod message;
mod transport;
mod worker;

use std::sync::Arc;

use self::counters::NotificationCounters;
use crate::app::audit::AuditLog;
use crate::app::core_parts::CoreParts;
use crate::app::document::Documents;
use crate::app::org_permits::OrgPermits;
use crate::domain::Clock;
use crate::domain::notification::SmtpSettings;
use crate::fetch::Fetcher;
use crate::fetch::mailer::Mailer;
use crate::store::Store;

/// Tests of channels that an organization runs at once, each with one attempt.
const MAX_TESTS_OF_ORG: usize = 4;

/// Notification channels, and the deliveries that are made by them.
pub struct Notifications {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    pub(in crate::app) documents: Arc<Documents>,
    audit: Arc<AuditLog>,
    mailer: Mailer,
    fetcher: Arc<Fetcher>,
    pub(super) counters: NotificationCounters,
    /// Channels that are being tested.
    tests: OrgPermits,
}

impl Notifications {
    pub(super) fn new(
        parts: &CoreParts,
        (documents, audit): (Arc<Documents>, Arc<AuditLog>),
        smtp: &SmtpSettings,
        fetcher: Arc<Fetcher>,
    ) -> Self {
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            documents,
            audit,
            mailer: Mailer::new(smtp.clone()),
            fetcher,
            counters: NotificationCounters::default(),
            tests: OrgPermits::new(
                usize::MAX,
                MAX_TESTS_OF_ORG,
                "too many channels are being tested; retry later",
            ),
        }
    }
}
