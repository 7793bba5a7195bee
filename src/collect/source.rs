//! Polling, as a protocol implements it: connect, wait until due, poll a group of streams.
//!
//! A polled protocol is ready when its schedule says so. A device that pushes values is ready when some have arrived;
//! its `poll` then returns these and sends no request.

use std::any::Any;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::{Instant, sleep_until};

use super::deadband::PollResult;
use super::fault::DeviceFault;
use super::schedule::{Schedule, Tick};
use crate::domain::device::DeviceSpec;
use crate::domain::stream::Stream;

/// Index of a group to poll, with its tick where a schedule gives one.
pub type ReadyGroup = (usize, Option<Tick>);

/// Polling source of one device, as its protocol implements it. [`GroupedSource`] makes a [`DeviceSource`] of it.
#[async_trait]
pub trait PollSource: Send + Sync + 'static {
    /// Streams that are polled together.
    type Group: Send + Sync;

    /// Whether both have the same endpoint, so that an open connection is good for both.
    fn is_same_endpoint(&self, other: &Self) -> bool;

    /// Whether a stream is polled at all.
    fn polls(&self, _device: &DeviceSpec, _stream: &Stream) -> bool {
        true
    }

    /// Plans the polling of these streams, all of one interval. Streams that cannot be read yield their reason at
    /// every poll.
    fn group(&mut self, device: &DeviceSpec, streams: &[Arc<Stream>]) -> Self::Group;

    /// Takes over what the source before it has learnt of the same endpoint. It is called once, with the groups that
    /// are polled from now on, before the first poll.
    fn resume(&mut self, _before: Self, _groups: &[Self::Group])
    where
        Self: Sized,
    {
    }

    /// Gives a group what the groups of the source before it have learnt of the same endpoint. It is called once for each
    /// group, before [`PollSource::resume`].
    fn resume_group(&self, _group: &mut Self::Group, _before: &mut [Self::Group]) {}

    /// Connects unless connected. A protocol that keeps no connection does nothing: the request itself shows whether
    /// the device is there.
    async fn connect(&self) -> Result<(), DeviceFault> {
        Ok(())
    }

    /// Checks that a device without polled streams can be reached. May leave a connection open.
    async fn probe(&self) -> Result<(), DeviceFault> {
        self.connect().await
    }

    /// Closes the connection, if there is one.
    async fn disconnect(&self) {}

    /// Resolves with the groups to poll now. Dropping the future before that loses nothing.
    async fn ready(&mut self, schedule: &mut Schedule) -> Vec<ReadyGroup> {
        wait_until_due(schedule).await
    }

    /// Pushes the results of a group: one for each stream, or for a device that pushes values those that have
    /// arrived. After an error the connection is closed and `results` holds what came until then.
    async fn poll(
        &mut self,
        group: &mut Self::Group,
        results: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault>;

    /// Whether the device keeps what it has sent until [`PollSource::on_stored`]. Then readings that cannot be stored
    /// now are offered again, however long that takes, and nothing is polled meanwhile.
    fn requires_storage_ack(&self) -> bool {
        false
    }

    /// The results of the last poll are durable, or can never be stored.
    fn on_stored(&mut self) {}
}

/// Waits for the next groups that are due.
pub async fn wait_until_due(schedule: &mut Schedule) -> Vec<ReadyGroup> {
    match schedule.next_due() {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
    schedule.take_due(Instant::now()).into_iter().map(|(group, tick)| (group, Some(tick))).collect()
}

/// Polling source of one device, whatever its protocol. It owns the groups, which are numbered from 0.
#[async_trait]
pub trait DeviceSource: Any + Send {
    /// Whether both have the same endpoint; sources of two protocols never do.
    fn is_same_endpoint(&self, other: &dyn DeviceSource) -> bool;

    /// Whether a stream is polled at all.
    fn polls(&self, device: &DeviceSpec, stream: &Stream) -> bool;

    /// Gives the source its groups, once and before it is polled.
    fn set_groups(&mut self, device: &DeviceSpec, groups: &[Vec<Arc<Stream>>]);

    /// Takes over what another source has learnt ([`PollSource::resume`]), unless it is of another endpoint. Call it after
    /// [`DeviceSource::set_groups`].
    fn resume(&mut self, before: Box<dyn DeviceSource>);

    /// Connects unless connected ([`PollSource::connect`]).
    async fn connect(&self) -> Result<(), DeviceFault>;

    /// Checks that a device without polled streams can be reached.
    async fn probe(&self) -> Result<(), DeviceFault>;

    /// Closes the connection, if there is one.
    async fn disconnect(&self);

    /// Resolves with the groups to poll now ([`PollSource::ready`]).
    async fn ready(&mut self, schedule: &mut Schedule) -> Vec<ReadyGroup>;

    /// Pushes the results of the group with this number ([`PollSource::poll`]).
    async fn poll(&mut self, group: usize, results: &mut Vec<PollResult>) -> Result<(), DeviceFault>;

    /// Whether the device keeps what it has sent until [`DeviceSource::on_stored`].
    fn requires_storage_ack(&self) -> bool;

    /// The results of the last poll are durable, or can never be stored.
    fn on_stored(&mut self);
}

/// A protocol's source with its groups.
pub struct GroupedSource<S: PollSource> {
    source: S,
    groups: Vec<S::Group>,
}

impl<S: PollSource> GroupedSource<S> {
    /// A source that polls nothing yet.
    pub fn new(source: S) -> Self {
        GroupedSource { source, groups: Vec::new() }
    }
}

#[async_trait]
impl<S: PollSource> DeviceSource for GroupedSource<S> {
    fn is_same_endpoint(&self, other: &dyn DeviceSource) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| self.source.is_same_endpoint(&other.source))
    }

    fn polls(&self, device: &DeviceSpec, stream: &Stream) -> bool {
        self.source.polls(device, stream)
    }

    fn set_groups(&mut self, device: &DeviceSpec, groups: &[Vec<Arc<Stream>>]) {
        debug_assert!(self.groups.is_empty(), "a source gets its groups once");
        self.groups = groups.iter().map(|streams| self.source.group(device, streams)).collect();
    }

    fn resume(&mut self, before: Box<dyn DeviceSource>) {
        if self.is_same_endpoint(&*before)
            && let Ok(before) = (before as Box<dyn Any>).downcast::<Self>()
        {
            let GroupedSource { source, groups: mut before } = *before;
            self.groups.iter_mut().for_each(|group| self.source.resume_group(group, &mut before));
            self.source.resume(source, &self.groups);
        }
    }

    async fn connect(&self) -> Result<(), DeviceFault> {
        self.source.connect().await
    }

    async fn probe(&self) -> Result<(), DeviceFault> {
        self.source.probe().await
    }

    async fn disconnect(&self) {
        self.source.disconnect().await;
    }

    async fn ready(&mut self, schedule: &mut Schedule) -> Vec<ReadyGroup> {
        self.source.ready(schedule).await
    }

    async fn poll(&mut self, group: usize, results: &mut Vec<PollResult>) -> Result<(), DeviceFault> {
        self.source.poll(&mut self.groups[group], results).await
    }

    fn requires_storage_ack(&self) -> bool {
        self.source.requires_storage_ack()
    }

    fn on_stored(&mut self) {
        self.source.on_stored();
    }
}
