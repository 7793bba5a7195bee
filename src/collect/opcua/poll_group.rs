//! Streams of one server that are polled together, and the results of their nodes.

use std::sync::Arc;
use std::time::Duration;

use opcua::types::DataValue;

use super::node::{InvalidNodeId, NodePath};
use super::status;
use crate::collect::deadband::PollResult;
use crate::collect::device_value::Sample;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{Micros, StreamId};

const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);

/// Streams of one interval.
#[derive(Debug)]
pub struct OpcuaPollGroup {
    /// Number of the group within its source.
    pub number: usize,
    pub interval: Duration,
    pub targets: Vec<NodeTarget>,
    /// Streams that cannot be read whatever the server answers, and why.
    unreadable: Vec<(StreamId, String)>,
}

/// A stream and its node.
#[derive(Debug)]
pub struct NodeTarget {
    pub node: NodePath,
    stream: StreamId,
    kind: StreamKind,
}

impl OpcuaPollGroup {
    /// Groups streams whose interval is that of the first, else the device's, else `DEFAULT_INTERVAL`. A path that is no node id
    /// makes its stream unreadable.
    pub fn new(number: usize, device: &DeviceSpec, streams: &[Arc<Stream>]) -> OpcuaPollGroup {
        let interval_s =
            streams.first().and_then(|stream| stream.spec.poll_interval_s).or(device.poll_interval_s);
        let interval = interval_s.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let interval = interval.unwrap_or(DEFAULT_INTERVAL);
        let mut group = OpcuaPollGroup { number, interval, targets: Vec::new(), unreadable: Vec::new() };
        for stream in streams {
            let parsed: Result<NodePath, InvalidNodeId> = stream.spec.path.parse();
            match parsed {
                Ok(node) => {
                    let (stream, kind) = (stream.id, stream.spec.kind);
                    group.targets.push(NodeTarget { node, stream, kind });
                }
                Err(error) => group.unreadable.push((stream.id, error.to_string())),
            }
        }
        group
    }

    /// The nodes of these members.
    pub fn paths(&self, members: &[usize]) -> Vec<&NodePath> {
        members.iter().map(|member| &self.targets[*member].node).collect()
    }

    /// The results of the streams that cannot be read.
    pub fn unreadable_results(&self, ts: Micros) -> impl Iterator<Item = PollResult> {
        self.unreadable.iter().map(move |(stream, why)| PollResult {
            stream: *stream,
            ts,
            outcome: Err(why.clone()),
        })
    }
}

impl NodeTarget {
    /// The result of the stream.
    pub fn result(&self, ts: Micros, outcome: Result<Sample, String>) -> PollResult {
        PollResult { stream: self.stream, ts, outcome }
    }

    /// Converts a value to the stream's type. The server's timestamp is the time of a value whose source gives none.
    pub fn sample(&self, value: &DataValue) -> Result<Sample, String> {
        let sample = status::sample(value)?;
        let source_time = sample.source_time.or_else(|| value.server_timestamp.and_then(status::micros));
        let value = sample.value.convert_to(self.kind)?;
        Ok(Sample { value, source_time, quality: sample.quality, is_historical: sample.is_historical })
    }
}
