//! Alert rules in the catalog, how far they are decided, and the alerts that they raise.

pub(super) mod lifecycle;
pub(super) mod notification;
pub(super) mod progress;
pub(super) mod rule;
pub(super) mod rule_index;

use std::sync::Arc;

use self::lifecycle::ClosedAlerts;
use super::catalog_core::CatalogCore;

/// Alert rules, how far they are decided, and the alerts that they raise.
pub struct AlertCatalog {
    core: Arc<CatalogCore>,
    /// Rules whose evaluation has to look at their open alert again.
    closed_alerts: ClosedAlerts,
}

impl AlertCatalog {
    pub(super) fn new(core: Arc<CatalogCore>, closed_alerts: ClosedAlerts) -> Self {
        Self { core, closed_alerts }
    }
}
