//! Calls that a server refuses or loses as a whole: what is called instead, and what is remembered.

use std::collections::BTreeMap;

use tokio::time::{Duration, advance};

use super::*;
use crate::collect::device_value::Sample;
use crate::collect::opcua::fake_calls::{FakeReads, FakeServer, Misbehavior, group};

const LARGE: [Misbehavior; 2] = [Misbehavior::LargeAnswer, Misbehavior::LargeFrame];
const OTHERS: [Misbehavior; 4] =
    [Misbehavior::Refusal, Misbehavior::Silence, Misbehavior::Close, Misbehavior::Garbage];

/// A source of some nodes of a server.
struct SourceFixture {
    server: FakeServer,
    isolation: CallIsolation,
    group: OpcuaPollGroup,
}

impl SourceFixture {
    fn new(nodes: u32) -> SourceFixture {
        let (server, isolation) = (FakeServer::new(), CallIsolation::default());
        SourceFixture { server, isolation, group: group(1..=nodes) }
    }

    /// Polls other nodes from now on, with a new isolation, as the poller does after a change.
    fn change(&mut self, nodes: impl IntoIterator<Item = u32>) {
        let before = std::mem::take(&mut self.isolation);
        self.group = group(nodes);
        self.isolation.resume(before, std::slice::from_ref(&self.group));
    }

    /// Polls once. Returns the faults by target, each target having an outcome, and the lengths of the calls.
    async fn poll(&mut self) -> Result<(BTreeMap<usize, String>, Vec<usize>), DeviceFault> {
        self.server.calls.clear();
        let mut reads = FakeReads { server: &mut self.server, group: &self.group };
        let members: Vec<usize> = (0..self.group.targets.len()).collect();
        let outcomes = self.isolation.call_all(&mut reads, &self.group, members.clone()).await?;
        let mut targets: Vec<usize> = outcomes.iter().map(|outcome| outcome.target).collect();
        targets.sort_unstable();
        assert_eq!(targets, members, "each has one outcome");
        let fault = |read: NodeOutcome<Sample>| read.outcome.err().map(|why| (read.target, why));
        Ok((outcomes.into_iter().filter_map(fault).collect(), std::mem::take(&mut self.server.calls)))
    }
}

/// Plant A11: a limit that the server does not state.
#[tokio::test(start_paused = true)]
async fn a_call_that_is_too_large_is_halved_in_the_same_poll_and_its_size_is_remembered() {
    for large in LARGE {
        let mut source = SourceFixture::new(300);
        source.server.most = Some((100, large));
        let (faults, calls) = source.poll().await.unwrap();
        assert_eq!((faults.len(), calls), (0, vec![300, 150, 150, 75, 75, 75, 75]), "{large:?}");
        let (faults, calls) = source.poll().await.unwrap();
        assert_eq!((faults.len(), calls), (0, vec![75; 4]), "{large:?}");
        source.server.most = None;
        advance(Duration::from_secs(600)).await;
        assert_eq!(source.poll().await.unwrap().1, [300], "{large:?}: a larger one is tried again");
    }
}

#[tokio::test(start_paused = true)]
async fn one_node_at_fault_is_named_and_left_out_until_it_is_due() {
    for misbehavior in LARGE.into_iter().chain(OTHERS) {
        let mut source = SourceFixture::new(40);
        source.server.nodes.insert(7, misbehavior);
        let (faults, calls) = source.poll().await.unwrap();
        assert_eq!(faults.keys().collect::<Vec<_>>(), [&6], "{misbehavior:?}");
        assert!(faults[&6].contains("ns=2;i=7 alone"), "{faults:?}");
        assert!(calls.len() <= 15, "{misbehavior:?}: {calls:?}");
        assert_eq!(source.poll().await.unwrap(), (faults.clone(), vec![39]), "{misbehavior:?}");
        advance(Duration::from_secs(10)).await;
        assert_eq!(source.poll().await.unwrap(), (faults, vec![39, 1]), "{misbehavior:?}: alone");
        source.server.nodes.clear();
        advance(Duration::from_secs(20)).await;
        assert_eq!(source.poll().await.unwrap(), (BTreeMap::new(), vec![39, 1]), "{misbehavior:?}");
        assert_eq!(source.poll().await.unwrap(), (BTreeMap::new(), vec![40]), "{misbehavior:?}");
    }
}

/// A source forgot all that it had learnt after every change of the device or of any of its streams.
#[tokio::test(start_paused = true)]
async fn a_changed_stream_does_not_repeat_the_search_for_a_node_at_fault() {
    for misbehavior in OTHERS {
        let mut source = SourceFixture::new(40);
        source.server.nodes.insert(7, misbehavior);
        source.poll().await.unwrap();
        source.change((1..=8).chain(20..=30));
        let (faults, calls) = source.poll().await.unwrap();
        assert_eq!((faults.keys().collect::<Vec<_>>(), calls), (vec![&6], vec![18]), "{misbehavior:?}");
        source.change(1..=6);
        assert!(!source.isolation.is_faulty(&"ns=2;i=7".parse().unwrap()), "it is not polled any more");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_lost_by_chance_is_sent_again() {
    let mut source = SourceFixture::new(10);
    source.server.losses = 1;
    assert_eq!(source.poll().await.unwrap(), (BTreeMap::new(), vec![10, 10]));
    assert_eq!(source.poll().await.unwrap(), (BTreeMap::new(), vec![10]));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_states_is_kept_to() {
    let mut source = SourceFixture::new(100);
    source.server.stated = 40;
    assert_eq!(source.poll().await.unwrap(), (BTreeMap::new(), vec![40, 40, 20]));
}

#[tokio::test(start_paused = true)]
async fn no_node_is_at_fault_where_the_server_answers_nothing() {
    for misbehavior in OTHERS {
        let mut source = SourceFixture::new(3);
        source.server.most = Some((0, misbehavior));
        let lost = DeviceFault::Closed { address: "kiln".to_owned(), reason: "gone".to_owned() };
        source.server.probe_fault = Some(lost.clone());
        assert_eq!(source.poll().await.unwrap_err(), lost, "{misbehavior:?}");
        source.server.most = None;
        assert_eq!(source.poll().await.unwrap(), (BTreeMap::new(), vec![3]), "{misbehavior:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn many_lost_nodes_cost_the_others_three_polls_at_most() {
    let mut source = SourceFixture::new(64);
    source.server.nodes.extend((1..=64).step_by(16).map(|number| (number, Misbehavior::Silence)));
    let mut faults = BTreeMap::new();
    for _ in 0..3 {
        let calls;
        (faults, calls) = source.poll().await.unwrap();
        assert!(calls.len() <= 40, "{calls:?}");
    }
    assert_eq!(faults.keys().copied().collect::<Vec<_>>(), [0, 16, 32, 48]);
}
