//! Polling source for EtherNet/IP: the tags of an interval are read in few messages, as many as fit into each.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use super::batch::{self, ReadSize};
use super::client::{EipClient, TagOutcome};
use super::endpoint::EipEndpoint;
use super::tag::{InvalidTagPath, TagPath};
use crate::collect::deadband::PollResult;
use crate::collect::device_value::Sample;
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::SourceContext;
use crate::collect::schedule::Schedule;
use crate::collect::shared_connection::SharedConnection;
use crate::collect::source::{PollSource, ReadyGroup, wait_until_due};
use crate::collect::status_cell::DeviceStatusCell;
use crate::domain::device::DeviceSpec;
use crate::domain::reading::Quality;
use crate::domain::stream::{Stream, StreamKind};
use crate::domain::{Clock, Micros, Result, StreamId};

/// Least bytes that are counted for a value: an element of a BOOL array comes with its whole DWORD.
const LEAST_VALUE_BYTES: usize = 4;

/// Streams of one interval.
#[derive(Default)]
pub struct EipPollGroup {
    targets: Vec<TagTarget>,
    /// Streams that cannot be read whatever the controller answers, and why.
    unreadable: Vec<(StreamId, String)>,
}

struct TagTarget {
    stream: StreamId,
    path: TagPath,
    kind: StreamKind,
    /// Bytes of the value when it was last read.
    value_bytes: usize,
}

/// Polling source of one controller.
pub struct EipSource {
    endpoint: Arc<EipEndpoint>,
    connection: Arc<SharedConnection>,
    status: Arc<DeviceStatusCell>,
    clock: Arc<dyn Clock>,
}

impl EipSource {
    /// Opens no connection yet. The error names the wrong setting.
    pub fn new(spec: &DeviceSpec, context: SourceContext) -> Result<EipSource> {
        Ok(EipSource {
            endpoint: Arc::new(EipEndpoint::from_spec(spec)?),
            connection: context.connection,
            status: context.status,
            clock: context.clock,
        })
    }

    /// Connects unless connected.
    async fn open(&self) -> Result<(), DeviceFault> {
        let mut connection = self.connection.lock().await;
        let connected = connection.client::<EipClient>(&self.endpoint).await.map(drop);
        connected.inspect_err(|fault| self.status.record_fault(self.clock.now(), fault))
    }

    /// Whether the controller is left to other programs between polls.
    fn closes_after_poll(&self) -> bool {
        self.endpoint.peer.usage.close_after_poll
    }

    async fn poll_once(
        &self,
        group: &mut EipPollGroup,
        results: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        self.open().await?;
        let sizes: Vec<ReadSize> =
            group.targets.iter().map(|target| ReadSize::new(&target.path, target.value_bytes)).collect();
        for range in batch::split(&sizes) {
            let targets = &mut group.targets[range];
            let (ts, outcomes) = self.read(targets).await?;
            for (target, outcome) in targets.iter_mut().zip(outcomes) {
                if let Ok(data) = &outcome {
                    target.value_bytes = data.raw.len().max(LEAST_VALUE_BYTES);
                }
                results.push(poll_result(target, ts, outcome));
            }
        }
        let ts = self.clock.now();
        let unreadable = group.unreadable.iter();
        results.extend(unreadable.map(|(stream, why)| PollResult {
            stream: *stream,
            ts,
            outcome: Err(why.clone()),
        }));
        Ok(())
    }

    /// Reads one batch. The outer error ends the connection.
    async fn read(&self, targets: &[TagTarget]) -> Result<(Micros, Vec<TagOutcome>), DeviceFault> {
        let paths: Vec<&TagPath> = targets.iter().map(|target| &target.path).collect();
        let mut connection = self.connection.lock().await;
        let started = Instant::now();
        let read = match connection.client::<EipClient>(&self.endpoint).await {
            Ok(client) => client.read_tags(&paths).await,
            Err(fault) => Err(fault),
        };
        let now = self.clock.now();
        match read {
            Ok(outcomes) => {
                self.status.record_response(now, started.elapsed());
                Ok((now, outcomes))
            }
            Err(fault) => {
                connection.record_failure(&self.status, self.clock.now(), &fault);
                if fault.is_connection_loss() {
                    Err(fault)
                } else {
                    Ok((now, vec![Err(fault); targets.len()]))
                }
            }
        }
    }
}

#[async_trait]
impl PollSource for EipSource {
    type Group = EipPollGroup;

    fn is_same_endpoint(&self, other: &EipSource) -> bool {
        self.endpoint == other.endpoint
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

    /// Does nothing where the session ends after each poll: the next one connects.
    async fn connect(&self) -> Result<(), DeviceFault> {
        if self.closes_after_poll() { Ok(()) } else { self.open().await }
    }

    async fn probe(&self) -> Result<(), DeviceFault> {
        self.open().await
    }

    /// Ends the session, so that the controller need not wait for its end.
    async fn disconnect(&self) {
        self.connection.lock().await.close().await;
    }

    /// Groups that are due at the same time share a session.
    async fn ready(&mut self, schedule: &mut Schedule) -> Vec<ReadyGroup> {
        if self.closes_after_poll() {
            self.disconnect().await;
        }
        wait_until_due(schedule).await
    }

    /// A connection that had worked and is found closed is reopened once on the spot: controllers close sessions that
    /// are idle for longer than two minutes, which is no loss of the source.
    async fn poll(
        &mut self,
        group: &mut EipPollGroup,
        results: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        let had_worked = self.connection.lock().await.has_worked();
        match self.poll_once(group, results).await {
            Err(DeviceFault::Closed { .. }) if had_worked => {
                results.clear();
                self.poll_once(group, results).await.inspect(|()| self.status.record_reconnect())
            }
            polled => polled,
        }
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
