//! Polling source for devices with numbered registers: connects when needed, polls a group of points in few reads,
//! keeps one failing register from spoiling its neighbours, and learns which registers must not be read over.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::learned_expiry::LearnedExpiry;
use super::plan::{self, ReadBlock, ReadRules};
use super::point::RegisterPoint;
use super::{RegisterData, RegisterRange};
use crate::collect::client::{DeviceEndpoint, RangeOutcomes};
use crate::collect::deadband::PollResult;
use crate::collect::fault::{DeviceFault, RefusalKind};
use crate::collect::numeric_value::NumericValue;
use crate::collect::point::DevicePoint;
use crate::collect::protocol::{self, DeviceProtocol, SourceContext};
use crate::collect::settings::ProtocolSettings;
use crate::collect::shared_connection::{SharedConnection, SharedConnectionGuard};
use crate::collect::source::PollSource;
use crate::collect::status_cell::DeviceStatusCell;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::Stream;
use crate::domain::{Clock, Micros, Result, StreamId};

/// A joined read is never limited to less than the widest value.
const MAX_VALUE_WORDS: u16 = 4;
/// Upper bound of the setting `max_gap`, in words.
const MAX_GAP_WORDS: u64 = 125;

/// A stream and its point.
#[derive(Debug, Clone, Copy, PartialEq)]
struct RegisterTarget {
    stream: StreamId,
    point: RegisterPoint,
}

/// Streams that are polled together and the reads that fetch them.
#[derive(Debug, Default)]
pub struct RegisterPollGroup {
    targets: Vec<RegisterTarget>,
    spans: Vec<RegisterRange>,
    /// Streams that cannot be read whatever the device answers, and why.
    unreadable: Vec<(StreamId, String)>,
    /// Each inner list is one request.
    requests: Vec<Vec<ReadBlock>>,
    /// Value of the source's `learning_epoch` when the requests were planned; it grows with every expiry of the
    /// rules.
    learning_epoch: u64,
}

impl RegisterPollGroup {
    fn new(protocol: &dyn DeviceProtocol, device: &DeviceSpec, streams: &[Arc<Stream>]) -> RegisterPollGroup {
        let mut batch = RegisterPollGroup::default();
        for stream in streams {
            match protocol::stream_point(protocol, device, &stream.spec) {
                Ok(
                    DevicePoint::Node(..)
                    | DevicePoint::Tag(..)
                    | DevicePoint::Topic(..)
                    | DevicePoint::Metric(..),
                ) => {
                    batch
                        .unreadable
                        .push((stream.id, "a node, tag, topic or metric is no register".to_owned()));
                }
                Ok(DevicePoint::Register(point)) => {
                    batch.spans.push(point.span);
                    batch.targets.push(RegisterTarget { stream: stream.id, point });
                }
                Err(why) => batch.unreadable.push((stream.id, why)),
            }
        }
        batch
    }

    /// Results for the streams of a block.
    fn poll_results(
        &self,
        block: &ReadBlock,
        ts: Micros,
        outcome: &Result<RegisterData, DeviceFault>,
    ) -> impl Iterator<Item = PollResult> {
        let members = block.members.iter().map(|member| self.targets[*member]);
        members.map(move |target| poll_result(target, ts, block.span, outcome))
    }
}

/// Polling source of one device.
pub struct RegisterSource {
    protocol: &'static dyn DeviceProtocol,
    endpoint: Arc<dyn DeviceEndpoint>,
    /// Learned rules survive reconnects, for a time.
    rules: ReadRules,
    relearn: LearnedExpiry,
    learning_epoch: u64,
    connection: Arc<SharedConnection>,
    status: Arc<DeviceStatusCell>,
    clock: Arc<dyn Clock>,
}

impl RegisterSource {
    /// Opens no connection yet. The error names the wrong setting.
    pub fn new(
        protocol: &'static dyn DeviceProtocol,
        spec: &DeviceSpec,
        context: SourceContext,
    ) -> Result<RegisterSource> {
        Ok(RegisterSource {
            protocol,
            rules: ReadRules::new(max_gap(spec)?),
            endpoint: protocol.endpoint(spec)?,
            relearn: LearnedExpiry::default(),
            learning_epoch: 0,
            connection: context.connection,
            status: context.status,
            clock: context.clock,
        })
    }

