//! The collector's way to a device, whatever its protocol: connect, wait until there is something to ask, ask for a
//! batch of streams, hang up.
//!
//! A polled protocol is ready when its schedule says so. One whose device pushes values is ready when some have come;
//! its `poll` then hands over what has come instead of asking.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::board::Board;
use super::fault::Fault;
use super::line::Line;
use super::registers;
use super::schedule::Schedule;
use super::tags::Answer;
use crate::domain::device::DeviceSpec;
use crate::domain::stream::Stream;
use crate::domain::{Clock, Result};

/// The streams asked for together.
pub enum Batch {
    Registers(registers::link::Batch),
}

/// A device as its collector sees it.
pub enum Link {
    Registers(registers::link::Link),
}

impl Link {
    /// Connects nowhere yet. The error names the setting that is wrong.
    pub fn new(spec: &DeviceSpec, line: Arc<Line>, board: Arc<Board>, clock: Arc<dyn Clock>) -> Result<Link> {
        registers::link::Link::new(spec, line, board, clock).map(Link::Registers)
    }

    /// What fetches these streams. Those that cannot be read are answered with the reason at every poll.
    pub fn batch(&self, device: &DeviceSpec, streams: &[Arc<Stream>]) -> Batch {
        match self {
            Link::Registers(_) => Batch::Registers(registers::link::Batch::new(device, streams)),
        }
    }

    /// Whether it leads to the same place as `other`, so that an open connection is good for both.
    pub fn leads_where(&self, other: &Link) -> bool {
        let (Link::Registers(link), Link::Registers(other)) = (self, other);
        link.leads_where(other)
    }

    /// Connects unless connected.
    pub async fn connect(&self) -> Result<(), Fault> {
        let Link::Registers(link) = self;
        link.connect().await
    }

    pub async fn disconnect(&self) {
        let Link::Registers(link) = self;
        link.disconnect().await;
    }

    /// Resolves with the batches to poll now. Dropping it before loses nothing.
    pub async fn ready(&mut self, schedule: &mut Schedule) -> Vec<usize> {
        let Link::Registers(_) = self;
        match schedule.next_due() {
            Some(due) => sleep_until(due).await,
            None => std::future::pending().await,
        }
        schedule.take_due(Instant::now())
    }

    /// Pushes an answer for each stream of the batch that there is something to say of: all of them where the device
    /// is asked. After an error the connection is gone and `answers` has what had come before.
    pub async fn poll(&mut self, batch: &mut Batch, answers: &mut Vec<Answer>) -> Result<(), Fault> {
        let (Link::Registers(link), Batch::Registers(batch)) = (self, batch);
        link.poll(batch, answers).await
    }
}
