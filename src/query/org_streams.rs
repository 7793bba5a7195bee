//! The streams of an organization, kept until the catalog changes: lists of messages need all of them with their devices, every scan
//! needs those that its principal sees, and looking ten thousand up for each request would take longer than the rest of it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use super::scan::row_security::VisibleStreams;
use crate::domain::retention::StreamStarts;
use crate::domain::stream::{Stream, StreamFilter};
use crate::domain::{OrgId, Principal};
use crate::store::catalog::StreamCatalog;
use crate::store::message_counts::keys::StreamDevices;

/// Organizations whose streams are kept. The one that was kept first makes room for another.
const MAX_ORGS: usize = 8;
/// Sets of visible streams that are kept of an organization, four bytes for each stream: with and without readings that have expired.
const SETS_OF_ORG: usize = 2;

/// Streams whose readings make messages.
#[derive(Debug, Default)]
pub struct MessageStreams {
    /// The device of each stream, and the time from which its readings count.
    pub devices: StreamDevices,
    /// The streams by id.
    pub by_id: HashMap<i32, Arc<Stream>>,
}

impl MessageStreams {
    /// Takes streams in any order, each once. Readings before the times in `from` do not count.
    pub fn new(streams: Vec<Arc<Stream>>, from: &StreamStarts) -> Self {
        let devices = streams.iter().map(|stream| (stream.id.0, stream.spec.device.0));
        let devices = StreamDevices::new(devices, from);
        Self { devices, by_id: streams.into_iter().map(|stream| (stream.id.0, stream)).collect() }
    }
}

/// The streams of the organizations that were asked about last.
#[derive(Debug, Default)]
pub struct OrgStreamsCache {
    kept: Mutex<VecDeque<CachedStreams>>,
    visible: Mutex<VecDeque<CachedVisible>>,
}

/// The streams of an organization as of one revision of the catalog.
#[derive(Debug)]
struct CachedStreams {
    org: OrgId,
    revision: u64,
    /// Kept alive: the cache compares by address, which must not be reused.
    from: Arc<StreamStarts>,
    streams: Arc<MessageStreams>,
}

/// The streams that a principal sees who sees all of its organization, as of one revision of the catalog.
#[derive(Debug)]
struct CachedVisible {
    org: OrgId,
    revision: u64,
    /// Kept alive, as above.
    from: Arc<StreamStarts>,
    streams: Arc<VisibleStreams>,
}

impl CachedVisible {
    fn is_current(&self, org: OrgId, revision: u64, from: &Arc<StreamStarts>) -> bool {
        let has_same_starts = Arc::ptr_eq(&self.from, from) || (self.from.is_empty() && from.is_empty());
        self.org == org && self.revision == revision && has_same_starts
    }
}

impl OrgStreamsCache {
    /// Returns the streams that a principal sees who sees all of its organization; `None` for any other.
    pub fn get(
        &self,
        catalog: &StreamCatalog,
        principal: &Principal,
        from: &Arc<StreamStarts>,
    ) -> Option<Arc<MessageStreams>> {
        if principal.is_restricted() {
            return None;
        }
        // Read before the streams: what changes meanwhile makes the next reader look again.
        let (org, revision) = (principal.org, catalog.revision());
        let is_current = |kept: &&CachedStreams| {
            kept.org == org && kept.revision == revision && Arc::ptr_eq(&kept.from, from)
        };
        if let Some(kept) = self.kept.lock().iter().find(is_current) {
            return Some(kept.streams.clone());
        }
        let found = catalog.streams(principal, &StreamFilter::default());
        let streams = Arc::new(MessageStreams::new(found, from));
        let mut kept = self.kept.lock();
        kept.retain(|other| other.org != org);
        if kept.len() >= MAX_ORGS {
            kept.pop_front();
        }
        kept.push_back(CachedStreams { org, revision, from: from.clone(), streams: streams.clone() });
        Some(streams)
    }

    /// Returns the streams that a principal sees, each from its time in `from` on. Those of a principal with lists are few, and are
    /// looked up each time.
    pub fn visible(
        &self,
        catalog: &StreamCatalog,
        principal: &Principal,
        from: &Arc<StreamStarts>,
    ) -> Arc<VisibleStreams> {
        // Read before the streams, as above.
        let (org, revision) = (principal.org, catalog.revision());
        let find = || Arc::new(VisibleStreams::new(catalog.visible_streams(principal)).with_retention(from));
        if principal.is_restricted() {
            return find();
        }
        if let Some(kept) = self.visible.lock().iter().find(|kept| kept.is_current(org, revision, from)) {
            return kept.streams.clone();
        }
        let streams = find();
        let mut kept = self.visible.lock();
        kept.retain(|other| other.org != org || other.revision == revision);
        if kept.iter().filter(|other| other.org == org).count() >= SETS_OF_ORG
            && let Some(oldest) = kept.iter().position(|other| other.org == org)
        {
            kept.remove(oldest);
        }
        if kept.len() >= MAX_ORGS * SETS_OF_ORG {
            kept.pop_front();
        }
        kept.push_back(CachedVisible { org, revision, from: from.clone(), streams: streams.clone() });
        streams
    }
}

#[cfg(test)]
#[path = "org_streams_tests.rs"]
mod tests;
