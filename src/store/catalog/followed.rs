//! What somebody follows: the streams wanted, as far as they are seen, at this moment.

use std::collections::BTreeSet;

use super::Catalog;
use crate::domain::live::{Wanted, WantedEvents};
use crate::domain::{DeviceId, Error, FieldError, GroupId, Principal, Result, StreamId};

impl Catalog {
    /// Counts the changes of what `followed` and `kept` answer.
    pub fn revision(&self) -> u64 {
        self.mirror.read().revision()
    }

    /// The streams wanted that are seen, and the revision of which that is true. Devices and groups stand for the
    /// streams they have now.
    pub fn followed(&self, who: &Principal, wanted: &Wanted) -> (u64, BTreeSet<StreamId>) {
        let sight = self.sight(who);
        let revision = sight.mirror.revision();
        if wanted.is_everything() {
            return (revision, sight.stream_ids().into_iter().collect());
        }
        let mut streams: BTreeSet<StreamId> = wanted.streams.iter().flatten().copied().collect();
        let devices = wanted.devices.iter().flatten();
        streams.extend(devices.flat_map(|device| sight.mirror.streams().ids_of(*device)));
        let groups = wanted.groups.iter().flatten();
        streams.extend(groups.flat_map(|group| sight.mirror.members(*group)));
        streams.retain(|id| sight.stream(*id).is_ok());
        (revision, streams)
    }

    /// Fails naming everything wanted that is absent or not seen.
    pub fn check_wanted(&self, who: &Principal, wanted: &Wanted) -> Result<()> {
        let sight = self.sight(who);
        let streams = wanted.streams.iter().flatten().filter(|id: &&StreamId| sight.stream(**id).is_err());
        let devices = wanted.devices.iter().flatten().filter(|id: &&DeviceId| sight.device(**id).is_err());
        let groups = wanted.groups.iter().flatten().filter(|id: &&GroupId| sight.group(**id).is_err());
        let problems = streams
            .map(|id| absent("streams", "stream", id.0))
            .chain(devices.map(|id| absent("devices", "device", id.0)))
            .chain(groups.map(|id| absent("groups", "group", id.0)));
        Error::check(problems.collect())
    }

    /// Fails naming the device or the stream whose events are wanted when it is absent or not seen: to be told of its events
    /// is to be told that they are its.
    pub fn check_wanted_events(&self, who: &Principal, wanted: &WantedEvents) -> Result<()> {
        let sight = self.sight(who);
        let device = wanted.device.filter(|id| sight.device(*id).is_err());
        let stream = wanted.stream.filter(|id| sight.stream(*id).is_err());
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
