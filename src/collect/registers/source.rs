//! Polling source for devices with numbered registers: connects when needed, polls a group of points in few reads, and learns which
//! registers must not be read over.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::isolation::{IsolatingReader, PollProgress};
use super::plan::{self, ReadRules};
use super::poll_group::{RegisterPollGroup, StreamRegisters};
use super::request_sender::RequestSender;
use crate::collect::client::DeviceEndpoint;
use crate::collect::deadband::PollResult;
use crate::collect::fault::DeviceFault;
use crate::collect::learned_expiry::LearnedExpiry;
use crate::collect::protocol::SourceContext;
use crate::collect::schedule::Schedule;
use crate::collect::settings::ProtocolSettings;
use crate::collect::source::{PollSource, ReadyGroup, wait_until_due};
use crate::domain::Result;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::Stream;

/// Upper bound of the setting `max_gap`, in words.
const MAX_GAP_WORDS: u64 = 125;

/// Polling source of one device.
pub struct RegisterSource {
    protocol: &'static dyn StreamRegisters,
    reader: IsolatingReader,
    relearn: LearnedExpiry,
    learning_epoch: u64,
}

impl RegisterSource {
    /// Opens no connection yet. The error names the wrong setting.
    pub fn new(
        protocol: &'static dyn StreamRegisters,
        spec: &DeviceSpec,
        context: SourceContext,
    ) -> Result<RegisterSource> {
        Ok(RegisterSource::with_endpoint(protocol, protocol.endpoint(spec)?, max_gap(spec)?, context))
    }

    /// A source of the device at an endpoint, with the widest gap that its owner allows to be read over.
    pub(super) fn with_endpoint(
        protocol: &'static dyn StreamRegisters,
        endpoint: Arc<dyn DeviceEndpoint>,
        max_gap: Option<u16>,
        context: SourceContext,
    ) -> RegisterSource {
        let sender = RequestSender::new(endpoint, context);
        RegisterSource {
            protocol,
            reader: IsolatingReader::new(sender, ReadRules::new(max_gap)),
            relearn: LearnedExpiry::default(),
            learning_epoch: 0,
        }
    }

    /// Whether the device is left to other programs between polls.
    fn closes_after_poll(&self) -> bool {
        self.reader.sender.usage().close_after_poll
    }

    /// Plans the requests of a group where they are not planned by what is known now.
    fn plan(&mut self, group: &mut RegisterPollGroup) {
        if self.relearn.is_due(Instant::now()) {
            self.reader.rules.forget();
            self.learning_epoch += 1;
        }
        if group.requests.is_empty() || group.learning_epoch != self.learning_epoch {
            group.learning_epoch = self.learning_epoch;
            let rules = self.reader.rules_with_silent();
            group.requests = plan::pack_requests(plan::coalesce(&group.spans, rules), rules);
        }
    }
}

#[async_trait]
impl PollSource for RegisterSource {
    type Group = RegisterPollGroup;

    fn is_same_endpoint(&self, other: &RegisterSource) -> bool {
        self.reader.sender.is_same_endpoint(&other.reader.sender)
    }

    fn group(&mut self, device: &DeviceSpec, streams: &[Arc<Stream>]) -> RegisterPollGroup {
        RegisterPollGroup::new(self.protocol, device, streams)
    }

    /// Keeps which registers are not answered, and how long reads may be: to learn it anew costs timeouts.
    fn resume(&mut self, before: RegisterSource, groups: &[RegisterPollGroup]) {
        self.relearn = before.relearn;
        if self.reader.resume(before.reader, groups) {
            self.relearn.record_learned(Instant::now());
        }
    }

    /// Does nothing where the connection is closed after each poll: the next one connects.
    async fn connect(&self) -> Result<(), DeviceFault> {
        if self.closes_after_poll() { Ok(()) } else { self.reader.sender.connect().await }
    }

    async fn probe(&self) -> Result<(), DeviceFault> {
        self.reader.sender.connect().await
    }

    async fn disconnect(&self) {
        self.reader.sender.disconnect().await;
    }

    /// Groups that are due at the same time share a connection.
    async fn ready(&mut self, schedule: &mut Schedule) -> Vec<ReadyGroup> {
        if self.closes_after_poll() {
            self.disconnect().await;
        }
        wait_until_due(schedule).await
    }

    async fn poll(
        &mut self,
        group: &mut RegisterPollGroup,
        results: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        self.reader.sender.connect().await?;
        self.plan(group);
        let count = results.len();
        let mut progress = PollProgress::new(results);
        if let Err(fault) = self.reader.poll(group, &mut progress).await {
            if matches!(fault, DeviceFault::Unsolicited { .. }) {
                // An answer may have been that to an earlier request.
                results.truncate(count);
            }
            return Err(fault);
        }
        if progress.has_learnt {
            group.requests.clear();
            self.relearn.record_learned(Instant::now());
        }
        group.add_unreadable(self.reader.sender.now(), results);
        Ok(())
    }
}

/// The widest gap that the device's owner allows to be read over.
pub fn max_gap(spec: &DeviceSpec) -> Result<Option<u16>> {
    ProtocolSettings(&spec.metadata).number("max_gap", MAX_GAP_WORDS)
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "source_chaos_tests.rs"]
mod chaos_tests;
