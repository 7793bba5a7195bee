//! Isolation of tags that a controller does not answer: a message that is lost, or refused as a whole, is halved until the tags at
//! fault are alone, so that they cost no other tag its value.
//!
//! A lost controller answers nothing at all. So after each message that was lost, another tag is asked for: only while that one
//! answers is the message at fault. And a refused message is believed to be the fault of some of its tags only while the controller
//! gives the value of others.

use tokio::time::Instant;

use super::client::TagOutcome;
use super::poll_group::EipPollGroup;
use super::tag::TagPath;
use super::tag_reader::TagReader;
use crate::collect::deadband::PollResult;
use crate::collect::fault::DeviceFault;
use crate::domain::Micros;

/// Lost messages of one poll, after which the others that are lost wait for the next poll: each costs the device's timeout.
const MAX_LOST_MESSAGES: usize = 12;
/// Refused messages of one poll, after which the others wait for the next poll.
const MAX_REFUSED_MESSAGES: usize = 48;
/// How many tags a poll asks for one by one to learn whether a refusal is of all.
const MAX_PROBES: usize = 3;

/// One poll of a group.
pub(super) struct TagPoll<'a> {
    reader: &'a TagReader,
    group: &'a mut EipPollGroup,
    results: &'a mut Vec<PollResult>,
    /// Messages to send, the next one last.
    messages: Vec<TagMessage>,
    lost_messages: usize,
    refused_messages: usize,
    /// Tags that were asked for to learn whether a refusal is of all.
    probes: usize,
    /// Whether the controller has given any value.
    has_values: bool,
}

/// Tags that are read together, by their positions in the group.
struct TagMessage {
    tags: Vec<usize>,
    /// Whether it is a part of a message that got no values.
    is_part: bool,
    /// Whether it was sent before.
    is_repeated: bool,
}

impl<'a> TagPoll<'a> {
    /// Prepares a poll that appends its results to `results`; `run` sends the messages.
    pub fn new(
        reader: &'a TagReader,
        group: &'a mut EipPollGroup,
        results: &'a mut Vec<PollResult>,
    ) -> TagPoll<'a> {
        TagPoll {
            reader,
            group,
            results,
            messages: Vec::new(),
            lost_messages: 0,
            refused_messages: 0,
            probes: 0,
            has_values: false,
        }
    }

    /// Reads all tags of the group, of those that have been silent only the first that is due. Each tag has a result then.
    ///
    /// # Errors
    /// The controller is lost.
    pub async fn run(mut self) -> Result<(), DeviceFault> {
        let now = Instant::now();
        let (mut healthy, mut due) = (Vec::with_capacity(self.group.targets.len()), None);
        for (tag, target) in self.group.targets.iter().enumerate() {
            match self.group.silent.get(target.stream) {
                None => healthy.push(tag),
                Some(silence) if due.is_none() && silence.is_due(now) => due = Some(tag),
                Some(silence) => {
                    let ts = self.reader.clock.now();
                    self.group.add_fault(&[tag], ts, silence.fault(), self.results);
                }
            }
        }
        let messages = self.group.messages(&healthy).into_iter().rev();
        self.messages =
            messages.map(|tags| TagMessage { tags, is_part: false, is_repeated: false }).collect();
        self.send().await?;
        if let Some(tag) = due {
            self.messages.push(TagMessage { tags: vec![tag], is_part: true, is_repeated: true });
            self.send().await?;
        }
        self.group.add_unreadable(self.reader.clock.now(), self.results);
        Ok(())
    }

    /// Sends all messages, and the parts of those that get no values.
    async fn send(&mut self) -> Result<(), DeviceFault> {
        while let Some(message) = self.messages.pop() {
            match self.read(&message.tags).await {
                Ok(read) => self.group.add_outcomes(&message.tags, read, self.results),
                Err(fault) if fault.is_connection_loss() => {
                    self.lost_messages += 1;
                    self.check_alive().await?;
                    let is_last = self.lost_messages >= MAX_LOST_MESSAGES;
                    self.divide(message, &fault, is_last);
                }
                Err(fault) => {
                    self.refused_messages += 1;
                    let is_of_all =
                        (message.is_part || message.tags.len() > 1) && !self.gives_values().await?;
                    self.divide(message, &fault, is_of_all || self.refused_messages >= MAX_REFUSED_MESSAGES);
                }
            }
        }
        Ok(())
    }

    async fn read(&mut self, tags: &[usize]) -> Result<(Micros, Vec<TagOutcome>), DeviceFault> {
        let paths: Vec<&TagPath> = tags.iter().map(|tag| &self.group.targets[*tag].path).collect();
        let read = self.reader.read(&paths).await;
        self.has_values |= read.as_ref().is_ok_and(|(_, outcomes)| outcomes.iter().any(Result::is_ok));
        read
    }

    /// Halves a message that got no values, unless it `is_last`. A tag that is alone is asked once more where the message was lost,
    /// which may be by chance; then the fault is its own.
    fn divide(&mut self, message: TagMessage, fault: &DeviceFault, is_last: bool) {
        let is_lost = fault.is_connection_loss();
        match message.tags.as_slice() {
            [_] if is_lost && !message.is_repeated && !is_last => {
                self.messages.push(TagMessage { is_repeated: true, ..message });
            }
            several if several.len() > 1 && !is_last => {
                let (first, second) = several.split_at(several.len() / 2);
                for tags in [second, first] {
                    self.messages.push(TagMessage { tags: tags.to_vec(), is_part: true, is_repeated: false });
                }
            }
            tags => {
                if let ([tag], true) = (tags, is_lost || (message.is_part && !is_last)) {
                    self.group.record_silence(*tag, fault);
                }
                self.group.add_fault(tags, self.reader.clock.now(), fault, self.results);
            }
        }
    }

    /// Checks that the controller answers at all after it lost a message.
    ///
    /// # Errors
    /// It does not, so it is lost.
    async fn check_alive(&mut self) -> Result<(), DeviceFault> {
        let Some(probe) = self.group.take_probe() else { return Ok(()) };
        match self.read(&[probe]).await {
            Err(fault) if fault.is_connection_loss() => Err(fault),
            _ => {
                self.group.answering = Some(probe);
                Ok(())
            }
        }
    }

    /// Whether the controller gives the value of any tag in this poll. Asks for a few of them unless it is known.
    ///
    /// # Errors
    /// The controller cannot be connected to.
    async fn gives_values(&mut self) -> Result<bool, DeviceFault> {
        while !self.has_values && self.probes < MAX_PROBES {
            self.probes += 1;
            let Some(probe) = self.group.take_probe() else { break };
            match self.read(&[probe]).await {
                Err(fault @ DeviceFault::Unreachable { .. }) => return Err(fault),
                _ if self.has_values => self.group.answering = Some(probe),
                _ => {}
            }
        }
        Ok(self.has_values)
    }
}

#[cfg(test)]
#[path = "isolation_tests.rs"]
mod tests;
