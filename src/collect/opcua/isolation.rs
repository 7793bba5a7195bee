//! Isolation of nodes for which a server refuses or loses a whole call: such a call is divided until the nodes at fault
//! are alone, so that they cost nobody else a value. A call that is too large is divided until its parts are answered,
//! and that size is used from then on.
//!
//! A lost server answers nothing at all. So nodes are at fault only while it can be connected to, and answers either
//! another node or a probe.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use tokio::time::Instant;

use super::call_size::CallSize;
use super::faulty_nodes::FaultyNodes;
use super::node::NodePath;
use super::poll_group::OpcuaPollGroup;
use crate::collect::fault::DeviceFault;
use crate::domain::Micros;

/// Lost calls of one poll, after which the others wait for the next poll: each may cost the device's timeout.
const MAX_LOST_CALLS: usize = 12;
/// Failed calls of one poll, lost or refused.
const MAX_FAILED_CALLS: usize = 100;
/// Faulty nodes that are called again in one poll: of those that were lost, and of all.
const MAX_DUE_LOST: usize = 1;
const MAX_DUE: usize = 8;

/// Calls to a server that name several nodes, such as reads of their values.
#[async_trait]
pub trait NodeCalls: Send {
    /// The server's answer for one node.
    type Answer: Send;

    /// Connects unless connected. Returns the most nodes that the server takes in one call.
    async fn connect(&mut self) -> Result<usize, DeviceFault>;

    /// Calls once, for these targets of a group. Returns the time of the answer, and for each target what the server
    /// answers or why there is nothing.
    async fn call(&mut self, members: &[usize]) -> Result<CallAnswers<Self::Answer>, DeviceFault>;

    /// Requests something that every server has, to see whether it answers at all.
    async fn probe(&mut self) -> Result<(), DeviceFault>;

    fn now(&self) -> Micros;
}

/// Time of an answer, and its part for each node.
pub type CallAnswers<A> = (Micros, Vec<Result<A, String>>);

/// The outcome of one target of a group.
pub struct NodeOutcome<A> {
    pub target: usize,
    pub ts: Micros,
    pub outcome: Result<A, String>,
}

/// Knowledge from one kind of calls to one server. It outlives connections.
#[derive(Debug, Default)]
pub struct CallIsolation {
    size: CallSize,
    faulty: FaultyNodes,
    /// By the number of a group the parts of calls that failed and are not divided further yet.
    undivided: HashMap<usize, Vec<Vec<usize>>>,
}

impl CallIsolation {
    /// Calls for these targets of a group, in as many calls as needed. Each target has one outcome then.
    ///
    /// # Errors
    /// The server cannot be connected to, or answers nothing.
    pub async fn call_all<C: NodeCalls>(
        &mut self,
        calls: &mut C,
        group: &OpcuaPollGroup,
        members: Vec<usize>,
    ) -> Result<Vec<NodeOutcome<C::Answer>>, DeviceFault> {
        let mut run = IsolationRun::new(self, calls, group);
        let finished = run.run(members).await;
        run.finish(finished).await
    }

    /// Takes over what another one has learnt of the same server, of its nodes those that these groups have.
    pub fn resume(&mut self, before: CallIsolation, groups: &[OpcuaPollGroup]) {
        // Parts that are not divided yet are of groups that are gone.
        let CallIsolation { size, mut faulty, .. } = before;
        let targets = groups.iter().flat_map(|group| &group.targets);
        let nodes: HashSet<&NodePath> = targets.map(|target| &target.node).collect();
        faulty.retain(|node| nodes.contains(node));
        (self.size, self.faulty) = (size, faulty);
    }

    /// Whether this node was not answered for even alone.
    pub fn is_faulty(&self, node: &NodePath) -> bool {
        self.faulty.get(node).is_some()
    }

    /// The targets of a group whose nodes were not answered for even alone.
    pub fn faulty_members<'a>(&'a self, group: &'a OpcuaPollGroup) -> impl Iterator<Item = usize> + 'a {
        let targets = group.targets.iter().enumerate();
        targets.filter(|(_, target)| self.is_faulty(&target.node)).map(|(member, _)| member)
    }

    /// When the first faulty node of a group is called again, if it has any.
    pub fn next_due(&self, group: &OpcuaPollGroup) -> Option<Instant> {
        let known = group.targets.iter().filter_map(|target| self.faulty.get(&target.node));
        known.map(|faulty| faulty.due).min()
    }
}

/// A call that failed.
struct FailedCall {
    members: Vec<usize>,
    fault: DeviceFault,
    /// Whether it is sent once more before it is divided: a call may be lost that is not at fault.
    repeats: bool,
}