    async fn poll_once(
        &mut self,
        batch: &mut RegisterPollGroup,
        answers: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        self.connect().await?;
        if self.relearn.is_due(Instant::now()) {
            self.rules.forget();
            self.learning_epoch += 1;
        }
        if batch.requests.is_empty() || batch.learning_epoch != self.learning_epoch {
            batch.learning_epoch = self.learning_epoch;
            batch.requests = plan::pack_requests(plan::coalesce(&batch.spans, &self.rules), &self.rules);
        }
        let mut is_planned_anew = false;
        for request in &batch.requests {
            let has_learnt = match &request[..] {
                [block] => self.poll_block(batch, block, answers).await?,
                blocks => self.poll_scattered(batch, blocks, answers).await?,
            };
            is_planned_anew |= has_learnt;
        }
        if is_planned_anew {
            batch.requests.clear();
            self.relearn.record_learned(Instant::now());
        }
        let now = self.clock.now();
        let unreadable = batch.unreadable.iter();
        answers.extend(unreadable.map(|(id, why)| PollResult {
            stream: *id,
            ts: now,
            outcome: Err(why.clone()),
        }));
        Ok(())
    }

    /// Reads one block. Returns whether something was learned that makes another plan better.
    async fn poll_block(
        &mut self,
        batch: &RegisterPollGroup,
        block: &ReadBlock,
        answers: &mut Vec<PollResult>,
    ) -> Result<bool, DeviceFault> {
        let (ts, outcome) = self.read(block.span).await?;
        self.answer_block(batch, block, (ts, outcome), answers).await
    }

    /// Gives the streams of a block their results. When the device refuses a block of several members, each is read
    /// alone. Returns whether something was learned that makes another plan better.
    async fn answer_block(
        &mut self,
        batch: &RegisterPollGroup,
        block: &ReadBlock,
        (ts, outcome): (Micros, Result<RegisterData, DeviceFault>),
        answers: &mut Vec<PollResult>,
    ) -> Result<bool, DeviceFault> {
        match outcome {
            Err(DeviceFault::Refused {
                meaning:
                    meaning @ (RefusalKind::NoSuchRegister
                    | RefusalKind::InvalidCountOrValue
                    | RefusalKind::Failed),
                ..
            }) if block.members.len() > 1 => {
                let is_any_refused = self.read_individually(batch, block, answers).await?;
                if !is_any_refused {
                    self.learn(meaning, block, &batch.spans);
                }
                Ok(true)
            }
            outcome => {
                answers.extend(batch.poll_results(block, ts, &outcome));
                Ok(false)
            }
        }
    }

    /// Reads separate blocks in one request. When the device refuses all of it, each is read alone: those refused again
    /// share no request from now on; if none is, the device does not support such requests.
    async fn poll_scattered(
        &mut self,
        batch: &RegisterPollGroup,
        blocks: &[ReadBlock],
        answers: &mut Vec<PollResult>,
    ) -> Result<bool, DeviceFault> {
        let spans: Vec<_> = blocks.iter().map(|block| block.span).collect();
        let (ts, outcome) = self.read_scattered(&spans).await?;
        match outcome {
            Ok(all) => {
                let mut has_learnt = false;
                for (block, outcome) in blocks.iter().zip(all) {
                    if let Err(fault) = &outcome {
                        self.record_fault(fault);
                    }
                    has_learnt |= self.answer_block(batch, block, (ts, outcome), answers).await?;
                }
                Ok(has_learnt)
            }
            Err(DeviceFault::Refused {
                meaning:
                    RefusalKind::NoSuchRegister
                    | RefusalKind::InvalidCountOrValue
                    | RefusalKind::NoSuchCommand
                    | RefusalKind::Failed,
                ..
            }) => {
                let holes_before = self.rules.holes.len();
                for block in blocks {
                    let (ts, outcome) = self.read(block.span).await?;
                    if outcome.is_err() {
                        self.rules.holes.push(block.span);
                    }
                    answers.extend(batch.poll_results(block, ts, &outcome));
                }
                self.rules.allows_scattered = self.rules.holes.len() > holes_before;
                Ok(true)
            }
            Err(fault) => {
                for block in blocks {
                    answers.extend(batch.poll_results(block, ts, &Err(fault.clone())));
                }
                Ok(false)
            }
        }
    }

    /// Splits a block that the device refused (Modbus: with an exception) and reads its members one by one. Those refused
    /// again become holes. Returns whether there was any.
    async fn read_individually(
        &mut self,
        batch: &RegisterPollGroup,
        block: &ReadBlock,
        answers: &mut Vec<PollResult>,
    ) -> Result<bool, DeviceFault> {
        let mut is_any_refused = false;
        for target in block.members.iter().map(|member| batch.targets[*member]) {
            let span = target.point.span;
            let (ts, outcome) = self.read(span).await?;
            if outcome.is_err() {
                is_any_refused = true;
                self.rules.holes.push(span);
            }
            answers.push(poll_result(target, ts, span, &outcome));
        }
        Ok(is_any_refused)
    }

