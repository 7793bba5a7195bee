//! Protocol-independent polling interface: connect, wait until due, poll a group of streams, disconnect.
//!
//! A polled protocol is ready when its schedule says so. A device that pushes values is ready when some have arrived;
//! its `poll` then returns these and sends no request.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::deadband::PollResult;
use super::fault::DeviceFault;
use super::http;
use super::opcua;
use super::registers;
use super::schedule::{Schedule, Tick};
use super::shared_connection::SharedConnection;
use super::status_cell::DeviceStatusCell;
use super::virtual_device;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::ports::HttpClient;
use crate::domain::stream::Stream;
use crate::domain::{Clock, Result};

/// Streams that are polled together.
pub enum PollGroup {
    Registers(registers::source::RegisterPollGroup),
    Opcua(opcua::source::OpcuaPollGroup),
    Generated(virtual_device::VirtualPollGroup),
    Http(http::HttpPollGroup),
}

/// Polling source of a device.
pub enum DeviceSource {
    Registers(registers::source::RegisterSource),
    Opcua(opcua::source::OpcuaSource),
    Generated(virtual_device::VirtualSource),
    Http(http::HttpSource),
}

impl DeviceSource {
    /// Opens no connection yet. The error names the wrong setting.
    pub fn new(
        spec: &DeviceSpec,
        line: Arc<SharedConnection>,
        board: Arc<DeviceStatusCell>,
        clock: Arc<dyn Clock>,
        web: Arc<dyn HttpClient>,
    ) -> Result<DeviceSource> {
        match spec.protocol {
            Protocol::Opcua => {
                opcua::source::OpcuaSource::new(spec, line, board, clock).map(DeviceSource::Opcua)
            }
            Protocol::Http => http::HttpSource::new(spec, web, board, clock).map(DeviceSource::Http),
            Protocol::Virtual => {
                Ok(DeviceSource::Generated(virtual_device::VirtualSource::new(board, clock)))
            }
            _ => {
                registers::source::RegisterSource::new(spec, line, board, clock).map(DeviceSource::Registers)
            }
        }
    }

    /// Whether a stream is polled at all.
    pub fn polls(&self, device: &DeviceSpec, stream: &Stream) -> bool {
        match self {
            DeviceSource::Registers(_) | DeviceSource::Opcua(_) | DeviceSource::Http(_) => true,
            DeviceSource::Generated(_) => virtual_device::polls(device, stream),
        }
    }

    /// Plans the polling of these streams, all of one interval. Streams that cannot be read yield their reason at
    /// every poll.
    pub fn poll_group(&mut self, device: &DeviceSpec, streams: &[Arc<Stream>]) -> PollGroup {
        match self {
            DeviceSource::Registers(_) => {
                PollGroup::Registers(registers::source::RegisterPollGroup::new(device, streams))
            }
            DeviceSource::Opcua(link) => PollGroup::Opcua(link.poll_group(device, streams)),
            DeviceSource::Generated(_) => {
                PollGroup::Generated(virtual_device::VirtualSource::poll_group(device, streams))
            }
            DeviceSource::Http(_) => PollGroup::Http(http::HttpSource::poll_group(streams)),
        }
    }

    /// Whether both have the same endpoint, so that an open connection is good for both.
    pub fn is_same_endpoint(&self, other: &DeviceSource) -> bool {
        match (self, other) {
            (DeviceSource::Registers(link), DeviceSource::Registers(other)) => link.is_same_endpoint(other),
            (DeviceSource::Opcua(link), DeviceSource::Opcua(other)) => link.is_same_endpoint(other),
            (DeviceSource::Generated(_), DeviceSource::Generated(_)) => true,
            (DeviceSource::Http(link), DeviceSource::Http(other)) => link.is_same_endpoint(other),
            (
                DeviceSource::Registers(_)
                | DeviceSource::Opcua(_)
                | DeviceSource::Generated(_)
                | DeviceSource::Http(_),
                _,
            ) => false,
        }
    }

    /// Connects unless connected.
    pub async fn connect(&self) -> Result<(), DeviceFault> {
        match self {
            DeviceSource::Registers(link) => link.connect().await,
            DeviceSource::Opcua(link) => link.connect().await,
            // No connection is kept open: the request itself shows whether the device is there.
            DeviceSource::Generated(_) | DeviceSource::Http(_) => Ok(()),
        }
    }

    /// Checks that a device without polled streams can be reached. May leave a connection open.
    pub async fn probe(&self) -> Result<(), DeviceFault> {
        match self {
            DeviceSource::Http(link) => link.probe().await,
            DeviceSource::Registers(_) | DeviceSource::Opcua(_) | DeviceSource::Generated(_) => {
                self.connect().await
            }
        }
    }

    pub async fn disconnect(&self) {
        match self {
            DeviceSource::Registers(link) => link.disconnect().await,
            DeviceSource::Opcua(link) => link.disconnect().await,
            DeviceSource::Generated(_) | DeviceSource::Http(_) => {}
        }
    }

    /// Resolves with the indexes of the groups to poll now, each with its tick where a schedule gives one. Dropping
    /// the future before that loses nothing.
    pub async fn ready(&mut self, schedule: &mut Schedule) -> Vec<(usize, Option<Tick>)> {
        match self {
            DeviceSource::Opcua(link) if link.subscribes() => {
                return link.ready().await.into_iter().map(|batch| (batch, None)).collect();
            }
            DeviceSource::Opcua(_)
            | DeviceSource::Registers(_)
            | DeviceSource::Generated(_)
            | DeviceSource::Http(_) => {}
        }
        match schedule.next_due() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
        schedule.take_due(Instant::now()).into_iter().map(|(batch, tick)| (batch, Some(tick))).collect()
    }

    /// Pushes the results of a group: one for each stream, or for a device that pushes values those that have
    /// arrived. After an error the connection is closed and `answers` holds the results until then.
    pub async fn poll(
        &mut self,
        batch: &mut PollGroup,
        answers: &mut Vec<PollResult>,
    ) -> Result<(), DeviceFault> {
        match (self, batch) {
            (DeviceSource::Registers(link), PollGroup::Registers(batch)) => link.poll(batch, answers).await,
            (DeviceSource::Opcua(link), PollGroup::Opcua(batch)) => link.poll(batch, answers).await,
            (DeviceSource::Generated(link), PollGroup::Generated(batch)) => {
                link.poll(batch, answers);
                Ok(())
            }
            (DeviceSource::Http(link), PollGroup::Http(batch)) => link.poll(batch, answers).await,
            (
                DeviceSource::Registers(_)
                | DeviceSource::Opcua(_)
                | DeviceSource::Generated(_)
                | DeviceSource::Http(_),
                _,
            ) => {
                unreachable!("a poll group is polled by the source that made it")
            }
        }
    }
}
