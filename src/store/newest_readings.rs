//! The current and the newest readings of streams, from the cache of latest values, for a principal.

use std::collections::HashMap;

use super::Store;
use super::current_reading::LatestReadings;
use crate::domain::reading::Reading;
use crate::domain::retention::RetentionBounds;
use crate::domain::{Micros, Principal, StreamId};

impl Store {
    /// Returns the current readings of a stream the principal sees, unless they have expired.
    pub fn latest(&self, principal: &Principal, stream: StreamId) -> Option<LatestReadings> {
        self.catalog.streams.stream(principal, stream).ok()?;
        self.latest_visible(&self.retention_bounds(), stream)
    }

    /// Same as `latest` for many streams; streams without readings are omitted.
    pub fn latest_of_many(
        &self,
        principal: &Principal,
        streams: &[StreamId],
    ) -> HashMap<StreamId, LatestReadings> {
        let seen = self.catalog.streams.streams_by_id(principal, streams);
        let kept = self.retention_bounds();
        seen.iter().filter_map(|stream| Some((stream.id, self.latest_visible(&kept, stream.id)?))).collect()
    }

    /// Returns the newest reading of a stream by its own time, of any quality, also when it is ahead of the clock: what lists
    /// by time begin with, except a list of one. It is often not the current one, which `latest` returns.
    pub fn newest_by_time(&self, principal: &Principal, stream: StreamId) -> Option<Reading> {
        self.catalog.streams.stream(principal, stream).ok()?;
        let oldest = self.oldest_writable(stream);
        self.latest_values.newest_by_time(stream).filter(|newest| newest.ts >= oldest)
    }

    /// Returns the current readings of many streams as of one moment, of any quality; streams without readings, and
    /// those that the principal does not see, are left out.
    pub fn newest_of_many(&self, principal: &Principal, streams: &[StreamId]) -> Vec<Reading> {
        let seen = self.catalog.streams.streams_by_id(principal, streams);
        let kept = self.retention_bounds();
        let oldest = |stream: StreamId| Micros(kept.visible_from.start_of(stream.0));
        let streams = seen.iter().map(|stream| stream.id);
        self.latest_values.newest_of_many(streams, self.clock().now(), oldest)
    }

    fn latest_visible(&self, kept: &RetentionBounds, stream: StreamId) -> Option<LatestReadings> {
        let oldest = Micros(kept.visible_from.start_of(stream.0));
        self.latest_values.get(stream, self.clock().now(), oldest)
    }
}
