//! The streams of a host application by the metrics that they are about, and what events mean for them. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::address::{MetricAddress, MetricSource, NodeId};
use super::host::{HostState, missing};
use super::topic::node_filter;
use crate::collect::deadband::PollResult;
use crate::collect::device_value::Sample;
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{Micros, StreamId};

/// The streams of a source by the metrics that they are about.
#[derive(Default)]
pub struct MetricTargets {
    /// Stream and kind for each metric; two streams may have the same one.
    by_metric: HashMap<MetricAddress, Vec<(StreamId, StreamKind)>>,
    /// The same metrics, by what is born and dies.
    by_source: BTreeMap<MetricSource, BTreeSet<MetricAddress>>,
    /// Streams that cannot be read whatever is published, and why.
    unreadable: Vec<(StreamId, String)>,
}

impl MetricTargets {
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

    /// The edge nodes of all metrics.
    pub fn nodes(&self) -> BTreeSet<&NodeId> {
        self.by_source.keys().map(|source| &source.node).collect()
    }

    /// Pushes the value of a metric for its streams.
    pub fn read(
        &self,
        address: &MetricAddress,
        outcome: &Result<Sample, String>,
        now: Micros,
        results: &mut Vec<PollResult>,
    ) {
        for (stream, kind) in self.by_metric.get(address).into_iter().flatten() {
            let converted = outcome
                .clone()
                .and_then(|sample| Ok(Sample { value: sample.value.convert_to(*kind)?, ..sample }));
            let is_past = outcome.as_ref().is_ok_and(|sample| sample.is_historical);
            // A value of the past that does not fit says nothing about the stream now.
            if converted.is_ok() || !is_past {
                results.push(PollResult { stream: *stream, ts: now, outcome: converted });
            }
        }
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
    pub fn fail_missing(
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
    pub fn fail_source(&self, source: &MetricSource, why: &str, now: Micros, results: &mut Vec<PollResult>) {
        let is_affected =
            |other: &MetricSource| other == source || (source.device.is_none() && other.node == source.node);
        let affected = self.by_source.iter().filter(|(other, _)| is_affected(other));
        self.fail(affected.flat_map(|(_, addresses)| addresses), |_| why.to_owned(), now, results);
    }

    /// Pushes a result for every stream that gets no values on this connection.
    pub fn announce(&self, refused: &[String], now: Micros, results: &mut Vec<PollResult>) {
        let bad = |(stream, why): &(StreamId, String)| PollResult {
            stream: *stream,
            ts: now,
            outcome: Err(why.clone()),
        };
        results.extend(self.unreadable.iter().map(bad));
        for filter in refused {
            let why = format!("the broker refuses the subscription to `{filter}`");
            for node in self.nodes().into_iter().filter(|node| node_filter(node) == *filter) {
                let source = MetricSource { node: node.clone(), device: None };
                self.fail_source(&source, &why, now, results);
            }
        }
    }
}
