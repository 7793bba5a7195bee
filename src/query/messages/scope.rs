//! Scope of one request about messages: devices, their streams, times, and the snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::message::query::MessageFilter;
use crate::domain::min_max::MinMax;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Result};
use crate::query::context::QueryContext;
use crate::query::error::from_datafusion;
use crate::query::org_streams::MessageStreams;
use crate::store::message_counts::keys::{KeySource, StreamDevices};
use crate::store::snapshot::Snapshot;

/// The visible part of a snapshot.
pub struct MessageScope {
    pub query_context: QueryContext,
    /// Ids of the devices, ascending.
    pub devices: Arc<[i32]>,
    /// The streams whose readings make messages, each from the start of its retention.
    streams: Arc<MessageStreams>,
    /// Both inclusive, microseconds.
    pub ts: MinMax<i64>,
    pub derives: bool,
    /// Whether kept counts may be used: they count all streams of a device.
    pub uses_kept_counts: bool,
    /// Whether it has every device and stream of the organization.
    pub is_whole_org: bool,
}

impl MessageScope {
    /// Looks up devices and streams. With `sensor`, only streams of that name make messages.
    pub fn new(query_context: QueryContext, filter: &MessageFilter, sensor: Option<&str>) -> Self {
        let (devices, is_all) = match &filter.devices {
            None => (query_context.own_devices(), true),
            Some(wanted) => (own_among(&query_context, wanted), false),
        };
        let kept =
            if is_all && filter.derives && sensor.is_none() { query_context.org_streams() } else { None };
        let is_whole_org = kept.is_some();
        let streams =
            kept.unwrap_or_else(|| Arc::new(find_streams(&query_context, &devices, filter.derives, sensor)));
        let ts = MinMax::new(filter.from.map_or(i64::MIN, |ts| ts.0), filter.to.map_or(i64::MAX, |ts| ts.0));
        let (devices, uses_kept_counts) = (devices.into(), sensor.is_none());
        Self { query_context, devices, streams, ts, derives: filter.derives, uses_kept_counts, is_whole_org }
    }

    /// Returns the devices of the streams whose readings make messages.
    pub fn streams(&self) -> &StreamDevices {
        &self.streams.devices
    }

    /// Returns a stream whose readings make messages.
    pub fn stream(&self, id: i32) -> Option<&Arc<Stream>> {
        self.streams.by_id.get(&id)
    }

    /// Returns the snapshot that the request has pinned, of which the scope is a part.
    pub fn snapshot(&self) -> &Snapshot {
        &self.query_context.snapshot
    }

    /// Returns a source of the keys of readings and messages in lake and memory.
    pub fn keys(&self) -> KeySource<'_> {
        KeySource::of_snapshot(&self.query_context.snapshot)
    }

    /// Fails when the request is over its time or nobody waits for it.
    ///
    /// # Errors
    /// `Timeout`.
    pub fn check(&self) -> Result<()> {
        self.query_context.tracker.interrupt.check().map_err(from_datafusion)
    }
}

/// Returns those of the wanted devices that the principal sees completely, ascending.
fn own_among(query_context: &QueryContext, wanted: &[DeviceId]) -> Vec<i32> {
    let is_own = |id: DeviceId| {
        let device = query_context.catalog().devices.device(&query_context.principal, id);
        device.is_ok_and(|device| query_context.principal.owns_device(device.org, id))
    };
    let own: BTreeSet<i32> = wanted.iter().filter(|id| is_own(**id)).map(|id| id.0).collect();
    own.into_iter().collect()
}

fn find_streams(
    query_context: &QueryContext,
    devices: &[i32],
    derives: bool,
    sensor: Option<&str>,
) -> MessageStreams {
    let devices: Vec<DeviceId> = devices.iter().copied().map(DeviceId).collect();
    let mut streams = match derives {
        true => query_context.catalog().streams.streams_of_devices(&query_context.principal, &devices),
        false => Vec::new(),
    };
    streams.retain(|stream| sensor.is_none_or(|name| stream.spec.name == name));
    MessageStreams::new(streams, &query_context.snapshot.retention_bounds.visible_from)
}
