//! What one request about messages may see: devices, their streams, times, and the snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::message::query::MessageFilter;
use crate::domain::min_max::MinMax;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Result};
use crate::query::context::QueryContext;
use crate::query::error::from_datafusion;
use crate::store::message_counts::keys::{KeySource, StreamDevices};
use crate::store::snapshot::Snapshot;

/// The visible part of a snapshot.
pub struct MessageScope {
    pub view: QueryContext,
    /// Ids of the devices, ascending.
    pub devices: Arc<[i32]>,
    /// The streams whose readings make messages, each from the start of its retention.
    pub streams: StreamDevices,
    /// The same streams by id.
    pub by_id: HashMap<i32, Arc<Stream>>,
    /// Both inclusive, microseconds.
    pub ts: MinMax<i64>,
    pub derives: bool,
    /// Whether kept counts may be used: they count all streams of a device.
    pub uses_kept_counts: bool,
}

impl MessageScope {
    /// Looks up devices and streams. With `sensor`, only streams of that name make messages.
    pub fn new(view: QueryContext, filter: &MessageFilter, sensor: Option<&str>) -> Self {
        let mut devices: Vec<DeviceId> = match &filter.devices {
            None => view.own_devices().into_iter().map(DeviceId).collect(),
            Some(wanted) => wanted.clone(),
        };
        devices.sort_unstable();
        devices.dedup();
        devices.retain(|id| {
            let device = view.catalog().device(&view.principal, *id);
            device.is_ok_and(|device| view.principal.owns_device(device.org, *id))
        });
        let streams = match filter.derives {
            true => view.catalog().streams_of_devices(&view.principal, &devices),
            false => Vec::new(),
        };
        let wanted = streams.into_iter().filter(|stream| sensor.is_none_or(|name| stream.spec.name == name));
        let by_id: HashMap<i32, Arc<Stream>> = wanted.map(|stream| (stream.id.0, stream)).collect();
        let pairs = by_id.values().map(|stream| (stream.id.0, stream.spec.device.0));
        let streams = StreamDevices::new(pairs, &view.snapshot.retention_bounds.visible_from);
        let ts = MinMax::new(filter.from.map_or(i64::MIN, |ts| ts.0), filter.to.map_or(i64::MAX, |ts| ts.0));
        let devices = devices.into_iter().map(|id| id.0).collect();
        Self {
            view,
            devices,
            streams,
            by_id,
            ts,
            derives: filter.derives,
            uses_kept_counts: sensor.is_none(),
        }
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
        self.view.tally.interrupt.check().map_err(from_datafusion)
    }
}
