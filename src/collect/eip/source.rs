//! Polling source for EtherNet/IP: the tags of an interval are read in few messages, as many as fit into each.

use std::sync::Arc;

use async_trait::async_trait;

use super::batch;
use super::endpoint::EipEndpoint;
use super::isolation::TagPoll;
use super::poll_group::{EipPollGroup, TagTarget};
use super::tag::{InvalidTagPath, TagPath};
use super::tag_reader::TagReader;
use crate::collect::deadband::PollResult;
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::SourceContext;
use crate::collect::schedule::Schedule;
use crate::collect::source::{PollSource, ReadyGroup, wait_until_due};
use crate::domain::Result;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::Stream;

/// Polling source of one controller.
pub struct EipSource {
    reader: TagReader,
}

impl EipSource {
    /// Opens no connection yet. The error names the wrong setting.
    pub fn new(spec: &DeviceSpec, context: SourceContext) -> Result<EipSource> {
        let SourceContext { connection, status, clock, .. } = context;
        let endpoint = Arc::new(EipEndpoint::from_spec(spec)?);
        Ok(EipSource { reader: TagReader { endpoint, connection, status, clock } })
    }

    /// Whether the controller is left to other programs between polls.
    fn closes_after_poll(&self) -> bool {
        self.reader.endpoint.peer.usage.close_after_poll
    }
}

#[async_trait]
impl PollSource for EipSource {
    type Group = EipPollGroup;

    fn is_same_endpoint(&self, other: &EipSource) -> bool {
        self.reader.endpoint == other.reader.endpoint
    }

    fn group(&mut self, _: &DeviceSpec, streams: &[Arc<Stream>]) -> EipPollGroup {
        let mut group = EipPollGroup::default();
        for stream in streams {
            let path: Result<TagPath, InvalidTagPath> = stream.spec.path.parse();
            match path {
                Ok(path) => group.targets.push(TagTarget {
                    stream: stream.id,
                    path,
                    kind: stream.spec.kind,
                    value_bytes: batch::UNKNOWN_VALUE_BYTES,
                }),
                Err(error) => group.unreadable.push((stream.id, error.to_string())),
            }
        }
        group
    }

    /// Keeps which tags are not answered, and how long values are: to learn it anew costs timeouts.
    fn resume_group(&self, group: &mut EipPollGroup, before: &mut [EipPollGroup]) {
        group.resume(before);
    }

    /// Does nothing where the session ends after each poll: the next one connects.
    async fn connect(&self) -> Result<(), DeviceFault> {
        if self.closes_after_poll() { Ok(()) } else { self.reader.open().await }
    }

    async fn probe(&self) -> Result<(), DeviceFault> {
        self.reader.open().await
    }

    /// Ends the session, so that the controller need not wait for its end.
    async fn disconnect(&self) {
        self.reader.connection.lock().await.close().await;
    }

    /// Groups that are due at the same time share a session.
    async fn ready(&mut self, schedule: &mut Schedule) -> Vec<ReadyGroup> {
        if self.closes_after_poll() {
            self.disconnect().await;
        }
        wait_until_due(schedule).await
    }

    async fn poll(
        &mut self,
        group: &mut EipPollGroup,
        results: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        self.reader.open().await?;
        TagPoll::new(&self.reader, group, results).run().await
    }
}
