//! Values of several streams in one message: all of them are stored, or the message is refused whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;

use super::MqttPublisher;
use super::payload::{self, Sample};
use super::publish::{Publication, reading};
use crate::app::messages::target::{MAX_NAME_CHARS, MessageTargets, SensorValue};
use crate::domain::device::Device;
use crate::domain::message::leaves::{Leaf, visit_leaves};
use crate::domain::quarantine::{Mistake, QuarantineEntry, QuarantineReason};
use crate::domain::reading::Readings;
use crate::domain::stream::Stream;
use crate::domain::validation::check_text;
use crate::domain::{DeviceId, Error, Principal, Result};

/// Texts without a stream that are remembered as reported.
const MAX_REPORTED: usize = 10_000;

/// The members that were reported to be texts without a stream, so that each is reported once and not with every message.
#[derive(Default)]
pub(super) struct ReportedTexts(Mutex<HashSet<(DeviceId, String)>>);

impl ReportedTexts {
    /// Whether this member is to be reported. What is reported is forgotten once there is too much of it.
    fn is_new(&self, device: DeviceId, name: &str) -> bool {
        let mut reported = self.0.lock();
        if reported.len() >= MAX_REPORTED {
            reported.clear();
        }
        reported.insert((device, name.to_owned()))
    }
}

impl MqttPublisher {
    /// Stores the values of a device's streams. A member that is a text without a stream is counted and reported in the
    /// quarantine; all others are stored or, with an error, none.
    pub(super) async fn publish_samples(
        &self,
        who: &Principal,
        device: &Device,
        publication: &Publication,
    ) -> Result<()> {
        let samples = payload::samples(&publication.payload)?;
        let streams = self.streams_of_samples(who, device, &samples).await?;
        let arrived = self.clock.now();
        let mut readings = Readings::default();
        let mut texts = HashSet::new();
        for Sample { ts, values } in &samples {
            visit_leaves(values, MAX_NAME_CHARS, &mut |name, leaf| {
                let name = name.trim();
                match streams.get(name) {
                    Some(stream) => {
                        let ts = ts.unwrap_or_else(|| self.store.assign_ts(stream.id, arrived));
                        readings.push(reading(stream, ts, &leaf.into_json())?);
                    }
                    None if texts.contains(name) => {}
                    None => drop(texts.insert(name.to_owned())),
                }
                Ok(())
            })?;
        }
        if readings.is_empty() {
            return Err(Error::invalid("the payload has no values: send an object of numbers by stream"));
        }
        self.report_texts(who, device, publication, texts).await?;
        self.store.write(who, readings).await.map(drop)
    }

    /// Returns the streams of the members by name, and creates those that are new. Before any is created, every member is
    /// looked at.
    async fn streams_of_samples(
        &self,
        who: &Principal,
        device: &Device,
        samples: &[Sample],
    ) -> Result<HashMap<String, Arc<Stream>>> {
        let mut streams = self.messages.streams_by_name(who, device.id);
        let max_new = self.max_new_streams;
        let mut new: BTreeMap<String, Value> = BTreeMap::new();
        for sample in samples {
            visit_leaves(&sample.values, MAX_NAME_CHARS, &mut |path, leaf| {
                let name = path.trim();
                if streams.contains_key(name) || new.contains_key(name) {
                    return Ok(());
                }
                let mut problems = Vec::new();
                check_text(&mut problems, "stream", name, 1, MAX_NAME_CHARS);
                if let Some(problem) = problems.pop() {
                    return Err(Error::field(path.to_owned(), problem.full_message()));
                }
                if let Leaf::Text(_) = leaf {
                    return Ok(());
                }
                if new.len() >= max_new {
                    let problem = format!(
                        "is a new stream beyond the {max_new} that one message creates (`ingest.max_new_streams`)"
                    );
                    return Err(Error::field(path.to_owned(), problem));
                }
                new.insert(name.to_owned(), leaf.into_json());
                Ok(())
            })?;
        }
        let mut targets = MessageTargets::new(&self.messages, who);
        for (name, value) in new {
            let sensor = SensorValue { name: &name, value: &value, unit: None };
            let made = targets.stream(device.id, &sensor).await?;
            streams.extend(made.map(|stream| (name, stream)));
        }
        Ok(streams)
    }

    /// Counts the members that are texts without a stream, and puts those that were not reported before into the quarantine.
    async fn report_texts(
        &self,
        who: &Principal,
        device: &Device,
        publication: &Publication,
        texts: HashSet<String>,
    ) -> Result<()> {
        self.state.counters.count_texts_without_stream(texts.len());
        let is_new = |name: &String| self.state.reported_texts.is_new(device.id, name);
        let mut new: Vec<String> = texts.into_iter().filter(is_new).collect();
        if new.is_empty() {
            return Ok(());
        }
        new.sort_unstable();
        let problem = format!(
            "texts without a stream, which are not stored; only a number or a truth value creates one: {}",
            new.join(", ")
        );
        let mistake = Mistake::new(QuarantineReason::UnknownSensor, "stream", problem);
        let Publication { topic, payload, .. } = publication;
        let entry = QuarantineEntry::new(&mistake, topic, payload, self.clock.now());
        self.readings
            .keep_in_quarantine(who, vec![QuarantineEntry { device: Some(device.id), ..entry }])
            .await
    }
}
