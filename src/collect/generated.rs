//! The collector's way to a device that is not there: its streams say what their generators make up.

use std::sync::Arc;

use super::board::Board;
use super::tags::Answer;
use super::value::Value;
use crate::domain::device::DeviceSpec;
use crate::domain::generator::Generator;
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{Clock, FieldError, Micros, StreamId};

/// The streams of one interval.
pub struct Batch(Vec<(StreamId, Result<Source, String>)>);

struct Source {
    generator: Generator,
    kind: StreamKind,
}

/// A device as its collector sees it.
pub struct Link {
    board: Arc<Board>,
    clock: Arc<dyn Clock>,
}

/// Whether a stream of a virtual device is polled. Without a generator its values come by themselves: posted, or from a
/// broker.
pub fn polls(device: &DeviceSpec, stream: &Stream) -> bool {
    !matches!(Generator::of(&device.metadata, &stream.spec.metadata), Ok(None))
}

impl Link {
    pub fn new(board: Arc<Board>, clock: Arc<dyn Clock>) -> Link {
        Link { board, clock }
    }

    pub fn batch(device: &DeviceSpec, streams: &[Arc<Stream>]) -> Batch {
        let streams = streams.iter().filter(|stream| polls(device, stream));
        Batch(streams.map(|stream| (stream.id, source(device, stream))).collect())
    }

    /// An answer for each stream of the batch, all of one moment.
    pub fn poll(&self, batch: &Batch, answers: &mut Vec<Answer>) {
        let now = self.clock.now();
        self.board.heard(now);
        answers.extend(batch.0.iter().map(|(stream, source)| {
            let value = source.as_ref().map(|source| source.value(*stream, now));
            Answer { stream: *stream, ts: now, outcome: value.map(Value::into).map_err(String::clone) }
        }));
    }
}

impl Source {
    fn value(&self, stream: StreamId, now: Micros) -> Value {
        let value = self.generator.value(stream, now);
        match self.kind {
            StreamKind::Bit => Value::Bit(value >= self.generator.mean),
            // It fits: the generator was checked against the kind.
            StreamKind::Uint64 => Value::Uint(value.round() as u64),
            kind if kind.integer_range().is_some() => Value::Int(value.round() as i64),
            _ => Value::Float(value),
        }
    }
}

fn source(device: &DeviceSpec, stream: &Stream) -> Result<Source, String> {
    let kind = stream.spec.kind;
    let told = |error: FieldError| error.message;
    let generator = Generator::of(&device.metadata, &stream.spec.metadata).map_err(told)?;
    let generator = generator.ok_or_else(|| "it has no generator".to_owned())?;
    generator.check(kind).map_err(told)?;
    Ok(Source { generator, kind })
}
