//! The tags that are read at one interval, and what is known of reading them.

use std::collections::HashMap;

use tokio::time::Instant;

use super::batch::{self, ReadSize};
use super::client::TagOutcome;
use super::tag::TagPath;
use crate::collect::deadband::PollResult;
use crate::collect::device_value::Sample;
use crate::collect::fault::DeviceFault;
use crate::collect::silent_parts::SilentParts;
use crate::domain::reading::Quality;
use crate::domain::stream::StreamKind;
use crate::domain::{Micros, StreamId};

/// Least bytes that are counted for a value: an element of a BOOL array comes with its whole DWORD.
const LEAST_VALUE_BYTES: usize = 4;

/// Streams of one interval.
#[derive(Default)]
pub struct EipPollGroup {
    pub(super) targets: Vec<TagTarget>,
    /// Streams that cannot be read whatever the controller answers, and why.
    pub(super) unreadable: Vec<(StreamId, String)>,
    /// Tags whose read was lost or refused by itself. They have a message of their own from then on, and seldom.
    pub(super) silent: SilentParts<StreamId>,
    /// The tag that answered last.
    pub(super) answering: Option<usize>,
    /// Which tag is asked next when none is known to answer.
    pub(super) next_probe: usize,
}

/// A stream and its tag.
pub(super) struct TagTarget {
    pub stream: StreamId,
    pub path: TagPath,
    pub kind: StreamKind,
    /// Bytes of the value when it was last read.
    pub value_bytes: usize,
}

impl EipPollGroup {
    /// Takes over what earlier groups have learnt of the tags that this one has too, each by its stream and its path.
    pub fn resume(&mut self, before: &mut [EipPollGroup]) {
        let mut known = HashMap::new();
        for (group, earlier) in before.iter().enumerate() {
            let targets = earlier.targets.iter().enumerate();
            known.extend(targets.map(|(tag, target)| (target.stream, (group, tag))));
        }
        for target in &mut self.targets {
            let Some((group, tag)) = known.get(&target.stream).copied() else { continue };
            let earlier = &mut before[group];
            if earlier.targets[tag].path == target.path {
                target.value_bytes = earlier.targets[tag].value_bytes;
                self.silent.take_from(&mut earlier.silent, target.stream);
            }
        }
    }

    /// Divides tags, given by their positions, into messages.
    pub fn messages(&self, tags: &[usize]) -> Vec<Vec<usize>> {
        let size = |tag: &usize| {
            let target = &self.targets[*tag];
            ReadSize::new(&target.path, target.value_bytes)
        };
        let sizes: Vec<ReadSize> = tags.iter().map(size).collect();
        batch::split(&sizes).into_iter().map(|range| tags[range].to_vec()).collect()
    }

    /// The tag to ask for when it is in doubt whether the controller answers at all: the one that answered last, once, else all in
    /// turn.
    pub fn take_probe(&mut self) -> Option<usize> {
        self.answering.take().or_else(|| {
            let next = self.next_probe.checked_rem(self.targets.len())?;
            self.next_probe = self.next_probe.wrapping_add(1);
            Some(next)
        })
    }

    /// Adds the results of tags that were read in one message.
    pub fn add_outcomes(
        &mut self,
        tags: &[usize],
        (ts, outcomes): (Micros, Vec<TagOutcome>),
        results: &mut Vec<PollResult>,
    ) {
        for (tag, outcome) in tags.iter().zip(outcomes) {
            let target = &mut self.targets[*tag];
            self.silent.remove(target.stream);
            if let Ok(data) = &outcome {
                target.value_bytes = data.raw.len().max(LEAST_VALUE_BYTES);
                self.answering = Some(*tag);
            }
            results.push(poll_result(target, ts, outcome));
        }
    }

    /// Records that a tag got no answer of its own, or was refused as a whole message.
    pub fn record_silence(&mut self, tag: usize, fault: &DeviceFault) {
        self.silent.record(self.targets[tag].stream, fault, Instant::now());
    }

    /// Adds one fault as the result of tags.
    pub fn add_fault(&self, tags: &[usize], ts: Micros, fault: &DeviceFault, results: &mut Vec<PollResult>) {
        let of_tag = |tag: &usize| poll_result(&self.targets[*tag], ts, Err(fault.clone()));
        results.extend(tags.iter().map(of_tag));
    }

    /// Adds the results of the streams that cannot be read whatever the controller answers.
    pub fn add_unreadable(&self, ts: Micros, results: &mut Vec<PollResult>) {
        let unreadable = self.unreadable.iter();
        results.extend(unreadable.map(|(id, why)| PollResult { stream: *id, ts, outcome: Err(why.clone()) }));
    }
}

fn poll_result(target: &TagTarget, ts: Micros, outcome: TagOutcome) -> PollResult {
    let value = match outcome {
        Ok(data) => data.sample(target.path.bit(), Some(target.kind)),
        Err(fault) => Err(fault.to_string()),
    };
    let outcome =
        value.map(|value| Sample { value, quality: Quality::Good, source_time: None, is_historical: false });
    PollResult { stream: target.stream, ts, outcome }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(tags: [(i32, &str); 3]) -> EipPollGroup {
        let target = |(id, path): (i32, &str)| TagTarget {
            stream: StreamId(id),
            path: path.parse().unwrap(),
            kind: StreamKind::Int32,
            value_bytes: batch::UNKNOWN_VALUE_BYTES,
        };
        EipPollGroup { targets: tags.map(target).into(), ..EipPollGroup::default() }
    }

    #[test]
    fn what_was_learnt_of_a_tag_is_kept_while_its_stream_has_the_same_path() {
        let fault = DeviceFault::Closed { address: "plc".to_owned(), reason: "gone".to_owned() };
        let mut before = group([(1, "speed"), (2, "level"), (3, "flow")]);
        for tag in 0..3 {
            before.targets[tag].value_bytes = LEAST_VALUE_BYTES;
            before.record_silence(tag, &fault);
        }
        let mut changed = group([(1, "Speed"), (2, "level2"), (4, "flow")]);
        changed.resume(&mut [EipPollGroup::default(), before]);
        assert_eq!(changed.silent.parts(), [StreamId(1)]);
        let sizes: Vec<usize> = changed.targets.iter().map(|target| target.value_bytes).collect();
        assert_eq!(sizes, [LEAST_VALUE_BYTES, batch::UNKNOWN_VALUE_BYTES, batch::UNKNOWN_VALUE_BYTES]);
    }
}
