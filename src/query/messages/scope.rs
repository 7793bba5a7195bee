//! What one request about messages may see: devices, their streams, times, and the snapshot.

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
    pub view: QueryContext,
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
    pub fn new(view: QueryContext, filter: &MessageFilter, sensor: Option<&str>) -> Self {
        let (devices, is_all) = match &filter.devices {
            None => (view.own_devices(), true),
            Some(wanted) => (own_among(&view, wanted), false),
        };
        let kept = if is_all && filter.derives && sensor.is_none() { view.org_streams() } else { None };
        let is_whole_org = kept.is_some();
        let streams = kept.unwrap_or_else(|| Arc::new(find_streams(&view, &devices, filter.derives, sensor)));
        let ts = MinMax::new(filter.from.map_or(i64::MIN, |ts| ts.0), filter.to.map_or(i64::MAX, |ts| ts.0));
        let (devices, uses_kept_counts) = (devices.into(), sensor.is_none());
        Self { view, devices, streams, ts, derives: filter.derives, uses_kept_counts, is_whole_org }
    }

    /// Returns the devices of the streams whose readings make messages.
    pub fn streams(&self) -> &StreamDevices {
        &self.streams.devices
    }

    /// Returns a stream whose readings make messages.
    pub fn stream(&self, id: i32) -> Option<&Arc<Stream>> {
        self.streams.by_id.get(&id)
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.view.snapshot
    }

    pub fn keys(&self) -> KeySource<'_> {
        KeySource::of_snapshot(&self.view.snapshot)
    }

    /// Fails when the request is over its time or nobody waits for it.
    ///
    /// # Errors
    /// `Timeout`.
    pub fn check(&self) -> Result<()> {
        self.view.tracker.interrupt.check().map_err(from_datafusion)
    }
}

/// Returns those of the wanted devices that the principal sees completely, ascending.
fn own_among(view: &QueryContext, wanted: &[DeviceId]) -> Vec<i32> {
    let is_own = |id: DeviceId| {
        let device = view.catalog().device(&view.principal, id);
        device.is_ok_and(|device| view.principal.owns_device(device.org, id))
    };
    let own: BTreeSet<i32> = wanted.iter().filter(|id| is_own(**id)).map(|id| id.0).collect();
    own.into_iter().collect()
}

fn find_streams(view: &QueryContext, devices: &[i32], derives: bool, sensor: Option<&str>) -> MessageStreams {
    let devices: Vec<DeviceId> = devices.iter().copied().map(DeviceId).collect();
    let mut streams = match derives {
        true => view.catalog().streams_of_devices(&view.principal, &devices),
        false => Vec::new(),
    };
    streams.retain(|stream| sensor.is_none_or(|name| stream.spec.name == name));
    MessageStreams::new(streams, &view.snapshot.retention_bounds.visible_from)
}
