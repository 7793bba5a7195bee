//! The collector's way to a device of numbered registers: connects when needed, polls a batch of points in few reads,
//! keeps one failing register from spoiling its neighbours, and remembers which registers must not be read over.

use std::sync::Arc;

use tokio::time::Instant;

use super::plan::{self, Block, Rules};
use super::point::Point;
use super::relearn::Relearn;
use super::{Data, Span};
use crate::collect::board::Board;
use crate::collect::client::{Client, Endpoint};
use crate::collect::fault::{Fault, Meaning};
use crate::collect::line::Line;
use crate::collect::point;
use crate::collect::settings::Settings;
use crate::collect::tags::Answer;
use crate::collect::value::Value;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::Stream;
use crate::domain::{Clock, Micros, Result, StreamId};

/// A joined read is never made shorter than the widest value.
const WIDEST_VALUE: u16 = 4;
/// The widest gap that a device may be told to have read over, in words.
const MAX_GAP: u64 = 125;

/// A stream and its point.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Target {
    stream: StreamId,
    point: Point,
}

/// The streams polled together and the reads that fetch them.
#[derive(Debug, Default)]
pub struct Batch {
    targets: Vec<Target>,
    spans: Vec<Span>,
    /// Streams that cannot be read however the device answers, and why.
    unreadable: Vec<(StreamId, String)>,
    /// Each inner list is one request.
    requests: Vec<Vec<Block>>,
    /// How often had been forgotten what was learnt, when these were planned.
    forgotten: u64,
}

impl Batch {
    pub fn new(device: &DeviceSpec, streams: &[Arc<Stream>]) -> Batch {
        let mut batch = Batch::default();
        for stream in streams {
            match point::Point::of(device, &stream.spec) {
                Ok(point::Point::Node(..)) => {
                    batch.unreadable.push((stream.id, "a node is no register".to_owned()));
                }
                Ok(point::Point::Register(point)) => {
                    batch.spans.push(point.span);
                    batch.targets.push(Target { stream: stream.id, point });
                }
                Err(why) => batch.unreadable.push((stream.id, why)),
            }
        }
        batch
    }

    /// What each stream of a block is answered.
    fn answers(
        &self,
        block: &Block,
        ts: Micros,
        outcome: &Result<Data, Fault>,
    ) -> impl Iterator<Item = Answer> {
        let members = block.members.iter().map(|member| self.targets[*member]);
        members.map(move |target| answer(target, ts, block.span, outcome))
    }
}

/// A device as its collector reads it.
pub struct Link {
    endpoint: Endpoint,
    /// What was learnt is kept over reconnects, for a time.
    rules: Rules,
    relearn: Relearn,
    forgotten: u64,
    line: Arc<Line>,
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
}

impl Link {
    /// Connects nowhere yet. The error names the setting that is wrong.
    pub fn new(spec: &DeviceSpec, line: Arc<Line>, board: Arc<Board>, clock: Arc<dyn Clock>) -> Result<Link> {
        let rules = Rules::new(max_gap(spec)?);
        let endpoint = Endpoint::of(spec)?;
        Ok(Link { endpoint, rules, relearn: Relearn::default(), forgotten: 0, line, board, clock })
    }

    /// Whether it leads to the same place as `other`, so that an open connection is good for both.
    pub fn leads_where(&self, other: &Link) -> bool {
        self.endpoint == other.endpoint
    }

    pub async fn disconnect(&self) {
        self.line.turn().await.hang_up();
    }

    /// Connects unless connected.
    pub async fn connect(&self) -> Result<(), Fault> {
        let mut turn = self.line.turn().await;
        let connected = turn.client(&self.endpoint).await.map(drop);
        connected.inspect_err(|fault| self.board.failed(self.clock.now(), fault))
    }

    /// Asks for every stream of the batch and pushes one answer each. After an error the connection is gone and
    /// `answers` has what had come before.
    ///
    /// A connection that had worked and is found closed is opened once more on the spot: many devices close idle
    /// connections between polls, which is no loss of the source.
    pub async fn poll(&mut self, batch: &mut Batch, answers: &mut Vec<Answer>) -> Result<(), Fault> {
        let had_worked = self.line.turn().await.has_worked();
        match self.poll_once(batch, answers).await {
            Err(Fault::Closed { .. }) if had_worked => {
                answers.clear();
                let polled = self.poll_once(batch, answers).await;
                polled.inspect(|()| self.board.reconnected())
            }
            polled => polled,
        }
    }

    async fn poll_once(&mut self, batch: &mut Batch, answers: &mut Vec<Answer>) -> Result<(), Fault> {
        self.connect().await?;
        if self.relearn.is_due(Instant::now()) {
            self.rules.forget();
            self.forgotten += 1;
        }
        if batch.requests.is_empty() || batch.forgotten != self.forgotten {
            batch.forgotten = self.forgotten;
            batch.requests = plan::gather(plan::coalesce(&batch.spans, &self.rules), &self.rules);
        }
        let mut is_planned_anew = false;
        for request in &batch.requests {
            let has_learnt = match &request[..] {
                [block] => self.poll_block(batch, block, answers).await?,
                blocks => self.poll_together(batch, blocks, answers).await?,
            };
            is_planned_anew |= has_learnt;
        }
        if is_planned_anew {
            batch.requests.clear();
            self.relearn.learnt(Instant::now());
        }
        let now = self.clock.now();
        let unreadable = batch.unreadable.iter();
        answers.extend(unreadable.map(|(id, why)| Answer {
            stream: *id,
            ts: now,
            outcome: Err(why.clone()),
        }));
        Ok(())
    }

