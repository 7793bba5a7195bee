//! `kill -9` under 64 publishers with QoS 1 and 8 persistent sessions: a reading that was acknowledged is there once, what
//! was not comes again and counts once, and the sessions hear of all of it.
//!
//! Three rounds in every change; fifty in tests/long.sh.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::{NOON_S, PATIENCE, Plant, number, reading};
use crate::support::{eventually, sized};
use crate::tools::mqtt::encode::{PUBACK, ack};
use crate::tools::mqtt::{BOTH, Connect, Message, MqttClient, Packet, Publish, Version};

const PUBLISHERS: usize = 64;
const SUBSCRIBERS: usize = 8;
/// Messages that a publisher has unacknowledged at most.
const IN_FLIGHT: usize = 5;

/// One publisher: a stream of its own, whose values are 1, 2, 3, … a second apart.
struct Publisher {
    hello: Connect,
    topic: String,
    last: i64,
    /// Not acknowledged, the oldest first: packet id and value.
    open: VecDeque<(u16, i64)>,
    acked: i64,
}

impl Publisher {
    fn new(plant: &Plant, number: usize) -> Publisher {
        let version = BOTH[number % 2];
        let hello = plant.hello(version, &format!("publisher-{number}")).persistent();
        Publisher { hello, topic: format!("basalt/line/p{number}"), last: 0, open: VecDeque::new(), acked: 0 }
    }

    fn bytes(&self, (id, value): (u16, i64), is_again: bool) -> Vec<u8> {
        let publish = Publish::new(&self.topic, reading(value, value as f64), 1, id);
        Publish { is_again, ..publish }.encode(self.hello.version)
    }

    /// Sends again what was not acknowledged, and goes on until the server is gone.
    async fn work(&mut self, address: &str) {
        let Ok(mut client) = MqttClient::try_connect(address, &self.hello).await else { return };
        for message in self.open.clone() {
            client.raw(&self.bytes(message, true)).await;
        }
        loop {
            while self.open.len() < IN_FLIGHT {
                self.last += 1;
                let message = ((self.last % 60_000) as u16 + 1, self.last);
                self.open.push_back(message);
                client.raw(&self.bytes(message, false)).await;
            }
            if !self.take_ack(&mut client).await {
                return;
            }
        }
    }

    /// Waits for an acknowledgement, which is that of the oldest message; `false` when the server is gone.
    async fn take_ack(&mut self, client: &mut MqttClient) -> bool {
        match client.packet().await {
            Some(Packet::Ack { first: PUBACK, id, code: 0 }) => {
                let (expected, value) = self.open.pop_front().expect("something was sent");
                assert_eq!(id, expected, "acknowledgements have the order of the messages");
                self.acked = value;
                true
            }
            None => false,
            other => panic!("{}: {other:?}", self.topic),
        }
    }

    /// Has the rest acknowledged.
    async fn finish(&mut self, address: &str) {
        let mut client = MqttClient::connect(address, &self.hello).await;
        assert!(client.is_present, "{}: its session has survived", self.topic);
        for message in self.open.clone() {
            client.raw(&self.bytes(message, true)).await;
        }
        while !self.open.is_empty() {
            assert!(self.take_ack(&mut client).await, "the server runs");
        }
    }
}

/// A persistent session that hears of everything. Now and then it leaves by itself.
struct Subscriber {
    hello: Connect,
    rng: StdRng,
    /// By stream: the values it was told of.
    heard: BTreeMap<String, BTreeSet<i64>>,
}

impl Subscriber {
    async fn new(plant: &Plant, number: usize) -> Subscriber {
        let hello = plant.hello(BOTH[number % 2], &format!("subscriber-{number}")).persistent();
        let mut client = MqttClient::connect(&plant.address, &hello).await;
        assert_eq!(client.subscribe(&[("basalt/line/#", 1)]).await, [1]);
        client.disconnect(0).await;
        Subscriber { hello, rng: StdRng::seed_from_u64(number as u64), heard: BTreeMap::new() }
    }

    fn hear(&mut self, message: &Message) {
        self.heard.entry(message.topic.clone()).or_default().insert(number(message) as i64);
    }

    /// Listens until the server is gone.
    async fn listen(&mut self, address: &str) {
        let Ok(mut client) = MqttClient::try_connect(address, &self.hello).await else { return };
        assert!(client.is_present, "{}: its session has survived", self.hello.client_id);
        loop {
            match client.packet().await {
                Some(Packet::Publish(message)) => {
                    self.hear(&message);
                    client.raw(&ack(PUBACK, message.id)).await;
                    if self.rng.random_ratio(1, 500) {
                        client.cut();
                        match MqttClient::try_connect(address, &self.hello).await {
                            Ok(again) => client = again,
                            Err(_) => return,
                        }
                    }
                }
                None => return,
                other => panic!("{}: {other:?}", self.hello.client_id),
            }
        }
    }

