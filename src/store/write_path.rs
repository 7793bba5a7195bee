//! The write path: admission, memory, the queue of the committing thread, acknowledgement.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::group_commit::PendingWrite;
use super::idempotency::{BeginOutcome, Claim};
use super::memtable;
use super::message_rows;
use super::throttle;
use super::upsert_rows::UpsertRows;
use super::wal::log::Payload;
use super::wal::{IdempotencyRecord, Record};
use super::write_validation::{self, AdmittedRows, RowProblem, WritableTimes};
use super::{Ack, ClaimOutcome, Store};
use crate::domain::message::StoredMessage;
use crate::domain::reading::Readings;
use crate::domain::retention::RetentionBounds;
use crate::domain::{Error, Micros, Principal, Result, StreamId};

/// Requests with this many rows are sorted and encoded on the bulk threads, so that other requests do not wait.
const BULK_REQUEST_ROWS: usize = 4096;

/// Content of a request for the queue.
#[derive(Default)]
struct WriteRequest {
    rows: Readings,
    keyed: Vec<UpsertRows>,
    claimed: Option<(Claim, IdempotencyRecord)>,
    is_import: bool,
}

impl Store {
    /// Writes rows atomically. Of rows in one request with equal (stream, ts) the later wins.
    ///
    /// # Errors
    /// `Invalid` naming rows; `TooLarge` past the memory cap; `Busy` when memory stays full past the deadline;
    /// `Unavailable` when the log cannot be written. On any error no row is acknowledged.
    pub async fn write(&self, principal: &Principal, rows: Readings) -> Result<Ack> {
        self.write_request(principal, WriteRequest { rows, ..WriteRequest::default() }).await
    }

    /// Writes rows that are history: they raise no alerts, and are current only when they are newer by time than what is.
    ///
    /// # Errors
    /// Same as `write`.
    pub async fn import(&self, principal: &Principal, rows: Readings) -> Result<Ack> {
        self.write_request(principal, WriteRequest { rows, is_import: true, ..WriteRequest::default() }).await
    }

    async fn write_request(&self, principal: &Principal, request: WriteRequest) -> Result<Ack> {
        let admitted = self.admit(principal, &request.rows)?;
        let (count, is_import) = (request.rows.len(), request.is_import);
        if count == 0 {
            return Ok(Ack { rows: 0, seq: 0 });
        }
        let acked = self.enqueue(request).await?;
        let seq = wait_for_ack(acked).await?;
        self.catalog.orgs.count_readings(principal.org, admitted.readings);
        if !is_import {
            self.last_contacts.record(&admitted.devices, self.clock().now());
        }
        Ok(Ack { rows: count, seq })
    }

    /// Upserts rows of the other tables atomically: a row replaces one with the same key.
    ///
    /// # Errors
    /// Same as `write`, naming streams or devices that the principal does not see.
    pub async fn upsert(&self, principal: &Principal, rows: UpsertRows) -> Result<Ack> {
        write_validation::check_upsert(&self.catalog, principal, &rows, &self.writable_times())?;
        let count = rows.len();
        let acked = self.enqueue(WriteRequest { keyed: vec![rows], ..WriteRequest::default() }).await?;
        Ok(Ack { rows: count, seq: wait_for_ack(acked).await? })
    }

    /// Writes messages together with the readings that are in them, all or none.
    ///
    /// # Errors
    /// The errors of `write` for the readings, and of `upsert` for the messages.
    pub async fn write_messages(
        &self,
        principal: &Principal,
        messages: &[StoredMessage],
        readings: Readings,
    ) -> Result<Ack> {
        let rows = message_rows::rows(messages);
        let admitted = self.admit(principal, &readings)?;
        write_validation::check_upsert(&self.catalog, principal, &rows, &self.writable_times())?;
        let count = rows.len() + readings.len();
        if count == 0 {
            return Ok(Ack { rows: 0, seq: 0 });
        }
        let request = WriteRequest { rows: readings, keyed: vec![rows], ..WriteRequest::default() };
        let acked = self.enqueue(request).await?;
        let seq = wait_for_ack(acked).await?;
        self.catalog.orgs.count_readings(principal.org, admitted.readings);
        self.last_contacts.record(&admitted.devices, self.clock().now());
        Ok(Ack { rows: count, seq })
    }

