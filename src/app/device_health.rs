//! Health of devices: the reports that they send, the newest and those of a range.
//!
//! Reports are kept beside the readings of their device, with their durability and backups, for 30 days.

use std::sync::Arc;

use futures::TryStreamExt;

use super::readings::SensorReadings;
use super::readings::list::PageQuery;
use crate::domain::companion::Companion;
use crate::domain::device_health::{HealthReport, KEPT_S};
use crate::domain::policy::PolicyTable;
use crate::domain::reading::{Quality, Reading, Readings};
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Error, Kind, Principal, Resource, Result, Scope};
use crate::query::list_query::ListQuery;
use crate::query::readings_list::ValuesQuery;

impl SensorReadings {
    /// Stores a health report of a device; one of the same time is replaced.
    ///
    /// # Errors
    /// `Forbidden` without the scope `value:write`; `NotFound` for a device that the principal may not change; `Invalid`
    /// naming the wrong members; `LimitReached` beyond the organization's streams; as `Store::write`.
    pub async fn report_health(&self, principal: &Principal, id: DeviceId, payload: &[u8]) -> Result<()> {
        principal.require(Scope::write(Resource::Value))?;
        let device = self.store.catalog().devices.device(principal, id)?;
        if !principal.owns_device(device.org, id) {
            return Err(Error::hidden());
        }
        let report = HealthReport::parse(payload, self.clock.now())?;
        let stream = self.health_stream_or_new(principal, id).await?;
        let text = Some(report.to_text().into());
        let quality = Quality::Good;
        let reading = Reading { stream: stream.id, ts: report.ts, value: None, text, quality };
        self.store.write(principal, [reading].into_iter().collect()).await.map(drop)
    }

    /// Returns the newest report of a device; `None` before the first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound` for a device that is not visible.
    pub fn device_health(&self, principal: &Principal, id: DeviceId) -> Result<Option<HealthReport>> {
        let Some(stream) = self.health_stream(principal, id)? else { return Ok(None) };
        let newest = self.store.latest(principal, stream.id).and_then(|latest| latest.valued);
        Ok(newest.and_then(|reading| as_report(&reading)))
    }

    /// Returns a page of the reports of a range, and the number of all of them.
    ///
    /// # Errors
    /// The errors of [`SensorReadings::device_health`]; `Busy` or `Timeout` for the limits of queries.
    pub async fn device_health_history(
        &self,
        principal: &Principal,
        id: DeviceId,
        query: PageQuery,
    ) -> Result<(Vec<HealthReport>, u64)> {
        let Some(stream) = self.health_stream(principal, id)? else { return Ok((Vec::new(), 0)) };
        let PageQuery { span, newest_first, offset, limit } = query;
        let total = self.count_within(principal, &[stream.id], span).await?;
        let list = ListQuery {
            streams: Some(vec![stream.id]),
            from: Some(span.from),
            to: Some(span.last()),
            newest_first,
            offset,
            limit: Some(limit),
        };
        let rows = self.engine.values(principal, ValuesQuery { list, include_bad: false }).await?;
        let rows: Vec<Readings> = rows.try_collect().await?;
        let reports = rows.iter().flat_map(Readings::iter).filter_map(|reading| as_report(&reading));
        Ok((reports.collect(), total))
    }

    fn health_stream(&self, principal: &Principal, id: DeviceId) -> Result<Option<Arc<Stream>>> {
        principal.require(Scope::read(Resource::Device))?;
        let catalog = self.store.catalog();
        catalog.devices.device(principal, id)?;
        let stream = catalog.streams.stream_of_device(principal, id, &Companion::health_name()).ok();
        Ok(stream.filter(|stream| Companion::of(&stream.spec) == Some(Companion::Health)))
    }

    async fn health_stream_or_new(&self, principal: &Principal, id: DeviceId) -> Result<Arc<Stream>> {
        let (catalog, name) = (self.store.catalog(), Companion::health_name());
        if let Ok(stream) = catalog.streams.stream_of_device(principal, id, &name) {
            return match Companion::of(&stream.spec) {
                Some(Companion::Health) => Ok(stream),
                _ => Err(Error::conflict(format!("the device has a stream `{name}` of its own"))),
            };
        }
        match catalog.streams.create_stream(principal, Companion::Health.spec(name.clone(), id)).await {
            Ok(stream) => {
                self.states.tell_collectors(id);
                catalog
                    .retention
                    .set_policy(principal, PolicyTable::Readings, Some(stream.id), KEPT_S)
                    .await?;
                Ok(stream)
            }
            // Another report may have created it meanwhile.
            Err(error) if error.kind == Kind::Invalid => {
                catalog.streams.stream_of_device(principal, id, &name).map_err(|_| error)
            }
            Err(error) => Err(error),
        }
    }
}

fn as_report(reading: &Reading) -> Option<HealthReport> {
    HealthReport::from_text(reading.ts, reading.text.as_deref()?)
}
