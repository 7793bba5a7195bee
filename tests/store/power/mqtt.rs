//! Loss of power under publishers of MQTT: what was acknowledged is there, and nothing is retained whose value is not.

use basalt::app::App;
use basalt::app::mqtt::{Publication, PublishOutcome};
use basalt::domain::Principal;
use basalt::domain::mqtt::Qos;
use serde_json::{Value, json};

use super::*;

/// One of three messages is retained.
const RETAINED_EVERY: i64 = 3;

/// One client: its own stream, its messages one after another, and what must be there.
#[derive(Default)]
struct MqttPublisher {
    stream: i32,
    number: i64,
    known: BTreeMap<Key, f64>,
    unacknowledged: Option<(Key, f64)>,
    /// The number of the last message that was acknowledged and is retained.
    retained: i64,
}

impl MqttPublisher {
    /// Publishes until the disk fails.
    async fn work(mut self, app: Arc<App>, who: Principal) -> MqttPublisher {
        loop {
            self.number += 1;
            let (ts, value) = (NOW - DAY + self.number * MINUTE, self.number as f64);
            let is_retained = self.number % RETAINED_EVERY == 0;
            self.unacknowledged = Some(((self.stream, ts), value));
            let publication = Publication {
                topic: format!("basalt/plant/s{}", self.stream),
                payload: json!({ "timestamp": ts / 1_000_000, "value": value }).to_string().into(),
                qos: Qos::AtLeastOnce,
                is_retained,
            };
            if !matches!(app.mqtt.publisher.publish(&who, publication).await, PublishOutcome::Stored) {
                return self;
            }
            self.known.extend(self.unacknowledged.take());
            if is_retained {
                self.retained = self.number;
            }
        }
    }

    fn check(&mut self, found: &BTreeMap<Key, f64>, place: &str) {
        let own: BTreeMap<Key, f64> =
            found.iter().filter(|(key, _)| key.0 == self.stream).map(|(key, value)| (*key, *value)).collect();
        let mut with = self.known.clone();
        with.extend(self.unacknowledged.take());
        assert!(own == self.known || own == with, "{place}: stream {}: {own:?}", self.stream);
        self.known = own;
    }
}

/// One life of the server: clients and flushes run until the power goes.
async fn live(
    env: &TestEnv,
    disk: &LossyDisk,
    publishers: Vec<MqttPublisher>,
    rng: &mut StdRng,
) -> Vec<MqttPublisher> {
    let db = env.open(disk.path(), Arc::new(disk.clone())).await.unwrap();
    let app = db.app();
    app.mqtt.sessions.start().await.unwrap();
    disk.power_off_after(rng.random_range(0..250));
    let publishers_ended = CancellationToken::new();
    let flushing = tokio::spawn(flush_until_failure(
        db.clone(),
        publishers_ended.clone(),
        StdRng::seed_from_u64(rng.random()),
    ));
    let working: Vec<_> =
        publishers.into_iter().map(|p| tokio::spawn(p.work(app.clone(), env.owner.clone()))).collect();
    let mut after = Vec::new();
    for publisher in working {
        after.push(publisher.await.unwrap());
    }
    publishers_ended.cancel();
    flushing.await.unwrap();
    after
}

async fn check(env: &TestEnv, disk: &LossyDisk, publishers: &mut [MqttPublisher], place: &str) {
    let opened = env.open(disk.path(), Arc::new(disk.clone())).await;
    let db = opened.unwrap_or_else(|e| panic!("{place}: it does not start: {e}"));
    let found = all_values(env, &db, place).await;
    for publisher in publishers.iter_mut() {
        publisher.check(&found, place);
    }
    let retained = env.catalog.mqtt.mqtt_retained().await.unwrap();
    for publisher in publishers.iter() {
        let level = format!("/s{}", publisher.stream);
        let message = retained.iter().find(|message| message.topic.ends_with(&level));
        let number = message.map_or(0, |message| {
            let payload: Value = serde_json::from_slice(&message.payload).unwrap();
            let (second, value) =
                (payload["timestamp"].as_i64().unwrap(), payload["value"].as_f64().unwrap());
            let key = (publisher.stream, second * 1_000_000);
            assert_eq!(found.get(&key), Some(&value), "{place}: {key:?} is retained and is no value");
            value as i64
        });
        let newest = publisher.retained;
        assert!(number >= newest, "{place}: {number}, and {newest} was acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_message_is_lost_when_the_power_goes() {
    for seed in seeds(2, 16) {
        let env = TestEnv::new(WRITERS + 1).await;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut disk = LossyDisk::new();
        let publisher = |n: i32| MqttPublisher { stream: n + 1, ..MqttPublisher::default() };
        let mut publishers: Vec<MqttPublisher> = (0..WRITERS).map(publisher).collect();
        for life in 0..LIVES {
            let place = format!("seed {seed}, life {life}");
            publishers = live(&env, &disk, publishers, &mut rng).await;
            disk = disk.power_loss(&mut rng);
            check(&env, &disk, &mut publishers, &place).await;
        }
    }
}
