//! Reads of the values of a group's nodes.

use async_trait::async_trait;
use opcua::types::DataValue;
use tokio::time::Instant;

use super::client::OpcuaClient;
use super::isolation::{CallAnswers, CallIsolation, NodeCalls, NodeOutcome};
use super::operation_limits::ReadBudget;
use super::poll_group::OpcuaPollGroup;
use super::server_link::ServerLink;
use crate::collect::deadband::PollResult;
use crate::collect::device_value::Sample;
use crate::collect::fault::DeviceFault;
use crate::domain::Micros;

/// The reads of one poll of a group.
pub struct NodeReads<'a> {
    link: &'a ServerLink,
    group: &'a OpcuaPollGroup,
    budget: ReadBudget,
    /// Whether the latest read found its connection closed.
    was_closed: bool,
}

/// Reads the nodes of a group. Every target has its result then.
pub async fn read_group<C: NodeCalls<Answer = Sample>>(
    isolation: &mut CallIsolation,
    reads: &mut C,
    group: &OpcuaPollGroup,
) -> Result<Vec<PollResult>, DeviceFault> {
    let members = (0..group.targets.len()).collect();
    let outcomes = isolation.call_all(reads, group, members).await?;
    let result = |read: NodeOutcome<Sample>| group.targets[read.target].result(read.ts, read.outcome);
    Ok(outcomes.into_iter().map(result).collect())
}

impl<'a> NodeReads<'a> {
    /// Prepares one poll, with a full budget for the memory of its values.
    pub fn new(link: &'a ServerLink, group: &'a OpcuaPollGroup) -> Self {
        NodeReads { link, group, budget: ReadBudget::default(), was_closed: false }
    }

    fn answer(&mut self, member: usize, value: &DataValue) -> Result<Sample, String> {
        let target = &self.group.targets[member];
        match self.budget.take(value) {
            true => target.sample(value),
            false => Err(format!("the value of {} is too large to be read with the others", target.node)),
        }
    }
}

#[async_trait]
impl NodeCalls for NodeReads<'_> {
    type Answer = Sample;

    async fn connect(&mut self) -> Result<usize, DeviceFault> {
        Ok(self.link.connect().await?.read)
    }

    async fn call(&mut self, members: &[usize]) -> Result<CallAnswers<Sample>, DeviceFault> {
        let link = self.link;
        let mut connection = link.connection.lock().await;
        let client = connection.client::<OpcuaClient>(&link.endpoint).await?;
        let paths = self.group.paths(members);
        client.refresh_namespaces(&paths).await;
        let nodes: Vec<_> = paths.into_iter().map(|path| client.resolve(path)).collect();
        let wanted: Vec<_> = nodes.iter().filter_map(|node| node.as_ref().ok().cloned()).collect();
        let started = Instant::now();
        let values = match wanted.is_empty() {
            true => Ok(Vec::new()),
            false => client.read_values(wanted).await,
        };
        let now = link.now();
        let was_closed = matches!(values, Err(DeviceFault::Closed { .. }));
        let values = values.inspect_err(|fault| connection.record_failure(&link.status, now, fault));
        let has_reconnected = std::mem::replace(&mut self.was_closed, was_closed) && values.is_ok();
        let values = values?;
        if has_reconnected {
            link.status.record_reconnect();
        }
        if !values.is_empty() {
            link.status.record_response(now, started.elapsed());
        }
        let mut values = values.iter();
        let answers = nodes.into_iter().zip(members).map(|(node, member)| {
            node?;
            let value = values.next().ok_or("the answer has no value")?;
            self.answer(*member, value)
        });
        Ok((now, answers.collect()))
    }

    async fn probe(&mut self) -> Result<(), DeviceFault> {
        self.link.probe().await
    }

    fn now(&self) -> Micros {
        self.link.now()
    }
}

#[cfg(test)]
#[path = "read_chaos_tests.rs"]
mod chaos_tests;