    /// Claims an idempotency key for a body, or returns the answer of the first request with it. `scope` identifies
    /// caller and route.
    ///
    /// # Errors
    /// `Conflict` when the key was used with another body; `Throttled` when this caller or its organization has too
    /// many live keys.
    pub async fn claim(&self, scope: &str, key: &str, body: &[u8]) -> Result<ClaimOutcome> {
        let hash = Sha256::digest(body).into();
        Ok(match self.idempotency.begin(scope, key, hash, self.clock().now()).await? {
            BeginOutcome::Replay(answer) => ClaimOutcome::Replay(answer),
            BeginOutcome::First(claim) => ClaimOutcome::First(claim),
        })
    }

    /// Writes rows under a claimed key, with the answer that every retry gets, even after a crash.
    ///
    /// # Errors
    /// Same as `write`; the key is free again then.
    pub async fn write_claimed(
        &self,
        principal: &Principal,
        rows: Readings,
        claim: Claim,
        answer: Vec<u8>,
    ) -> Result<()> {
        let admitted = self.admit(principal, &rows)?;
        let entry = claim.entry(answer, self.clock().now());
        let request = WriteRequest { rows, claimed: Some((claim, entry)), ..WriteRequest::default() };
        wait_for_ack(self.enqueue(request).await?).await?;
        self.catalog.orgs.count_readings(principal.org, admitted.readings);
        self.last_contacts.record(&admitted.devices, self.clock().now());
        Ok(())
    }

    /// Checks rows, and returns what they hold.
    fn admit(&self, principal: &Principal, rows: &Readings) -> Result<AdmittedRows> {
        write_validation::check(&self.catalog, principal, rows, &self.writable_times())
    }

    /// Returns the indexes of the rows that a write would refuse, each with the reason.
    pub fn row_problems(&self, principal: &Principal, rows: &Readings) -> Vec<(usize, RowProblem)> {
        write_validation::problems(&self.catalog, principal, rows, &self.writable_times(), usize::MAX).0
    }

    fn writable_times(&self) -> WritableTimes {
        let newest = Micros(self.clock().now().0.saturating_add(self.max_future_us));
        WritableTimes { newest, kept: self.retention_bounds() }
    }

    pub(super) fn retention_bounds(&self) -> Arc<RetentionBounds> {
        self.catalog.retention.retention_bounds(self.clock().now())
    }

    /// Fails once another server has taken the lake over: rows written here would never reach it.
    pub fn check_ownership(&self) -> Result<()> {
        self.tables.check_ownership()
    }

    /// Returns the epoch that the commits of this server name; `None` for a lake in the data directory, and where another
    /// process owns the lake.
    pub fn owner_epoch(&self) -> Option<i64> {
        self.tables.owner_epoch()
    }

    /// Reserves memory for a request and queues it for the committing thread.
    async fn enqueue(&self, request: WriteRequest) -> Result<oneshot::Receiver<Result<u64>>> {
        self.tables.check_ownership()?;
        let WriteRequest { rows, keyed, claimed, is_import } = request;
        let is_large = rows.len() >= BULK_REQUEST_ROWS;
        let readings = offload_if_large(is_large, move || memtable::run::normalize(rows)).await?;
        // In memory each row also has a seq.
        let bytes = readings.size_bytes() + readings.len() * size_of::<i64>();
        let bytes = bytes + keyed.iter().map(UpsertRows::size_bytes).sum::<usize>();
        let memory = self.memory.reserve(bytes, self.write_deadline).await?;
        let idempotent = claimed.as_ref().map(|(_, entry)| entry.clone());
        let arrived_at = self.clock().now();
        let record = Record { readings, upserts: keyed, idempotent, is_import, arrived_at: Some(arrived_at) };
        let encode = move || (Payload::new(record.encode()), record);
        let (payload, Record { readings: rows, upserts: keyed, .. }) =
            offload_if_large(is_large, encode).await?;
        let (done, acked) = oneshot::channel();
        let pending =
            PendingWrite { payload, rows, is_import, arrived_at, upserts: keyed, claimed, memory, done };
        self.queue.push(pending)?;
        Ok(acked)
    }

