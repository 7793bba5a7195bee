//! The collector's way to a device that is a URL: one request for all streams of an interval, each of which is a value in
//! the JSON of its answer. Whether the URL may be reached is decided by who asks it for us (`Web`).

use std::sync::Arc;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::board::Board;
use super::content::{Content, Sample};
use super::fault::{Code, Fault, Meaning};
use super::tags::Answer;
use crate::domain::device::DeviceSpec;
use crate::domain::ports::Web;
use crate::domain::reading::Quality;
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::web::{WebAnswer, WebFault, WebRequest, check_pointer};
use crate::domain::{Clock, Error, Result, StreamId};

/// The streams of one interval.
pub struct Batch(Vec<Target>);

struct Target {
    stream: StreamId,
    kind: StreamKind,
    /// A JSON pointer; empty for the whole document.
    pointer: String,
}

/// A device as its collector sees it. It keeps no connection.
pub struct Link {
    request: WebRequest,
    web: Arc<dyn Web>,
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
}

impl Link {
    /// Asks nothing yet. The error names the setting that is wrong.
    pub fn new(
        spec: &DeviceSpec,
        web: Arc<dyn Web>,
        board: Arc<Board>,
        clock: Arc<dyn Clock>,
    ) -> Result<Link> {
        Ok(Link { request: WebRequest::of(spec).map_err(Error::fields)?, web, board, clock })
    }

    pub fn batch(streams: &[Arc<Stream>]) -> Batch {
        let target = |stream: &Arc<Stream>| Target {
            stream: stream.id,
            kind: stream.spec.kind,
            pointer: stream.spec.path.clone(),
        };
        Batch(streams.iter().map(target).collect())
    }

    pub fn leads_where(&self, other: &Link) -> bool {
        self.request == other.request
    }

    /// Whether it answers at all, for a device of which nothing is wanted.
    pub async fn probe(&self) -> Result<(), Fault> {
        match self.ask().await {
            Err(fault) if fault.is_loss() => Err(fault),
            _ => Ok(()),
        }
    }

    /// Asks once and pushes an answer for each stream of the batch.
    pub async fn poll(&self, batch: &Batch, answers: &mut Vec<Answer>) -> Result<(), Fault> {
        let document = self.ask().await.and_then(|body| self.parse(&body));
        let now = self.clock.now();
        let document = match document {
            Err(fault) if fault.is_loss() => return Err(fault),
            document => document.map_err(|fault| fault.to_string()),
        };
        answers.extend(batch.0.iter().map(|target| {
            let outcome = document.as_ref().map_err(String::clone).and_then(|document| target.read(document));
            Answer { stream: target.stream, ts: now, outcome }
        }));
        Ok(())
    }

    /// The body of a success.
    async fn ask(&self) -> Result<Vec<u8>, Fault> {
        let started = Instant::now();
        let answer = self.web.ask(&self.request).await;
        let now = self.clock.now();
        let body = answer.map_err(|fault| self.fault(fault)).and_then(body);
        match &body {
            Ok(_) => self.board.answered(now, started.elapsed()),
            Err(fault) => self.board.failed(now, fault),
        }
        body
    }

    fn parse(&self, body: &[u8]) -> Result<Json, Fault> {
        let document = serde_json::from_slice(body);
        document.map_err(|e| self.malformed(format!("its answer is no JSON: {e}"))).inspect_err(|fault| {
            self.board.failed(self.clock.now(), fault);
        })
    }

    fn fault(&self, fault: WebFault) -> Fault {
        let address = self.request.origin().to_owned();
        match fault {
            WebFault::NotAllowed => Fault::Unreachable {
                address,
                reason: "it leads to an address that is not allowed (process.allow_private opens some)"
                    .to_owned(),
            },
            WebFault::Unreachable(reason) => Fault::Unreachable { address, reason },
            WebFault::Cut(reason) => Fault::Closed { address, reason },
            WebFault::Timeout => Fault::Timeout { address, after: self.request.timeout },
            WebFault::Malformed(reason) => self.malformed(reason),
        }
    }

    fn malformed(&self, reason: String) -> Fault {
        Fault::Malformed { address: self.request.origin().to_owned(), reason }
    }
}

impl Target {
    /// The value in a document. The error says why there is none.
    fn read(&self, document: &Json) -> Result<Sample, String> {
        check_pointer(&self.pointer).map_err(|problem| problem.message)?;
        let found = document.pointer(&self.pointer);
        let found = found.ok_or_else(|| format!("the answer has no `{}`", self.pointer))?;
        let content = match (self.kind, Content::from_json(found)) {
            _ if found.is_null() => return Err("the value is null".to_owned()),
            (StreamKind::Json, _) => Content::Text(found.to_string().into()),
            (StreamKind::Location, None) => Content::Text(found.to_string().into()),
            (kind, Some(content)) => content.of_kind(kind)?,
            (kind, None) => return Err(format!("the value is a list or a map, which is no {kind}")),
        };
        Ok(Sample { content, quality: Quality::Good, source_time: None })
    }
}

fn body(answer: WebAnswer) -> Result<Vec<u8>, Fault> {
    let (words, meaning) = match answer.status {
        200..300 => return Ok(answer.body),
        401 => ("it wants other credentials", Meaning::Other),
        403 => ("it forbids this", Meaning::Other),
        404 | 410 => ("there is no such page", Meaning::NoSuchRegister),
        405 | 501 => ("it knows no such method", Meaning::NoSuchCommand),
        429 => ("it is asked too often", Meaning::Other),
        // Who answers is a proxy, or says itself that nothing is behind it.
        502..=504 => ("the device behind the server is out of reach", Meaning::DeviceIsAway),
        500..600 => ("the server failed", Meaning::Other),
        _ => ("the server declined", Meaning::Other),
    };
    Err(Fault::Refused { code: Code::Http(answer.status), words, meaning })
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
