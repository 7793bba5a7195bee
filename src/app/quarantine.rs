//! Quarantined readings: listed, shown and removed by administrators.

use std::sync::Arc;

use uuid::Uuid;

use super::core_parts::CoreParts;
use crate::domain::quarantine::{KEPT_S, QuarantineFilter, QuarantineRecord};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Micros, Principal, Resource, Result, Scope};
use crate::store::Store;

/// A quarantined reading with the ids that it is shown with.
#[derive(Debug, Clone, PartialEq)]
pub struct QuarantinedReading {
    pub row: QuarantineRecord,
    /// UUID of the device.
    pub device: Option<Uuid>,
    /// UUID of the stream.
    pub sensor: Option<Uuid>,
}

/// Readings that were refused.
pub struct Quarantine {
    store: Arc<Store>,
}

impl Quarantine {
    pub(super) fn new(parts: &CoreParts) -> Self {
        Self { store: parts.store.clone() }
    }

    /// Returns a page of the quarantined readings that the principal sees, and the number of all that pass the filter.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:read`; `Unavailable`.
    pub async fn quarantined(
        &self,
        principal: &Principal,
        filter: &QuarantineFilter,
    ) -> Result<(Vec<QuarantinedReading>, u64)> {
        principal.require(Scope::read(Resource::Value))?;
        let catalog = self.store.catalog();
        let total = catalog.quarantine.count_quarantined(principal, filter).await?;
        let rows = catalog.quarantine.quarantined(principal, filter).await?;
        Ok((rows.into_iter().map(|row| self.with_uuids(principal, row)).collect(), total))
    }

    /// Returns a quarantined reading.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:read`; `NotFound`.
    pub async fn quarantined_reading(&self, principal: &Principal, uuid: Uuid) -> Result<QuarantinedReading> {
        principal.require(Scope::read(Resource::Value))?;
        let row = self.store.catalog().quarantine.quarantined_by_uuid(principal, uuid).await?;
        Ok(self.with_uuids(principal, row))
    }

    fn with_uuids(&self, principal: &Principal, row: QuarantineRecord) -> QuarantinedReading {
        let catalog = self.store.catalog();
        let device = row.entry.device.and_then(|id| catalog.devices.device(principal, id).ok());
        let sensor = row.entry.stream.and_then(|id| catalog.streams.stream(principal, id).ok());
        let device = device.map(|device| device.aliases.uuid);
        QuarantinedReading { device, sensor: sensor.map(|stream| stream.uuid), row }
    }

    /// Removes a quarantined reading.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:write`; `NotFound`.
    pub async fn delete_quarantined(&self, principal: &Principal, uuid: Uuid) -> Result<()> {
        principal.require(Scope::write(Resource::Value))?;
        self.store.catalog().quarantine.delete_quarantined(principal, uuid).await
    }

    /// Removes what has been in quarantine for its time.
    pub(super) async fn purge_quarantine(&self, now: Micros) -> Result<()> {
        let before = Micros(now.0.saturating_sub(KEPT_S * MICROS_PER_SECOND));
        self.store.catalog().quarantine.purge_quarantine(before).await
    }
}
