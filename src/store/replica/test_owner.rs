//! The owner of a lake as tests of its tails need it: a memtable, and in place of log and files what was written.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::cached_tail::CachedTail;
use super::{OrgSources, OrgTail};
use crate::domain::cluster::KnownTail;
use crate::domain::message::{MessageFormat, StoredMessage, message_id};
use crate::domain::reading::Reading;
use crate::domain::time::MICROS_PER_DAY;
use crate::domain::{DeviceId, Micros, OrgId, StreamId};
use crate::store::lake::LakeVersion;
use crate::store::memtable::run::{Run, normalize};
use crate::store::message_rows;
use crate::store::state::{LoadedTables, SharedState};
use crate::store::statistics::invalidations::Invalidations;
use crate::store::statistics::materialization::Materialization;
use crate::store::table::PerTable;
use crate::store::upsert_rows::UpsertRows;

/// Streams and devices with an odd id are of the first, the others of the second.
pub const ORGS: [OrgId; 2] = [OrgId(1), OrgId(2)];

/// Rows that one request writes: readings as stream, day and time of the day; messages as device and time.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub readings: Vec<(i32, i64, i64)>,
    pub messages: Vec<(i32, i64)>,
}

impl Request {
    /// The readings, whose values are all different.
    fn run(&self, seq: u64) -> Run {
        let reading = |(row, (stream, day, at)): (usize, &(i32, i64, i64))| {
            let value = seq as f64 + row as f64 / 1e4;
            let reading = Reading::good(StreamId(*stream), Micros(day * MICROS_PER_DAY + at), value);
            let text = (*stream == 1).then(|| format!("state {value}").into());
            Reading { text, ..reading }
        };
        Run::new(normalize(self.readings.iter().enumerate().map(reading).collect()), seq)
    }

    fn upserts(&self, seq: u64) -> Option<UpsertRows> {
        let message = |(device, at): &(i32, i64)| StoredMessage {
            uuid: message_id::stored(DeviceId(*device), Micros(*at), 0, 7),
            device: DeviceId(*device),
            ts: Micros(*at),
            received_at: Micros(*at),
            status: "ONLINE".to_owned(),
            payload: format!("{{\"seq\": {seq}}}"),
            format: MessageFormat::Document,
            principal: String::new(),
            client: String::new(),
            sensor_count: 0,
        };
        let messages: Vec<StoredMessage> = self.messages.iter().map(message).collect();
        (!messages.is_empty()).then(|| message_rows::rows(&messages).with_seq(seq))
    }
}

/// The owner of a lake.
pub struct TestOwner {
    pub state: SharedState,
    starts: u128,
    log: Vec<Request>,
    /// The seq of the last reading of each key that was written.
    pub written: Seqs,
    /// The seq of the last reading of each key that was flushed.
    pub lake: Seqs,
    flushed: u64,
    version: u64,
}

/// Seqs of readings by key.
pub type Seqs = BTreeMap<(i32, i64), i64>;

/// Returns the keys of readings with their seqs.
pub fn seqs(run: &Run) -> impl Iterator<Item = ((i32, i64), i64)> {
    (0..run.len()).map(move |row| (run.key(row), run.seq[row]))
}

fn opened_state(version: u64, flushed: u64) -> SharedState {
    let lakes = PerTable::new(|_| LakeVersion::new(version, Vec::new()));
    let none = Materialization::default;
    SharedState::new(LoadedTables { lakes, flushed, computed: none(), hours: none() })
}

impl TestOwner {
    /// An owner without rows.
    pub fn new() -> Self {
        let (written, lake) = (Seqs::new(), Seqs::new());
        TestOwner {
            state: opened_state(1, 0),
            starts: 1,
            log: Vec::new(),
            written,
            lake,
            flushed: 0,
            version: 1,
        }
    }

    /// Makes requests durable together.
    pub fn write(&mut self, group: &[Request]) {
        let first = self.log.len() as u64 + 1;
        let runs: Vec<(Run, u64)> =
            (first..).zip(group).map(|(seq, request)| (request.run(seq), seq)).collect();
        runs.iter().for_each(|(run, _)| self.written.extend(seqs(run)));
        let upserts = (first..).zip(group).filter_map(|(seq, request)| request.upserts(seq)).collect();
        self.state.insert(runs, upserts);
        self.log.extend_from_slice(group);
    }

    /// Begins a flush unless one is under way.
    pub fn freeze(&self) {
        if self.state.frozen().is_none() {
            self.state.freeze();
        }
    }

    /// Ends the flush that is under way.
    pub fn finish_flush(&mut self) {
        let Some(frozen) = self.state.frozen() else { return };
        frozen.days.values().flatten().for_each(|run| self.lake.extend(seqs(run)));
        self.version += 1;
        self.flushed = frozen.last_seq;
        let lakes = PerTable::new(|_| Some(LakeVersion::new(self.version, Vec::new())));
        self.state.finish_flush(lakes, frozen.last_seq, Invalidations::default());
    }

    /// Starts again: what was not flushed comes from the log.
    pub fn restart(&mut self) {
        self.starts += 1;
        self.state = opened_state(self.version, self.flushed);
        for (seq, request) in (1..).zip(&self.log).filter(|(seq, _)| *seq > self.flushed) {
            self.state.insert(vec![(request.run(seq), seq)], Vec::from_iter(request.upserts(seq)));
        }
    }

    /// Answer to a query node that has a tail, or none.
    pub fn answer(&self, org: OrgId, known: Option<KnownTail>) -> OrgTail {
        let are_own = |ids: &[i32]| -> Vec<bool> { ids.iter().map(|id| is_of(org, *id)).collect() };
        let sources = OrgSources { streams: &are_own, devices: &are_own };
        OrgTail::select(self.state.pin(), Uuid::from_u128(self.starts), known, &sources)
    }

    /// The whole tail of an organization.
    pub fn whole(&self, org: OrgId) -> CachedTail {
        CachedTail::new(None, self.answer(org, None)).unwrap()
    }
}

/// Whether a stream or device is an organization's.
pub fn is_of(org: OrgId, id: i32) -> bool {
    org == ORGS[usize::from(id % 2 == 0)]
}
