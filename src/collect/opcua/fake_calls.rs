//! Test fixture: a server whose nodes hold their own numbers, and which some nodes, or too many, make misbehave.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use opcua::types::StatusCode;

use super::isolation::{CallAnswers, NodeCalls};
use super::poll_group::OpcuaPollGroup;
use super::refused;
use crate::collect::device_value::{DeviceValue, Sample};
use crate::collect::fault::DeviceFault;
use crate::collect::numeric_value::NumericValue;
use crate::collect::test_harness::stream;
use crate::domain::Micros;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::reading::Quality;
use crate::domain::stream::StreamKind;

/// Time after which a call that meets `Misbehavior::Silence` fails.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// Fault of a node with a bad status.
pub const SENSOR_FAILURE: &str = "BadSensorFailure";

/// Effect of a node on each call that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehavior {
    /// It alone has no value.
    BadStatus,
    /// The call is refused.
    Refusal,
    /// The answer is too large.
    LargeAnswer,
    /// The answer is too large, which ends the connection.
    LargeFrame,
    Silence,
    Close,
    /// The answer cannot be decoded.
    Garbage,
}

/// A server, and the lengths of the calls that it got.
#[derive(Debug)]
pub struct FakeServer {
    pub nodes: BTreeMap<u32, Misbehavior>,
    /// The most nodes of one call, and what a longer one meets.
    pub most: Option<(usize, Misbehavior)>,
    /// The most nodes of one call as the server states it.
    pub stated: usize,
    /// Calls that are lost by chance, the next ones.
    pub losses: usize,
    /// The fault of a probe, if it fails.
    pub probe_fault: Option<DeviceFault>,
    pub calls: Vec<usize>,
    is_open: bool,
}

impl FakeServer {
    /// A server without faults or an open connection, which states a limit of 1000 nodes per call.
    pub fn new() -> FakeServer {
        FakeServer {
            nodes: BTreeMap::new(),
            most: None,
            stated: 1000,
            losses: 0,
            probe_fault: None,
            calls: Vec::new(),
            is_open: false,
        }
    }

    /// The misbehavior that a call for these nodes meets in place of an answer; a loss goes before all else.
    fn misbehavior(&mut self, numbers: &[u32]) -> Option<Misbehavior> {
        if self.losses > 0 {
            self.losses -= 1;
            return Some(Misbehavior::Close);
        }
        let too_many = self.most.filter(|(most, _)| numbers.len() > *most).map(|(_, what)| what);
        let found = numbers.iter().filter_map(|number| self.nodes.get(number).copied()).chain(too_many);
        let found: Vec<Misbehavior> = found.filter(|one| *one != Misbehavior::BadStatus).collect();
        let is_loss = |one: &&Misbehavior| {
            matches!(one, Misbehavior::Silence | Misbehavior::Close | Misbehavior::Garbage)
        };
        found.iter().find(is_loss).or(found.first()).copied()
    }
}

/// Reads of a group's nodes from that server.
pub struct FakeReads<'a> {
    pub server: &'a mut FakeServer,
    pub group: &'a OpcuaPollGroup,
}

/// The nodes of these numbers, each with a stream of its number.
pub fn group(numbers: impl IntoIterator<Item = u32>) -> OpcuaPollGroup {
    let stream_of = |number: u32| {
        let id = i32::try_from(number).unwrap();
        Arc::new(stream(id, &format!("ns=2;i={number}"), StreamKind::Uint32))
    };
    let streams: Vec<_> = numbers.into_iter().map(stream_of).collect();
    OpcuaPollGroup::new(0, &DeviceSpec::new("kiln", Protocol::Opcua), &streams)
}

impl FakeReads<'_> {
    fn number(&self, member: usize) -> u32 {
        let node = self.group.targets[member].node.to_string();
        node.strip_prefix("ns=2;i=").unwrap().parse().unwrap()
    }

    async fn fault(&mut self, misbehavior: Misbehavior) -> DeviceFault {
        let (address, reason) = ("kiln:4840".to_owned(), "as the test wants it".to_owned());
        self.server.is_open &=
            matches!(misbehavior, Misbehavior::Refusal | Misbehavior::LargeAnswer | Misbehavior::BadStatus);
        match misbehavior {
            Misbehavior::BadStatus | Misbehavior::Refusal => refused(StatusCode::BadInternalError),
            Misbehavior::LargeAnswer | Misbehavior::LargeFrame => {
                DeviceFault::LimitExceeded { address, reason }
            }
            Misbehavior::Silence => {
                tokio::time::sleep(TIMEOUT).await;
                DeviceFault::Timeout { address, after: TIMEOUT }
            }
            Misbehavior::Close => DeviceFault::Closed { address, reason },
            Misbehavior::Garbage => DeviceFault::Malformed { address, reason },
        }
    }

    fn answer(&self, number: u32) -> Result<Sample, String> {
        match self.server.nodes.get(&number) {
            Some(_) => Err(SENSOR_FAILURE.to_owned()),
            None => Ok(Sample {
                value: DeviceValue::Number(NumericValue::Uint(number.into())),
                quality: Quality::Good,
                source_time: None,
                is_historical: false,
            }),
        }
    }
}

#[async_trait]
impl NodeCalls for FakeReads<'_> {
    type Answer = Sample;

    async fn connect(&mut self) -> Result<usize, DeviceFault> {
        self.server.is_open = true;
        Ok(self.server.stated)
    }

    async fn call(&mut self, members: &[usize]) -> Result<CallAnswers<Sample>, DeviceFault> {
        assert!(self.server.is_open, "a call over a connection that has ended");
        assert!(members.len() <= self.server.stated, "more than the server states");
        self.server.calls.push(members.len());
        let numbers: Vec<u32> = members.iter().map(|member| self.number(*member)).collect();
        match self.server.misbehavior(&numbers) {
            Some(misbehavior) => Err(self.fault(misbehavior).await),
            None => Ok((self.now(), numbers.into_iter().map(|number| self.answer(number)).collect())),
        }
    }

    async fn probe(&mut self) -> Result<(), DeviceFault> {
        self.server.probe_fault.clone().map_or(Ok(()), Err)
    }

    fn now(&self) -> Micros {
        Micros(1)
    }
}