    /// Assigns the time of arrival of a request with messages: now, but later than any assigned before, because
    /// messages of one time are ordered by it.
    pub fn assign_received_at(&self) -> Micros {
        let now = self.clock().now().0;
        let later = |last: i64| Some(now.max(last.saturating_add(1)));
        let last = self.received_at.fetch_update(Ordering::AcqRel, Ordering::Acquire, later);
        Micros(last.map_or(now, |last| now.max(last.saturating_add(1))))
    }

    /// Assigns one time to values of several streams that came without one: the beginning of the current millisecond, but
    /// later than any time that was assigned to one of them, and than its newest reading unless that lies in the future. Of
    /// requests in one millisecond each gets a microsecond of its own, so that none replaces the values of another.
    pub fn assign_common_millis(&self, streams: &[StreamId]) -> Micros {
        let now = self.clock().now();
        let mut assigned = self.assigned.lock();
        let newest = streams.iter().filter_map(|stream| self.latest_values.newest_time(*stream));
        let newest: Vec<i64> = newest.map(|ts| ts.0).collect();
        let past = newest.iter().copied().filter(|ts| *ts <= now.0).max();
        let last = streams.iter().filter_map(|stream| assigned.get(stream).copied()).max();
        // A clock that was set back shows milliseconds again whose beginnings were assigned.
        let is_behind = last.iter().chain(&newest).any(|ts| *ts > now.0);
        let begin = if is_behind { now.0 } else { now.0.div_euclid(1000) * 1000 };
        let begin = past.map_or(begin, |past| begin.max(past.saturating_add(1)));
        let ts = self.later_than_assigned(last, Micros(begin), now);
        assigned.extend(streams.iter().map(|stream| (*stream, ts)));
        Micros(ts)
    }

    /// Returns the latest time that a reading may have now.
    pub fn newest_writable(&self) -> Micros {
        self.writable_times().newest
    }

    /// Returns the earliest time of a stream's readings that are kept: older ones are refused.
    pub fn oldest_writable(&self, stream: StreamId) -> Micros {
        Micros(self.retention_bounds().visible_from.start_of(stream.0))
    }

    /// Assigns a time to a value that came without one: that of the request's arrival, but later than any assigned to
    /// the stream before. So the values of one request have one time, except several for one stream.
    pub fn assign_ts(&self, stream: StreamId, arrived: Micros) -> Micros {
        let mut assigned = self.assigned.lock();
        let ts = match assigned.get(&stream) {
            Some(last) => self.later_than_assigned(Some(*last), arrived, arrived),
            // What was assigned before a restart is among the readings.
            None => match self.latest_values.newest_time(stream) {
                Some(newest) if newest == arrived => arrived.0.saturating_add(1),
                _ => arrived.0,
            },
        };
        assigned.insert(stream, ts);
        Micros(ts)
    }

    /// Returns the time to assign next: `begin`, but later than the last one. When our clock was set back by more than a
    /// reading may be ahead, the times begin again, because later ones would not be current.
    fn later_than_assigned(&self, last: Option<i64>, begin: Micros, now: Micros) -> i64 {
        let later = last.map(|last| last.saturating_add(1));
        let within = later.filter(|later| !self.ahead_bound.is_ahead(Micros(*later), now));
        within.map_or(begin.0, |later| later.max(begin.0))
    }
}

async fn wait_for_ack(acked: oneshot::Receiver<Result<u64>>) -> Result<u64> {
    acked.await.map_err(|e| Error::unavailable("the write was not made durable").with_source(e))?
}

/// Runs large work on the bulk threads, where it delays no other request.
async fn offload_if_large<T: Send + 'static>(
    is_large: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    match is_large {
        true => throttle::run_bulk(work).await,
        false => Ok(work()),
    }
}
