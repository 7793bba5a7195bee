//! Servers that refuse, lose or cannot give the values of some nodes, by seeds: every healthy node has its value, every bad
//! one a fault that names it.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{Rng, SeedableRng};

use super::*;
use crate::collect::device_value::DeviceValue;
use crate::collect::numeric_value::NumericValue;
use crate::collect::opcua::fake_calls::{FakeReads, FakeServer, Misbehavior, SENSOR_FAILURE, group};

/// Nodes that a server has.
const NODES: u32 = 60;
/// Polls after which every healthy node has had a value, and every bad one its name.
const POLLS: usize = 3;
const LOSSES: [Misbehavior; 3] = [Misbehavior::Silence, Misbehavior::Close, Misbehavior::Garbage];
const REFUSALS: [Misbehavior; 4] =
    [Misbehavior::BadStatus, Misbehavior::Refusal, Misbehavior::LargeAnswer, Misbehavior::LargeFrame];
const TOO_MANY: [Misbehavior; 3] = [Misbehavior::LargeAnswer, Misbehavior::LargeFrame, Misbehavior::Close];

fn random_server(rng: &mut StdRng) -> FakeServer {
    let mut server = FakeServer::new();
    for _ in 0..rng.random_range(0..=2) {
        server.nodes.insert(rng.random_range(0..NODES), *LOSSES.choose(rng).unwrap());
    }
    for _ in 0..rng.random_range(0..=3) {
        server.nodes.insert(rng.random_range(0..NODES), *REFUSALS.choose(rng).unwrap());
    }
    if rng.random_bool(0.4) {
        server.most = Some((rng.random_range(1..=20), *TOO_MANY.choose(rng).unwrap()));
    }
    if rng.random_bool(0.3) {
        server.stated = rng.random_range(1..=30);
    }
    server
}

/// One server, and the nodes that are polled.
struct ChaosPlan {
    server: FakeServer,
    isolation: CallIsolation,
    group: OpcuaPollGroup,
    polled: BTreeSet<u32>,
}

impl ChaosPlan {
    fn new(seed: u64) -> ChaosPlan {
        let mut rng = StdRng::seed_from_u64(seed);
        let server = random_server(&mut rng);
        let count = rng.random_range(1..=40);
        let polled: BTreeSet<u32> = (0..NODES).choose_multiple(&mut rng, count).into_iter().collect();
        let group = group(polled.iter().copied());
        ChaosPlan { server, isolation: CallIsolation::default(), group, polled }
    }

    /// Polls once. Returns the nodes with values, and the faults of the others.
    async fn poll(&mut self) -> (BTreeSet<u32>, BTreeMap<u32, String>) {
        let mut reads = FakeReads { server: &mut self.server, group: &self.group };
        let results = read_group(&mut self.isolation, &mut reads, &self.group).await.unwrap();
        let (mut values, mut faults) = (BTreeSet::new(), BTreeMap::new());
        assert_eq!(results.len(), self.polled.len(), "each has one result");
        for result in results {
            let number = u32::try_from(result.stream.0).unwrap();
            match result.outcome {
                Ok(sample) => {
                    let own = DeviceValue::Number(NumericValue::Uint(number.into()));
                    assert_eq!(sample.value, own, "a value is its own node's");
                    values.insert(number);
                }
                Err(why) => drop(faults.insert(number, why)),
            }
        }
        let answered: BTreeSet<u32> = values.iter().chain(faults.keys()).copied().collect();
        assert_eq!(answered, self.polled, "nothing has two results");
        (values, faults)
    }

    /// The polled nodes that misbehave, and those that do not.
    fn parts(&self) -> (BTreeSet<u32>, BTreeSet<u32>) {
        self.polled.iter().copied().partition(|number| self.server.nodes.contains_key(number))
    }

    /// Whether the fault of a node says what is wrong with it.
    fn is_named(&self, number: u32, why: &str) -> bool {
        match self.server.nodes.get(&number) {
            Some(Misbehavior::BadStatus) => why == SENSOR_FAILURE,
            _ => why.contains(&format!("ns=2;i={number} alone")),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_healthy_node_has_its_value_within_three_polls_and_every_bad_one_is_named() {
    let mut failed = Vec::new();
    for seed in 0..300 {
        let mut plan = ChaosPlan::new(seed);
        let (bad, healthy) = plan.parts();
        let (mut found, mut faults) = (BTreeSet::new(), BTreeMap::new());
        for _ in 0..POLLS {
            let values;
            (values, faults) = plan.poll().await;
            found.extend(values);
        }
        let is_named = |number: &u32| faults.get(number).is_some_and(|why| plan.is_named(*number, why));
        if found != healthy || !bad.iter().all(is_named) {
            failed.push((seed, &healthy - &found, faults, plan.server));
        }
    }
    assert!(failed.is_empty(), "{} seeds: {failed:?}", failed.len());
}
