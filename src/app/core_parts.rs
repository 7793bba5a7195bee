//! The parts that the services of the application share.

use std::sync::Arc;

use super::collector_ports::CollectorStates;
use crate::domain::Clock;
use crate::query::Engine;
use crate::store::Store;

/// Shared parts of an application. A service keeps those that it needs.
pub struct CoreParts {
    pub store: Arc<Store>,
    pub engine: Arc<Engine>,
    pub clock: Arc<dyn Clock>,
    /// Must be the one that `engine` uses, so that SQL and REST show the same status of a device.
    pub states: CollectorStates,
}