/// The calls of one poll of a group.
struct IsolationRun<'a, C: NodeCalls> {
    isolation: &'a mut CallIsolation,
    calls: &'a mut C,
    group: &'a OpcuaPollGroup,
    outcomes: Vec<NodeOutcome<C::Answer>>,
    /// Failed calls whose targets have no outcome yet.
    refused: Vec<FailedCall>,
    lost: Vec<FailedCall>,
    /// Length of the longest call that was answered; 0 where none was.
    longest_answered: usize,
    failed_calls: usize,
    lost_calls: usize,
    last_fault: Option<DeviceFault>,
    /// Nodes that were found at fault now.
    found: Vec<NodePath>,
}

impl<'a, C: NodeCalls> IsolationRun<'a, C> {
    fn new(isolation: &'a mut CallIsolation, calls: &'a mut C, group: &'a OpcuaPollGroup) -> Self {
        IsolationRun {
            isolation,
            calls,
            group,
            outcomes: Vec::with_capacity(group.targets.len()),
            refused: Vec::new(),
            lost: Vec::new(),
            longest_answered: 0,
            failed_calls: 0,
            lost_calls: 0,
            last_fault: None,
            found: Vec::new(),
        }
    }

    async fn run(&mut self, members: Vec<usize>) -> Result<(), DeviceFault> {
        let (mut members, due) = self.set_faulty_apart(members);
        let undivided = self.isolation.undivided.remove(&self.group.number).unwrap_or_default();
        let undivided: Vec<Vec<usize>> =
            undivided.into_iter().map(|part| take(&mut members, &part)).collect();
        self.call_in_parts(&members, true).await?;
        for part in undivided.into_iter().filter(|part| !part.is_empty()) {
            self.call_undivided(part).await?;
        }
        self.divide(true).await?;
        for member in due {
            self.call_in_parts(&[member], false).await?;
        }
        self.divide(true).await?;
        if self.lost_calls >= MAX_LOST_CALLS && self.longest_answered > 0 {
            // Nothing longer has worked, and the next poll does not have to find out again.
            self.isolation.size.learn(self.longest_answered, Instant::now());
        }
        Ok(())
    }

    /// Calls for a part that an earlier poll has left, or leaves it to the next one.
    async fn call_undivided(&mut self, part: Vec<usize>) -> Result<(), DeviceFault> {
        let Some(fault) = self.last_fault.as_ref().filter(|_| self.is_over()) else {
            return self.call_in_parts(&part, false).await;
        };
        let why = format!("not called in this poll, in which many calls failed: {fault}");
        self.give_up(&part, &why);
        self.isolation.undivided.entry(self.group.number).or_default().push(part);
        Ok(())
    }

    /// Gives the faulty nodes their outcomes. Returns the members that are called, and those that are called again.
    fn set_faulty_apart(&mut self, members: Vec<usize>) -> (Vec<usize>, Vec<usize>) {
        let (now, ts) = (Instant::now(), self.calls.now());
        let (mut healthy, mut due, mut due_lost) = (Vec::with_capacity(members.len()), Vec::new(), 0);
        for member in members {
            let node = &self.group.targets[member].node;
            let Some(faulty) = self.isolation.faulty.get(node) else {
                healthy.push(member);
                continue;
            };
            let is_lost = usize::from(faulty.fault.is_connection_loss());
            let has_room = due.len() < MAX_DUE && due_lost + is_lost <= MAX_DUE_LOST;
            if faulty.due <= now && has_room {
                due.push(member);
                due_lost += is_lost;
            } else {
                let outcome = Err(node_fault(node, &faulty.fault));
                self.outcomes.push(NodeOutcome { target: member, ts, outcome });
            }
        }
        (healthy, due)
    }

    /// Calls for targets, in calls of the size that works.
    async fn call_in_parts(&mut self, members: &[usize], repeats: bool) -> Result<(), DeviceFault> {
        let mut rest = members;
        while !rest.is_empty() {
            if let Some(fault) = self.last_fault.as_ref().filter(|_| self.is_over()) {
                let why = format!("not called in this poll, in which many calls failed: {fault}");
                self.give_up(rest, &why);
                return Ok(());
            }
            let most = self.calls.connect().await?;
            let size = self.isolation.size.at_most(most, Instant::now());
            let (part, others) = rest.split_at(size.min(rest.len()));
            rest = others;
            self.call(part.to_vec(), repeats).await?;
            // What is learned from a refusal helps the next calls; losses cost time and wait until the others have values.
            self.divide(false).await?;
        }
        Ok(())
    }

