//! Requests that wait for their answers, and the chunks of answers that are not complete.

use std::collections::HashMap;
use std::time::Instant;

use bytes::Bytes;
use opcua::core::ResponseMessage;
use opcua::types::{Error, StatusCode};
use tokio::sync::oneshot;

/// Sender of an answer that the library awaits.
pub type AnswerSender = oneshot::Sender<Result<ResponseMessage, Error>>;

/// The requests of one connection, by their ids. Chunks that nobody waits for are not kept.
pub struct PendingRequests {
    by_id: HashMap<u32, PendingRequest>,
    /// Of the chunks of all requests.
    bytes: usize,
    max_bytes: usize,
    max_chunks: usize,
}

struct PendingRequest {
    answer: AnswerSender,
    deadline: Instant,
    bodies: Vec<Bytes>,
    bytes: usize,
}

impl PendingRequests {
    /// The chunks of all incomplete answers may have so many bytes together, and one answer so many chunks.
    pub fn new(max_bytes: usize, max_chunks: usize) -> Self {
        PendingRequests { by_id: HashMap::new(), bytes: 0, max_bytes, max_chunks }
    }

    /// Adds a request that awaits its answer; after `deadline`, `expire` fails it with `BadTimeout`.
    pub fn insert(&mut self, id: u32, answer: AnswerSender, deadline: Instant) {
        self.by_id.insert(id, PendingRequest { answer, deadline, bodies: Vec::new(), bytes: 0 });
    }

    /// Adds a chunk's body to an answer; `chunk_bytes` is what the whole chunk takes in memory. An answer that becomes
    /// too long is an error of its request, and the rest of it is ignored.
    pub fn add_body(&mut self, id: u32, body: Bytes, chunk_bytes: usize) {
        let Some(request) = self.by_id.get_mut(&id) else { return };
        request.bodies.push(body);
        request.bytes += chunk_bytes;
        self.bytes += chunk_bytes;
        if request.bodies.len() > self.max_chunks || self.bytes > self.max_bytes {
            let status = StatusCode::BadEncodingLimitsExceeded;
            self.fail(id, Error::new(status, "the answer is too long").with_request_id(id));
        }
    }

    /// Takes a request whose answer is complete.
    pub fn take(&mut self, id: u32) -> Option<(AnswerSender, Vec<Bytes>)> {
        let request = self.by_id.remove(&id)?;
        self.bytes -= request.bytes;
        Some((request.answer, request.bodies))
    }

    /// Answers a request with an error, if it waits. Whoever does not wait any more has ended by a timeout.
    pub fn fail(&mut self, id: u32, error: Error) {
        if let Some((answer, _)) = self.take(id) {
            let _ = answer.send(Err(error));
        }
    }

    /// Fails every request with this status, and drops the chunks of their answers.
    pub fn fail_all(&mut self, status: StatusCode) {
        for id in self.ids(|_| true) {
            self.fail(id, Error::new(status, "the connection has ended").with_request_id(id));
        }
    }

    /// When the first request is no longer waited for.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.by_id.values().map(|request| request.deadline).min()
    }

    /// Ends the requests whose deadlines have passed.
    pub fn expire(&mut self, now: Instant) {
        for id in self.ids(|request| request.deadline <= now) {
            self.fail(id, Error::new(StatusCode::BadTimeout, "no answer in time").with_request_id(id));
        }
    }

    fn ids(&self, of: impl Fn(&PendingRequest) -> bool) -> Vec<u32> {
        self.by_id.iter().filter(|(_, request)| of(request)).map(|(id, _)| *id).collect()
    }
}

#[cfg(test)]
#[path = "pending_requests_tests.rs"]
mod tests;
