//! Streams of one device with numbered registers that are polled together, and the results of their reads.

use std::sync::Arc;

use super::plan::ReadBlock;
use super::point::RegisterPoint;
use super::{RegisterData, RegisterRange};
use crate::collect::deadband::PollResult;
use crate::collect::device_value::Sample;
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::DeviceProtocol;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::{Stream, StreamSpec};
use crate::domain::{Micros, Result, StreamId};

/// The registers of streams, by a protocol that is known at run time.
pub trait StreamRegisters: DeviceProtocol {
    /// Returns the point of a stream. The error is a message.
    fn point(&self, device: &DeviceSpec, stream: &StreamSpec) -> Result<RegisterPoint, String>;
}

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
    /// Registers of each target.
    pub(super) spans: Vec<RegisterRange>,
    /// Streams that cannot be read whatever the device answers, and why.
    unreadable: Vec<(StreamId, String)>,
    /// Each inner list is one request.
    pub(super) requests: Vec<Vec<ReadBlock>>,
    /// Value of the source's `learning_epoch` when the requests were planned; it grows with every expiry of the
    /// rules.
    pub(super) learning_epoch: u64,
}

impl RegisterPollGroup {
    pub(super) fn new(
        protocol: &dyn StreamRegisters,
        device: &DeviceSpec,
        streams: &[Arc<Stream>],
    ) -> RegisterPollGroup {
        let mut group = RegisterPollGroup::default();
        for stream in streams {
            match protocol.point(device, &stream.spec) {
                Ok(point) => {
                    group.spans.push(point.span);
                    group.targets.push(RegisterTarget { stream: stream.id, point });
                }
                Err(why) => group.unreadable.push((stream.id, why)),
            }
        }
        group
    }

    /// Adds the results of the streams of a block.
    pub(super) fn add_results(
        &self,
        block: &ReadBlock,
        ts: Micros,
        outcome: &Result<RegisterData, DeviceFault>,
        results: &mut Vec<PollResult>,
    ) {
        let targets = block.members.iter().map(|member| self.targets[*member]);
        results.extend(targets.map(|target| poll_result(target, ts, block.span, outcome)));
    }

    /// Adds one fault as the result of all streams of a request.
    pub(super) fn add_faults(
        &self,
        request: &[ReadBlock],
        ts: Micros,
        fault: &DeviceFault,
        results: &mut Vec<PollResult>,
    ) {
        for block in request {
            self.add_results(block, ts, &Err(fault.clone()), results);
        }
    }

    /// Adds the results of the streams that cannot be read whatever the device answers.
    pub(super) fn add_unreadable(&self, ts: Micros, results: &mut Vec<PollResult>) {
        let unreadable = self.unreadable.iter();
        results.extend(unreadable.map(|(id, why)| PollResult { stream: *id, ts, outcome: Err(why.clone()) }));
    }
}

fn poll_result(
    target: RegisterTarget,
    ts: Micros,
    block: RegisterRange,
    outcome: &Result<RegisterData, DeviceFault>,
) -> PollResult {
    let outcome = match outcome {
        Ok(data) => target.point.value(block, data),
        Err(fault) => Err(fault.to_string()),
    };
    PollResult { stream: target.stream, ts, outcome: outcome.map(Sample::from) }
}
