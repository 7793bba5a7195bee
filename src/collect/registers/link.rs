//! The collector's way to a device of numbered registers: connects when needed, polls a batch of points in few reads,
//! keeps one failing register from spoiling its neighbours, and remembers which registers must not be read over.

use std::sync::Arc;

use tokio::time::Instant;

use super::plan::{self, Block, Rules};
use super::point::Point;
use super::{Data, Span, Unit};
use crate::collect::board::Board;
use crate::collect::client::Endpoint;
use crate::collect::fault::{Fault, Meaning};
use crate::collect::line::Line;
use crate::collect::point;
use crate::collect::tags::Answer;
use crate::collect::value::Value;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::Stream;
use crate::domain::{Clock, Error, Micros, Result, StreamId};

/// A joined read is never made shorter than the widest value.
const WIDEST_VALUE: u16 = 4;
/// The widest gap that a device may be told to have read over, in words.
const MAX_GAP: u64 = 125;

/// Words read although nobody wants them, to save a request.
const DEFAULT_MAX_GAP: u16 = 8;

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
    blocks: Vec<Block>,
}

impl Batch {
    pub fn new(device: &DeviceSpec, streams: &[Arc<Stream>]) -> Batch {
        let mut batch = Batch::default();
        for stream in streams {
            match point::Point::of(device, &stream.spec) {
                Ok(point::Point::Register(point)) => {
                    batch.spans.push(point.span);
                    batch.targets.push(Target { stream: stream.id, point });
                }
                Err(why) => batch.unreadable.push((stream.id, why)),
            }
        }
        batch
    }
}

/// A device as its collector reads it.
pub struct Link {
    endpoint: Endpoint,
    /// What was learnt is kept over reconnects: a register that appears later costs a request more, never a value.
    rules: Rules,
    line: Arc<Line>,
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
}

impl Link {
    /// Connects nowhere yet. The error names the setting that is wrong.
    pub fn new(spec: &DeviceSpec, line: Arc<Line>, board: Arc<Board>, clock: Arc<dyn Clock>) -> Result<Link> {
        let rules = Rules::new(max_gap(spec)?);
        Ok(Link { endpoint: Endpoint::of(spec)?, rules, line, board, clock })
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
                self.poll_once(batch, answers).await
            }
            polled => polled,
        }
    }

    async fn poll_once(&mut self, batch: &mut Batch, answers: &mut Vec<Answer>) -> Result<(), Fault> {
        self.connect().await?;
        if batch.blocks.is_empty() {
            batch.blocks = plan::coalesce(&batch.spans, &self.rules);
        }
        let mut is_planned_anew = false;
        for block in &batch.blocks {
            let (ts, outcome) = self.read(block.span).await?;
            match outcome {
                Err(Fault::Refused {
                    meaning: meaning @ (Meaning::NoSuchRegister | Meaning::NoSuchCount),
                    ..
                }) if block.members.len() > 1 => {
                    let is_any_refused = self.read_apart(batch, block, answers).await?;
                    if !is_any_refused {
                        self.learn(meaning, block, &batch.spans);
                    }
                    is_planned_anew = true;
                }
                outcome => {
                    let members = block.members.iter().map(|member| batch.targets[*member]);
                    answers.extend(members.map(|target| answer(target, ts, block.span, &outcome)));
                }
            }
        }
        if is_planned_anew {
            batch.blocks.clear();
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
    /// exist.
    fn learn(&mut self, meaning: Meaning, block: &Block, spans: &[Span]) {
        let gaps = plan::gaps(block, spans);
        if meaning == Meaning::NoSuchRegister && !gaps.is_empty() {
            self.rules.holes.extend(gaps);
        } else {
            let words = match block.span.space.unit() {
                Unit::Bit => block.span.len / plan::BITS_PER_WORD,
                Unit::Word => block.span.len,
            };
            self.rules.max_words = (words / 2).max(WIDEST_VALUE);
        }
    }

    /// One request. The inner result is the device's word; the outer error ends the connection.
    async fn read(&self, span: Span) -> Result<(Micros, Result<Data, Fault>), Fault> {
        let mut turn = self.line.turn().await;
        let client = turn.client(&self.endpoint).await;
        let client = client.inspect_err(|fault| self.board.failed(self.clock.now(), fault))?;
        let started = Instant::now();
        let outcome = client.read_registers(span).await;
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
    let outcome: Result<Value, String> = match outcome {
        Ok(data) => {
            target.point.decode(block, data).ok_or_else(|| "the answer does not hold the value".to_owned())
        }
        Err(fault) => Err(fault.to_string()),
    };
    Answer { stream: target.stream, ts, outcome }
}

fn max_gap(spec: &DeviceSpec) -> Result<u16> {
    let setting = spec.metadata.get("max_gap").filter(|setting| !setting.is_null());
    let Some(setting) = setting else { return Ok(DEFAULT_MAX_GAP) };
    let gap = setting.as_u64().filter(|gap| *gap <= MAX_GAP).and_then(|gap| u16::try_from(gap).ok());
    gap.ok_or_else(|| {
        Error::field("max_gap", format!("{setting} is not a whole number from 0 to {MAX_GAP}."))
    })
}
