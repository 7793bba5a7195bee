//! Resolution of subscription filters to the visible streams at this moment.

use std::collections::BTreeSet;

use super::StreamCatalog;
use crate::domain::subscription::{EventSubscriptionFilter, SubscriptionFilter};
use crate::domain::{DeviceId, Error, FieldError, GroupId, Principal, Result, StreamId};

impl StreamCatalog {
    /// Revision number that grows with every change of what `subscribed_streams` and `retention_bounds` return.
    pub fn revision(&self) -> u64 {
        self.core.mirror.read().revision()
    }

    /// The visible streams that pass the filter, and the revision for which this holds. Devices and groups stand for
    /// their current streams.
    pub fn subscribed_streams(
        &self,
        who: &Principal,
        wanted: &SubscriptionFilter,
    ) -> (u64, BTreeSet<StreamId>) {
        let visible = self.core.visible_to(who);
        let revision = visible.mirror.revision();
        if wanted.matches_all() {
            return (revision, visible.stream_ids().into_iter().collect());
        }
        let mut streams: BTreeSet<StreamId> = wanted.streams.iter().flatten().copied().collect();
        let devices = wanted.devices.iter().flatten();
        streams.extend(devices.flat_map(|device| visible.mirror.streams().ids_of(*device)));
        let groups = wanted.groups.iter().flatten();
        streams.extend(groups.flat_map(|group| visible.mirror.members(*group)));
        streams.retain(|id| visible.stream(*id).is_ok());
        (revision, streams)
    }

    /// Fails with `Invalid`, naming every id that is absent or not visible.
    pub fn check_subscription(&self, who: &Principal, wanted: &SubscriptionFilter) -> Result<()> {
        let visible = self.core.visible_to(who);
        let streams = wanted.streams.iter().flatten().filter(|id: &&StreamId| visible.stream(**id).is_err());
        let devices = wanted.devices.iter().flatten().filter(|id: &&DeviceId| visible.device(**id).is_err());
        let groups = wanted.groups.iter().flatten().filter(|id: &&GroupId| visible.group(**id).is_err());
        let problems = streams
            .map(|id| absent("streams", "stream", id.0))
            .chain(devices.map(|id| absent("devices", "device", id.0)))
            .chain(groups.map(|id| absent("groups", "group", id.0)));
        Error::check(problems.collect())
    }

    /// Fails with `Invalid`, naming the device or stream when it is absent or not visible: its events would reveal
    /// that they belong to it.
    pub fn check_event_subscription(&self, who: &Principal, wanted: &EventSubscriptionFilter) -> Result<()> {
        let visible = self.core.visible_to(who);
        let device = wanted.device.filter(|id| visible.device(*id).is_err());
        let stream = wanted.stream.filter(|id| visible.stream(*id).is_err());
        let problems = device
            .map(|id| absent("device", "device", id.0))
            .into_iter()
            .chain(stream.map(|id| absent("stream", "stream", id.0)));
        Error::check(problems.collect())
    }
}

fn absent(field: &'static str, noun: &str, id: i32) -> FieldError {
    FieldError::new(field, format!("there is no {noun} {id}"))
}
