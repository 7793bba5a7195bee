//! Imports of past values of one datastream.

use std::time::Duration;

use serde_json::Value;

use super::{Blynk, require_with_view, value, value_mismatch};
use crate::app::session::later;
use crate::app::token::ClientAccess;
use crate::domain::client::Permission;
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::{DeviceId, Error, Micros, Result};

/// How far in the future a value may lie: a month.
const MAX_FUTURE: Duration = Duration::from_secs(31 * 86_400);

/// A value with its time.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportPoint {
    /// Milliseconds since 1970, above zero.
    pub ts_ms: i64,
    pub value: Value,
}

/// Past values of a datastream.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    pub device: DeviceId,
    /// Id of the datastream, which is its channel.
    pub datastream: i32,
    pub points: Vec<ImportPoint>,
}

impl Blynk {
    /// Stores past values; a value replaces one of the same time. Values too far in the future are skipped, and so are
    /// values so old that they would be removed at once. Devices are not told, and alert rules do not evaluate them.
    ///
    /// # Errors
    /// `Forbidden` naming the permission; `NotFound` for a device or a datastream that the token does not see; `Invalid`
    /// for a value that the datastream does not take; `Throttled` beyond the imports of a device; as `Store::write`.
    /// Nothing is stored then.
    pub async fn import(&self, access: &ClientAccess, import: Import) -> Result<()> {
        require_with_view(access, Permission::OrgDeviceDataImport)?;
        let device = self.visible_device(access, import.device)?;
        let stream = self.visible_datastream(access, &device, import.datastream)?;
        let now = self.clock.now();
        let newest = later(now, MAX_FUTURE).min(self.store.newest_writable());
        let oldest = self.store.oldest_writable(stream.id);
        let mut rows = Readings::with_capacity(import.points.len());
        for ImportPoint { ts_ms, value } in import.points {
            let (value, text) = value::parse(&stream.spec, &value).ok_or_else(value_mismatch)?;
            let ts = Micros(ts_ms.saturating_mul(1000));
            if (oldest..=newest).contains(&ts) {
                rows.push(Reading { stream: stream.id, ts, value, text, quality: Quality::Good });
            }
        }
        let counted = self.imports.lock().try_acquire(&device.id, now);
        counted.map_err(Error::throttled)?;
        if !rows.is_empty() {
            self.store.import(&access.principal, rows).await?;
        }
        Ok(())
    }
}