    /// Calls once. Returns whether the server answered.
    async fn call(&mut self, members: Vec<usize>, repeats: bool) -> Result<bool, DeviceFault> {
        self.calls.connect().await?;
        let fault = match self.calls.call(&members).await {
            Ok(answers) => {
                self.take_answers(&members, answers);
                return Ok(true);
            }
            Err(fault) => fault,
        };
        self.failed_calls += 1;
        self.last_fault = Some(fault.clone());
        let is_lost = fault.is_connection_loss();
        // An answer that cannot be decoded would come once more, unless it was spoilt on the way.
        let is_decided = matches!(fault, DeviceFault::Malformed { .. }) && members.len() > 1;
        let repeats = repeats && is_lost && !is_decided;
        let failed = FailedCall { members, fault, repeats };
        if is_lost {
            self.lost_calls += 1;
            self.lost.push(failed);
        } else {
            self.refused.push(failed);
        }
        Ok(false)
    }

    fn take_answers(&mut self, members: &[usize], (ts, answers): CallAnswers<C::Answer>) {
        self.longest_answered = self.longest_answered.max(members.len());
        for (member, outcome) in members.iter().zip(answers) {
            self.isolation.faulty.remove(&self.group.targets[*member].node);
            self.outcomes.push(NodeOutcome { target: *member, ts, outcome });
        }
    }

    /// Divides the refused calls, and those that were lost if so wanted, until each target has an outcome.
    async fn divide(&mut self, with_lost: bool) -> Result<(), DeviceFault> {
        while let Some(failed) = self.refused.pop().or_else(|| self.lost.pop_if(|_| with_lost)) {
            if failed.repeats && !self.is_over() {
                self.call(failed.members, false).await?;
            } else if let [member] = failed.members[..] {
                self.settle(member, &failed.fault);
            } else if self.is_over() {
                self.postpone(&failed);
            } else {
                self.call_halves(&failed).await?;
            }
        }
        Ok(())
    }

    async fn call_halves(&mut self, failed: &FailedCall) -> Result<(), DeviceFault> {
        let (first, second) = failed.members.split_at(failed.members.len().div_ceil(2));
        let mut are_answered = true;
        for half in [first, second] {
            are_answered &= self.call(half.to_vec(), half.len() == 1).await?;
        }
        if are_answered {
            self.isolation.size.learn(first.len(), Instant::now());
        }
        Ok(())
    }

    /// Records that a call for one node alone failed.
    fn settle(&mut self, member: usize, fault: &DeviceFault) {
        let node = &self.group.targets[member].node;
        if self.isolation.faulty.get(node).is_none() {
            self.found.push(node.clone());
        }
        self.isolation.faulty.record(node, fault, Instant::now());
        let outcome = Err(node_fault(node, fault));
        self.outcomes.push(NodeOutcome { target: member, ts: self.calls.now(), outcome });
    }

    /// Leaves a call to be divided further in the next poll.
    fn postpone(&mut self, failed: &FailedCall) {
        let (first, second) = failed.members.split_at(failed.members.len().div_ceil(2));
        let parts = self.isolation.undivided.entry(self.group.number).or_default();
        parts.extend([first.to_vec(), second.to_vec()]);
        self.give_up(&failed.members, &failed.fault.to_string());
    }

    fn give_up(&mut self, members: &[usize], why: &str) {
        let ts = self.calls.now();
        let given_up = |target: &usize| NodeOutcome { target: *target, ts, outcome: Err(why.to_owned()) };
        self.outcomes.extend(members.iter().map(given_up));
    }

    /// Whether so many calls failed that the others wait for the next poll.
    fn is_over(&self) -> bool {
        self.lost_calls >= MAX_LOST_CALLS || self.failed_calls >= MAX_FAILED_CALLS
    }

    /// Returns the outcomes. Nodes were found at fault only if the server was there to the end, and has answered something.
    async fn finish(
        mut self,
        finished: Result<(), DeviceFault>,
    ) -> Result<Vec<NodeOutcome<C::Answer>>, DeviceFault> {
        let is_doubtful = self.failed_calls > 0 && self.longest_answered == 0;
        let finished = match finished {
            Ok(()) if is_doubtful => self.probe().await,
            // Whether it is still there.
            Ok(()) if !self.found.is_empty() => self.calls.connect().await.map(drop),
            finished => finished,
        };
        if finished.is_err() {
            for node in &self.found {
                self.isolation.faulty.remove(node);
            }
        }
        finished.map(|()| self.outcomes)
    }

    async fn probe(&mut self) -> Result<(), DeviceFault> {
        self.calls.connect().await?;
        self.calls.probe().await
    }
}

/// The fault of a node, by its id.
fn node_fault(node: &NodePath, fault: &DeviceFault) -> String {
    format!("a call for {node} alone failed: {fault}")
}

/// Moves the members of a part that are among `members` out of them.
fn take(members: &mut Vec<usize>, part: &[usize]) -> Vec<usize> {
    members.extract_if(.., |member| part.contains(member)).collect()
}

#[cfg(test)]
#[path = "isolation_tests.rs"]
mod tests;
