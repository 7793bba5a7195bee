//! Knowledge that a query node gets from the owner of a lake beside rows and versions.

use crate::domain::Micros;
use crate::domain::cluster::{CatalogMark, OwnerStates};
use crate::domain::reading::Reading;
use crate::store::memtable::run::Run;

/// Knowledge that only the owner of a lake has, at the moment of a snapshot.
#[derive(Debug, Clone)]
pub struct OwnerKnowledge {
    /// The newest reading of each stream of the organization, by stream; without rows unless it was asked for.
    pub newest: Option<Run>,
    /// States of devices and MQTT sessions; empty unless they were asked for.
    pub states: OwnerStates,
    /// Epoch that its commits name; `None` for a lake that it has not claimed.
    pub epoch: Option<i64>,
    /// The catalog by which the rows and the versions of the lake came about; `None` when the owner does not know.
    pub catalog: Option<CatalogMark>,
    /// The time by which rows expire, by its clock.
    pub expiry_time: Micros,
}

impl OwnerKnowledge {
    /// Returns the newest reading of a stream, of any quality.
    pub fn newest_reading(&self, stream: i32) -> Option<Reading> {
        let newest = self.newest.as_ref()?;
        let row = newest.stream.binary_search(&stream).ok()?;
        Some(newest.get(row))
    }
}
