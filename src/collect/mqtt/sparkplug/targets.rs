//! The streams of a host application by the metrics that they are about, and what events mean for them. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::address::{MetricAddress, MetricSource, NodeId};
use super::host::HostState;
use super::host_event::{HostEvent, missing};
use super::topic::node_filter;
use crate::collect::deadband::PollResult;
use crate::collect::device_value::Sample;
use crate::domain::arrival::AheadBound;
use crate::domain::mqtt::filter::TopicFilter;
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{Micros, StreamId};

/// Effects of messages and the passing of time on the streams and the edge nodes.
#[derive(Default)]
pub struct PollEffects {
    pub results: Vec<PollResult>,
    /// Edge nodes that are to be asked for their births.
    pub rebirths: Vec<NodeId>,
    /// Whether the host is to say again that it is online.
    pub announces_again: bool,
    /// Messages, or parts of them, that were not used.
    pub ignored: u32,
}

/// The streams of a source by the metrics that they are about.
#[derive(Default)]
pub struct MetricTargets {
    /// Subscribed to in place of one filter for each edge node.
    own_filter: Option<TopicFilter>,
    /// Stream and kind for each metric; two streams may have the same one.
    by_metric: HashMap<MetricAddress, Vec<(StreamId, StreamKind)>>,
    /// Metrics of `by_metric`, by what is born and dies.
    by_source: BTreeMap<MetricSource, BTreeSet<MetricAddress>>,
    /// Time of the latest value of each stream on this connection.
    latest: HashMap<StreamId, Micros>,
    /// How far ahead of its receipt a time may be.
    bound: AheadBound,
    /// Streams that cannot be read whatever is published, and why.
    unreadable: Vec<(StreamId, String)>,
}

impl MetricTargets {
    /// No streams yet.
    pub fn new(own_filter: Option<TopicFilter>) -> MetricTargets {
        MetricTargets { own_filter, ..MetricTargets::default() }
    }

    /// The filters to subscribe to.
    pub fn filters(&self) -> Vec<String> {
        match &self.own_filter {
            Some(filter) => vec![filter.as_str().to_owned()],
            None => self.nodes().into_iter().map(node_filter).collect(),
        }
    }

    /// Translates events.
    pub fn apply(
        &mut self,
        state: &HostState,
        events: &mut Vec<HostEvent>,
        now: Micros,
        effects: &mut PollEffects,
    ) {
        let results = &mut effects.results;
        for event in events.drain(..) {
            match event {
                HostEvent::Value { address, outcome, is_birth } => {
                    results.extend(self.read(&address, &outcome, is_birth, now));
                }
                HostEvent::Birth(source) => self.fail_missing(&source, state, now, results),
                HostEvent::Death { source, why } => self.fail_source(&source, &why, now, results),
                HostEvent::Rebirth(node) => effects.rebirths.push(node),
                HostEvent::Ignored { source, why } => {
                    effects.ignored += 1;
                    tracing::debug!(%source, why, "a Sparkplug message is not used");
                }
            }
        }
    }

    /// Adds a stream.
    pub fn add(&mut self, stream: &Stream) {
        match stream.spec.path.parse::<MetricAddress>() {
            Ok(address) => {
                self.by_source.entry(address.source.clone()).or_default().insert(address.clone());
                self.by_metric.entry(address).or_default().push((stream.id, stream.spec.kind));
            }
            Err(wrong) => self.unreadable.push((stream.id, wrong.to_string())),
        }
    }

    /// The edge nodes and devices of all metrics.
    pub fn sources(&self) -> impl Iterator<Item = &MetricSource> {
        self.by_source.keys()
    }

    /// The edge nodes of all metrics.
    fn nodes(&self) -> BTreeSet<&NodeId> {
        self.by_source.keys().map(|source| &source.node).collect()
    }

    /// Returns the value of a metric for its streams. Data may overtake a birth, which then repeats a value of the past.
    fn read(
        &mut self,
        address: &MetricAddress,
        outcome: &Result<Sample, String>,
        is_birth: bool,
        now: Micros,
    ) -> Vec<PollResult> {
        let mut results = Vec::new();
        for (stream, kind) in self.by_metric.get(address).into_iter().flatten() {
            let mut outcome = outcome.clone();
            let mut is_past = false;
            if let Ok(sample) = &mut outcome {
                let latest = self.latest.get(stream).copied();
                sample.is_historical |=
                    is_birth && sample.source_time.is_some_and(|time| latest > Some(time));
                is_past = sample.is_historical;
                // A time of a clock that is ahead would make the next birth one of the past once that clock is set.
                let believed = sample.source_time.filter(|time| !self.bound.is_ahead(*time, now));
                if !is_past {
                    self.latest.extend(believed.map(|time| (*stream, time)));
                }
            }
            let outcome =
                outcome.and_then(|sample| Ok(Sample { value: sample.value.convert_to(*kind)?, ..sample }));
            // A value of the past that does not fit says nothing about the stream now.
            if outcome.is_ok() || !is_past {
                results.push(PollResult { stream: *stream, ts: now, outcome });
            }
        }
        results
    }

    /// Pushes a bad result for the streams of these metrics.
    fn fail<'a>(
        &self,
        addresses: impl IntoIterator<Item = &'a MetricAddress>,
        why: impl Fn(&MetricAddress) -> String,
        now: Micros,
        results: &mut Vec<PollResult>,
    ) {
        for address in addresses {
            let streams = self.by_metric.get(address).into_iter().flatten();
            let bad = |(stream, _): &(StreamId, StreamKind)| PollResult {
                stream: *stream,
                ts: now,
                outcome: Err(why(address)),
            };
            results.extend(streams.map(bad));
        }
    }

    /// Pushes bad results for the streams of metrics that a birth does not have.
    fn fail_missing(
        &self,
        source: &MetricSource,
        state: &HostState,
        now: Micros,
        results: &mut Vec<PollResult>,
    ) {
        let addresses = self.by_source.get(source).into_iter().flatten();
        let absent = addresses.filter(|address| state.metric(address).is_err());
        self.fail(absent, missing, now, results);
    }

    /// Pushes bad results for all streams of a source; an edge node takes its devices with it.
    fn fail_source(&self, source: &MetricSource, why: &str, now: Micros, results: &mut Vec<PollResult>) {
        let is_affected =
            |other: &MetricSource| other == source || (source.device.is_none() && other.node == source.node);
        let affected = self.by_source.iter().filter(|(other, _)| is_affected(other));
        self.fail(affected.flat_map(|(_, addresses)| addresses), |_| why.to_owned(), now, results);
    }

    /// Another connection begins, on which the broker refuses these filters: pushes a result for every stream that gets
    /// no values on it.
    pub fn begin_connection(&mut self, refused: &[String], now: Micros, effects: &mut PollEffects) {
        // The clock of an edge node may have been set meanwhile.
        self.latest.clear();
        let bad = |(stream, why): &(StreamId, String)| PollResult {
            stream: *stream,
            ts: now,
            outcome: Err(why.clone()),
        };
        effects.results.extend(self.unreadable.iter().map(bad));
        for filter in refused {
            let is_own = self.own_filter.as_ref().is_some_and(|own| own.as_str() == filter);
            let why = format!("the broker refuses the subscription to `{filter}`");
            for node in self.nodes().into_iter().filter(|node| is_own || node_filter(node) == *filter) {
                let source = MetricSource { node: node.clone(), device: None };
                self.fail_source(&source, &why, now, &mut effects.results);
            }
        }
    }
}
