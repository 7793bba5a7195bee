//! Polls virtual devices: generators produce the values of their streams.

use std::sync::Arc;

use async_trait::async_trait;

use super::deadband::PollResult;
use super::fault::DeviceFault;
use super::numeric_value::NumericValue;
use super::protocol::{DeviceProtocol, SourceContext};
use super::source::{DeviceSource, GroupedSource, PollSource};
use super::status_cell::DeviceStatusCell;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::generator::Generator;
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{self, Clock, FieldError, Micros, StreamId};

/// Devices whose values are generated here.
pub struct Virtual;

impl DeviceProtocol for Virtual {
    fn protocol(&self) -> Protocol {
        Protocol::Virtual
    }

    fn source(
        &'static self,
        _: &DeviceSpec,
        context: SourceContext,
    ) -> domain::Result<Box<dyn DeviceSource>> {
        let SourceContext { status, clock, .. } = context;
        Ok(Box::new(GroupedSource::new(VirtualSource { status, clock })))
    }

    fn is_polled(&self, device: &DeviceSpec, streams: &[Arc<Stream>]) -> bool {
        streams.iter().any(|stream| stream.spec.enabled && has_generator(device, stream))
    }
}

/// The streams of one interval.
pub struct VirtualPollGroup(Vec<(StreamId, Result<GeneratedStream, String>)>);

struct GeneratedStream {
    generator: Generator,
    kind: StreamKind,
}

/// Polling source of a virtual device.
pub struct VirtualSource {
    status: Arc<DeviceStatusCell>,
    clock: Arc<dyn Clock>,
}

/// Whether a stream of a virtual device is polled. A stream without a generator gets its values by other ways:
/// posted, or from a broker.
fn has_generator(device: &DeviceSpec, stream: &Stream) -> bool {
    !matches!(Generator::from_metadata(&device.metadata, &stream.spec.metadata), Ok(None))
}

#[async_trait]
impl PollSource for VirtualSource {
    type Group = VirtualPollGroup;

    fn is_same_endpoint(&self, _: &VirtualSource) -> bool {
        true
    }

    fn polls(&self, device: &DeviceSpec, stream: &Stream) -> bool {
        has_generator(device, stream)
    }

    fn group(&mut self, device: &DeviceSpec, streams: &[Arc<Stream>]) -> VirtualPollGroup {
        let streams = streams.iter().filter(|stream| has_generator(device, stream));
        VirtualPollGroup(streams.map(|stream| (stream.id, generated_stream(device, stream))).collect())
    }

    /// Pushes one result for each stream of the group, all with the same time.
    async fn poll(
        &mut self,
        batch: &mut VirtualPollGroup,
        answers: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        let now = self.clock.now();
        self.status.record_received(now);
        answers.extend(batch.0.iter().map(|(stream, source)| {
            let value = source.as_ref().map(|source| source.value(*stream, now));
            PollResult {
                stream: *stream,
                ts: now,
                outcome: value.map(NumericValue::into).map_err(String::clone),
            }
        }));
        Ok(())
    }
}

impl GeneratedStream {
    fn value(&self, stream: StreamId, now: Micros) -> NumericValue {
        let value = self.generator.value(stream, now);
        match self.kind {
            StreamKind::Bit => NumericValue::Bit(value >= self.generator.mean),
            // The value fits: the generator was checked against the kind.
            StreamKind::Uint64 => NumericValue::Uint(value.round() as u64),
            kind if kind.integer_range().is_some() => NumericValue::Int(value.round() as i64),
            _ => NumericValue::Float(value),
        }
    }
}

fn generated_stream(device: &DeviceSpec, stream: &Stream) -> Result<GeneratedStream, String> {
    let kind = stream.spec.kind;
    let to_message = |error: FieldError| error.message;
    let generator = Generator::from_metadata(&device.metadata, &stream.spec.metadata).map_err(to_message)?;
    let generator = generator.ok_or_else(|| "it has no generator".to_owned())?;
    generator.check(kind).map_err(to_message)?;
    Ok(GeneratedStream { generator, kind })
}
