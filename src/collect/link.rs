//! The collector's way to a device, whatever its protocol: connect, wait until there is something to ask, ask for a
//! batch of streams, hang up.
//!
//! A polled protocol is ready when its schedule says so. One whose device pushes values is ready when some have come;
//! its `poll` then hands over what has come instead of asking.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::board::Board;
use super::fault::Fault;
use super::generated;
use super::http;
use super::line::Line;
use super::opcua;
use super::registers;
use super::schedule::{Schedule, Tick};
use super::tags::Answer;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::ports::Web;
use crate::domain::stream::Stream;
use crate::domain::{Clock, Result};

/// The streams asked for together.
pub enum Batch {
    Registers(registers::link::Batch),
    Opcua(opcua::link::Batch),
    Generated(generated::Batch),
    Http(http::Batch),
}

/// A device as its collector sees it.
pub enum Link {
    Registers(registers::link::Link),
    Opcua(opcua::link::Link),
    Generated(generated::Link),
    Http(http::Link),
}

impl Link {
    /// Connects nowhere yet. The error names the setting that is wrong.
    pub fn new(
        spec: &DeviceSpec,
        line: Arc<Line>,
        board: Arc<Board>,
        clock: Arc<dyn Clock>,
        web: Arc<dyn Web>,
    ) -> Result<Link> {
        match spec.protocol {
            Protocol::Opcua => opcua::link::Link::new(spec, line, board, clock).map(Link::Opcua),
            Protocol::Http => http::Link::new(spec, web, board, clock).map(Link::Http),
            Protocol::Virtual => Ok(Link::Generated(generated::Link::new(board, clock))),
            _ => registers::link::Link::new(spec, line, board, clock).map(Link::Registers),
        }
    }

    /// Whether a stream is asked for at all.
    pub fn polls(&self, device: &DeviceSpec, stream: &Stream) -> bool {
        match self {
            Link::Registers(_) | Link::Opcua(_) | Link::Http(_) => true,
            Link::Generated(_) => generated::polls(device, stream),
        }
    }

    /// What fetches these streams, all of one interval. Those that cannot be read are answered with the reason at every
    /// poll.
    pub fn batch(&mut self, device: &DeviceSpec, streams: &[Arc<Stream>]) -> Batch {
        match self {
            Link::Registers(_) => Batch::Registers(registers::link::Batch::new(device, streams)),
            Link::Opcua(link) => Batch::Opcua(link.batch(device, streams)),
            Link::Generated(_) => Batch::Generated(generated::Link::batch(device, streams)),
            Link::Http(_) => Batch::Http(http::Link::batch(streams)),
        }
    }

    /// Whether it leads to the same place as `other`, so that an open connection is good for both.
    pub fn leads_where(&self, other: &Link) -> bool {
        match (self, other) {
            (Link::Registers(link), Link::Registers(other)) => link.leads_where(other),
            (Link::Opcua(link), Link::Opcua(other)) => link.leads_where(other),
            (Link::Generated(_), Link::Generated(_)) => true,
            (Link::Http(link), Link::Http(other)) => link.leads_where(other),
            (Link::Registers(_) | Link::Opcua(_) | Link::Generated(_) | Link::Http(_), _) => false,
        }
    }

    /// Connects unless connected.
    pub async fn connect(&self) -> Result<(), Fault> {
        match self {
            Link::Registers(link) => link.connect().await,
            Link::Opcua(link) => link.connect().await,
            // Nothing is kept open: the question itself shows whether somebody is there.
            Link::Generated(_) | Link::Http(_) => Ok(()),
        }
    }

    /// Whether the device is there, of which nothing is wanted now. It may leave a connection.
    pub async fn probe(&self) -> Result<(), Fault> {
        match self {
            Link::Http(link) => link.probe().await,
            Link::Registers(_) | Link::Opcua(_) | Link::Generated(_) => self.connect().await,
        }
    }

    pub async fn disconnect(&self) {
        match self {
            Link::Registers(link) => link.disconnect().await,
            Link::Opcua(link) => link.disconnect().await,
            Link::Generated(_) | Link::Http(_) => {}
        }
    }

    /// Resolves with the batches to poll now, each with the tick it was due at where a schedule says so. Dropping it before
    /// loses nothing.
    pub async fn ready(&mut self, schedule: &mut Schedule) -> Vec<(usize, Option<Tick>)> {
        match self {
            Link::Opcua(link) if link.subscribes() => {
                return link.ready().await.into_iter().map(|batch| (batch, None)).collect();
            }
            Link::Opcua(_) | Link::Registers(_) | Link::Generated(_) | Link::Http(_) => {}
        }
        match schedule.next_due() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
        schedule.take_due(Instant::now()).into_iter().map(|(batch, tick)| (batch, Some(tick))).collect()
    }

    /// Pushes an answer for each stream of the batch that there is something to say of: all of them where the device
    /// is asked. After an error the connection is gone and `answers` has what had come before.
    pub async fn poll(&mut self, batch: &mut Batch, answers: &mut Vec<Answer>) -> Result<(), Fault> {
        match (self, batch) {
            (Link::Registers(link), Batch::Registers(batch)) => link.poll(batch, answers).await,
            (Link::Opcua(link), Batch::Opcua(batch)) => link.poll(batch, answers).await,
            (Link::Generated(link), Batch::Generated(batch)) => {
                link.poll(batch, answers);
                Ok(())
            }
            (Link::Http(link), Batch::Http(batch)) => link.poll(batch, answers).await,
            (Link::Registers(_) | Link::Opcua(_) | Link::Generated(_) | Link::Http(_), _) => {
                unreachable!("a batch is polled by the link that made it")
            }
        }
    }
}