    /// One read. Whether something was learnt that makes another plan better.
    async fn poll_block(
        &mut self,
        batch: &Batch,
        block: &Block,
        answers: &mut Vec<Answer>,
    ) -> Result<bool, Fault> {
        let (ts, outcome) = self.read(block.span).await?;
        match outcome {
            Err(Fault::Refused {
                meaning: meaning @ (Meaning::NoSuchRegister | Meaning::NoSuchCount | Meaning::Failed),
                ..
            }) if block.members.len() > 1 => {
                let is_any_refused = self.read_apart(batch, block, answers).await?;
                if !is_any_refused {
                    self.learn(meaning, block, &batch.spans);
                }
                Ok(true)
            }
            outcome => {
                answers.extend(batch.answers(block, ts, &outcome));
                Ok(false)
            }
        }
    }

    /// Blocks that lie apart in one request. When the device refuses it, each is read by itself: those refused again
    /// share no request from now on, and when there are none, the device has no such requests.
    async fn poll_together(
        &mut self,
        batch: &Batch,
        blocks: &[Block],
        answers: &mut Vec<Answer>,
    ) -> Result<bool, Fault> {
        let spans: Vec<_> = blocks.iter().map(|block| block.span).collect();
        let asked = async |client: &mut Client| client.read_together(&spans).await;
        let (ts, outcome) = self.ask(asked).await?;
        match outcome {
            Ok(all) => {
                for (block, data) in blocks.iter().zip(all) {
                    answers.extend(batch.answers(block, ts, &Ok(data)));
                }
                Ok(false)
            }
            Err(Fault::Refused {
                meaning:
                    Meaning::NoSuchRegister | Meaning::NoSuchCount | Meaning::NoSuchCommand | Meaning::Failed,
                ..
            }) => {
                let holes_before = self.rules.holes.len();
                for block in blocks {
                    let (ts, outcome) = self.read(block.span).await?;
                    if outcome.is_err() {
                        self.rules.holes.push(block.span);
                    }
                    answers.extend(batch.answers(block, ts, &outcome));
                }
                self.rules.gathers = self.rules.holes.len() > holes_before;
                Ok(true)
            }
            Err(fault) => {
                for block in blocks {
                    answers.extend(batch.answers(block, ts, &Err(fault.clone())));
                }
                Ok(false)
            }
        }
    }

    /// Reads the members of a refused block one by one. Those refused again are holes from now on; whether there
    /// was any.
    async fn read_apart(
        &mut self,
        batch: &Batch,
        block: &Block,
        answers: &mut Vec<Answer>,
    ) -> Result<bool, Fault> {
        let mut is_any_refused = false;
        for target in block.members.iter().map(|member| batch.targets[*member]) {
            let span = target.point.span;
            let (ts, outcome) = self.read(span).await?;
            if outcome.is_err() {
                is_any_refused = true;
                self.rules.holes.push(span);
            }
            answers.push(answer(target, ts, span, &outcome));
        }
        Ok(is_any_refused)
    }

    /// Every member of a refused block can be read alone: it was too long, or reached over registers that do not
    /// exist or cannot be read.
    fn learn(&mut self, meaning: Meaning, block: &Block, spans: &[Span]) {
        let gaps = plan::gaps(block, spans);
        if meaning != Meaning::NoSuchCount && !gaps.is_empty() {
            self.rules.holes.extend(gaps);
        } else {
            self.rules.max_words = (plan::words(block.span) / 2).max(WIDEST_VALUE);
        }
    }

    async fn read(&self, span: Span) -> Result<(Micros, Result<Data, Fault>), Fault> {
        self.ask(async |client: &mut Client| client.read_registers(span).await).await
    }

    /// One request. The inner result is the device's word; the outer error ends the connection.
    async fn ask<T>(
        &self,
        request: impl AsyncFnOnce(&mut Client) -> Result<T, Fault>,
    ) -> Result<(Micros, Result<T, Fault>), Fault> {
        let mut turn = self.line.turn().await;
        let client = turn.client(&self.endpoint).await;
        let client = client.inspect_err(|fault| self.board.failed(self.clock.now(), fault))?;
        let started = Instant::now();
        let outcome = request(client).await;
        let now = self.clock.now();
        match &outcome {
            Ok(_) => self.board.answered(now, started.elapsed()),
            Err(fault) => self.board.failed(now, fault),
        }
        match outcome {
            Err(fault) if fault.is_loss() => {
                turn.hang_up();
                Err(fault)
            }
            outcome => Ok((now, outcome)),
        }
    }
}

fn answer(target: Target, ts: Micros, block: Span, outcome: &Result<Data, Fault>) -> Answer {
    let outcome = match outcome {
        Ok(data) => {
            target.point.decode(block, data).ok_or_else(|| "the answer does not hold the value".to_owned())
        }
        Err(fault) => Err(fault.to_string()),
    };
    Answer { stream: target.stream, ts, outcome: outcome.map(Value::into) }
}

/// The widest gap that the device's owner lets be read over.
pub fn max_gap(spec: &DeviceSpec) -> Result<Option<u16>> {
    Settings(&spec.metadata).number("max_gap", MAX_GAP)
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