    fn lacks(&self, acked: &BTreeMap<String, i64>) -> bool {
        acked
            .iter()
            .any(|(topic, count)| self.heard.get(topic).map_or(0, |received| received.len() as i64) < *count)
    }

    /// Listens until it has heard of every reading.
    async fn catch_up(&mut self, address: &str, acked: &BTreeMap<String, i64>) {
        let mut client = MqttClient::connect(address, &self.hello).await;
        while self.lacks(acked) {
            let message = client.take_message().await;
            self.hear(&message);
        }
    }
}

/// The values that are stored by stream name; each once.
async fn stored(plant: &Plant) -> BTreeMap<String, Vec<i64>> {
    let query = "SELECT s.name, CAST(r.ts AS BIGINT) / 1000000 AS second, r.value FROM readings r JOIN streams s \
        ON s.id = r.stream_id JOIN devices d ON d.id = s.device_id WHERE d.name = 'line' ORDER BY s.name, r.ts";
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in plant.client().sql(query).await {
        let value = row["value"].as_f64().expect("a number") as i64;
        assert_eq!(row["second"].as_i64(), Some(NOON_S + value), "a value is where it belongs");
        found.entry(row["name"].as_str().expect("a name").to_owned()).or_default().push(value);
    }
    found
}

async fn check(plant: &Plant, publishers: &[Publisher], place: &str) {
    let found = stored(plant).await;
    for publisher in publishers {
        let name = publisher.topic.rsplit('/').next().expect("a level");
        let values = found.get(name).cloned().unwrap_or_default();
        let (acked, sent) = (publisher.acked, publisher.last);
        assert!(values.windows(2).all(|pair| pair[0] < pair[1]), "{place}: {name} has a reading twice");
        let lost: Vec<i64> = (1..=acked).filter(|value| values.binary_search(value).is_err()).collect();
        assert!(lost.is_empty(), "{place}: {name} was acknowledged up to {acked}, and {lost:?} are lost");
        assert!(values.last().is_none_or(|last| *last <= sent), "{place}: {name} has more than was sent");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_it_keeps_what_it_acknowledged() {
    // Frequent flushes, so that kills meet them.
    let mut plant = Plant::start_with(&[("BASALT_FLUSH__AGE", "200ms")]).await;
    crate::graphql::plant(&plant.client(), "line", &[]).await;
    let address = plant.address.clone();
    let mut publishers: Vec<_> = (0..PUBLISHERS).map(|number| Publisher::new(&plant, number)).collect();
    let mut subscribers = Vec::new();
    for number in 0..SUBSCRIBERS {
        subscribers.push(Subscriber::new(&plant, number).await);
    }
    let mut rng = StdRng::seed_from_u64(22);
    for round in 0..sized(3, 50) {
        let wait = Duration::from_millis(rng.random_range(200..2000));
        let working = join_all(publishers.iter_mut().map(|publisher| publisher.work(&address)));
        let listening = join_all(subscribers.iter_mut().map(|subscriber| subscriber.listen(&address)));
        tokio::join!(working, listening, async {
            tokio::time::sleep(wait).await;
            plant.server.kill();
        });
        plant.server.start_again().await;
        check(&plant, &publishers, &format!("round {round}, killed after {wait:?}")).await;
    }
    for publisher in &mut publishers {
        publisher.finish(&address).await;
        assert!(publisher.acked > 0 && publisher.acked == publisher.last, "{}", publisher.topic);
    }
    check(&plant, &publishers, "in the end").await;
    let acked: BTreeMap<String, i64> = publishers.iter().map(|p| (p.topic.clone(), p.acked)).collect();
    for subscriber in &mut subscribers {
        let name = subscriber.hello.client_id.clone();
        let caught_up = tokio::time::timeout(3 * PATIENCE, subscriber.catch_up(&address, &acked)).await;
        assert!(caught_up.is_ok(), "{name} was not told of every reading");
    }
    assert!(!plant.server.log().contains("panicked"), "{}", plant.server.log());
}

/// A session is stored before SUBACK and CONNACK say so, whenever the server is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_once_it_keeps_sessions_and_subscriptions() {
    let mut plant = Plant::start().await;
    for version in BOTH {
        for round in 0..3 {
            let hello = plant.hello(version, &format!("session-{round}")).persistent();
            let mut client = MqttClient::connect(&plant.address, &hello).await;
            assert_eq!(client.subscribe(&[("basalt/press/temp", 1)]).await, [1]);
            plant.crash().await;
            let mut back = eventually("the broker is back", PATIENCE, || async {
                MqttClient::try_connect(&plant.address, &hello).await.ok()
            })
            .await;
            assert!(back.is_present, "{version:?}, round {round}");
            let mut writer = plant.connect(Version::V5, "writer").await;
            assert_eq!(writer.publish("basalt/press/temp", "5", 1).await, Ok(0));
            assert_eq!(number(&back.take_message().await), 5.0);
            // Gone for the next version.
            back.disconnect(0).await;
            plant.connect(version, &hello.client_id).await.disconnect(0).await;
        }
    }
}
