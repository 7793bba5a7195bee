//! Events that messages of edge nodes cause: values, births, deaths, and rebirth commands to send. Pure.

use std::sync::Arc;

use super::address::{MetricAddress, MetricSource, NodeId};
use super::birth::{Birth, MetricDescription};
use super::data_type::DataType;
use super::proto::{Metric, Payload};
use super::value;
use crate::collect::device_value::Sample;

/// Number of the data type `Unknown` (Sparkplug 3.0, section 6.4.16), which says nothing about a value.
const UNKNOWN_TYPE: u32 = 0;

/// Event that a message or the passing of time causes.
#[derive(Debug, Clone, PartialEq)]
pub enum HostEvent {
    /// A value, or why there is none. A birth repeats what may have been sent before.
    Value { address: Arc<MetricAddress>, outcome: Result<Sample, String>, is_birth: bool },
    /// A birth is complete; the metrics that it does not have do not exist.
    Birth(MetricSource),
    /// An edge node with all its devices, or one device, is gone.
    Death { source: MetricSource, why: String },
    /// A rebirth command is to be sent.
    Rebirth(NodeId),
    /// A message, or a part of it, is not used.
    Ignored { source: MetricSource, why: String },
}

/// Message for a metric that its birth does not have.
pub fn missing(address: &MetricAddress) -> String {
    format!("the birth of `{}` has no metric `{}`", address.source, address.metric)
}

/// Reads a birth with its values.
pub fn read_birth(source: &MetricSource, payload: &Payload, events: &mut Vec<HostEvent>) -> Birth {
    let (birth, problem) = Birth::new(source, &payload.metrics);
    events.extend(problem.map(|why| HostEvent::Ignored { source: source.clone(), why }));
    for metric in &payload.metrics {
        if let Some(description) = metric.name.as_deref().and_then(|name| birth.named(name)) {
            events.extend(value_event(description, metric, payload, true));
        }
    }
    events.push(HostEvent::Birth(source.clone()));
    birth
}

/// The value of a metric. A historical one that cannot be read says nothing about the present, nor does one without a
/// time of its own say when it was.
///
/// Data need not repeat the type of the birth. Where it does, the value is encoded as that type: the same bits are another
/// number as `UInt32` than as `Int32`.
pub fn value_event(
    description: &MetricDescription,
    metric: &Metric,
    payload: &Payload,
    is_birth: bool,
) -> Option<HostEvent> {
    let address = Arc::clone(&description.address);
    let own_type = metric.datatype.filter(|number| *number != UNKNOWN_TYPE).map(DataType::from_number);
    let data_type = own_type.unwrap_or(description.data_type);
    let outcome = value::read(metric, data_type, payload.timestamp);
    let is_usable = outcome.is_ok() && metric.timestamp.is_some();
    if metric.is_historical == Some(true) && !is_usable {
        let source = address.source.clone();
        let why = outcome.err().unwrap_or_else(|| "a historical value has no time".to_owned());
        return Some(HostEvent::Ignored { source, why });
    }
    Some(HostEvent::Value { address, outcome, is_birth })
}