    /// Learns from a refused block whose members can all be read alone: it was too long, or reached over registers
    /// that do not exist or cannot be read.
    fn learn(&mut self, meaning: RefusalKind, block: &ReadBlock, spans: &[RegisterRange]) {
        let gaps = plan::gaps(block, spans);
        if meaning != RefusalKind::InvalidCountOrValue && !gaps.is_empty() {
            self.rules.holes.extend(gaps);
        } else {
            self.rules.max_words = (plan::words(block.span) / 2).max(MAX_VALUE_WORDS);
        }
    }

    /// Reads one block.
    async fn read(
        &self,
        block: RegisterRange,
    ) -> Result<(Micros, Result<RegisterData, DeviceFault>), DeviceFault> {
        let mut connection = self.connection.lock().await;
        let client =
            connection.get_or_connect(&self.endpoint).await.inspect_err(|fault| self.record_fault(fault))?;
        let started = Instant::now();
        let outcome = client.read_registers(block).await;
        self.finish_request(&mut connection, started, outcome)
    }

    /// Reads several blocks in one request. The outcomes are those of the blocks.
    async fn read_scattered(
        &self,
        blocks: &[RegisterRange],
    ) -> Result<(Micros, Result<RangeOutcomes, DeviceFault>), DeviceFault> {
        let mut connection = self.connection.lock().await;
        let client =
            connection.get_or_connect(&self.endpoint).await.inspect_err(|fault| self.record_fault(fault))?;
        let started = Instant::now();
        let outcome = client.read_scattered(blocks).await;
        self.finish_request(&mut connection, started, outcome)
    }

    /// Counts a request. The inner result is the device's answer or refusal; the outer error ends the connection.
    fn finish_request<T>(
        &self,
        connection: &mut SharedConnectionGuard<'_>,
        started: Instant,
        outcome: Result<T, DeviceFault>,
    ) -> Result<(Micros, Result<T, DeviceFault>), DeviceFault> {
        let now = self.clock.now();
        match &outcome {
            Ok(_) => self.status.record_response(now, started.elapsed()),
            Err(fault) => self.status.record_fault(now, fault),
        }
        match outcome {
            Err(fault) if fault.is_connection_loss() => {
                connection.disconnect();
                Err(fault)
            }
            outcome => Ok((now, outcome)),
        }
    }

    fn record_fault(&self, fault: &DeviceFault) {
        self.status.record_fault(self.clock.now(), fault);
    }
}

#[async_trait]
impl PollSource for RegisterSource {
    type Group = RegisterPollGroup;

    fn is_same_endpoint(&self, other: &RegisterSource) -> bool {
        self.endpoint.is_same(&*other.endpoint)
    }

    fn group(&mut self, device: &DeviceSpec, streams: &[Arc<Stream>]) -> RegisterPollGroup {
        RegisterPollGroup::new(self.protocol, device, streams)
    }

    async fn connect(&self) -> Result<(), DeviceFault> {
        let mut connection = self.connection.lock().await;
        let connected = connection.get_or_connect(&self.endpoint).await.map(drop);
        connected.inspect_err(|fault| self.record_fault(fault))
    }

    async fn disconnect(&self) {
        self.connection.lock().await.disconnect();
    }

    /// A connection that had worked and is found closed is reopened once on the spot: many devices close idle
    /// connections between polls, which is no loss of the source.
    async fn poll(
        &mut self,
        batch: &mut RegisterPollGroup,
        answers: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        let had_worked = self.connection.lock().await.has_worked();
        match self.poll_once(batch, answers).await {
            Err(DeviceFault::Closed { .. }) if had_worked => {
                answers.clear();
                let polled = self.poll_once(batch, answers).await;
                polled.inspect(|()| self.status.record_reconnect())
            }
            polled => polled,
        }
    }
}

fn poll_result(
    target: RegisterTarget,
    ts: Micros,
    block: RegisterRange,
    outcome: &Result<RegisterData, DeviceFault>,
) -> PollResult {
    let outcome = match outcome {
        Ok(data) => {
            target.point.decode(block, data).ok_or_else(|| "the answer does not hold the value".to_owned())
        }
        Err(fault) => Err(fault.to_string()),
    };
    PollResult { stream: target.stream, ts, outcome: outcome.map(NumericValue::into) }
}

/// The widest gap that the device's owner allows to be read over.
pub fn max_gap(spec: &DeviceSpec) -> Result<Option<u16>> {
    ProtocolSettings(&spec.metadata).number("max_gap", MAX_GAP_WORDS)
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
