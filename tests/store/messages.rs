//! Random readings, messages, upserts, deletions, flushes, merges and crashes against a map: lists of messages and of
//! sensors, their totals and every page agree with what is computed from the map.

use std::collections::{BTreeMap, BTreeSet};

use basalt::domain::device::{DeviceSpec, Protocol};
use basalt::domain::message::query::{MessageFilter, MessageOrder, MessageQuery, SensorQuery};
use basalt::domain::message::{Message, MessageFormat, StoredMessage, message_id};
use basalt::domain::policy::PolicyTable;
use basalt::domain::reading::{Reading, Readings};
use basalt::domain::stream::StreamSpec;
use basalt::domain::{DeviceId, Micros, StreamId};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::reopen;
use crate::in_process::{DAY, MINUTE, NOW, TestDb, TestEnv};
use crate::support::seeds;

const STEPS: usize = 20;
const DEVICES: i32 = 3;
const STREAMS_PER_DEVICE: i32 = 2;

/// The expected content: readings by (device, time, stream), and stored messages.
struct MessageModel {
    rng: StdRng,
    streams: BTreeMap<StreamId, DeviceId>,
    readings: BTreeSet<(DeviceId, i64, StreamId)>,
    stored: Vec<StoredMessage>,
}

/// A message as the model lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MessageRow {
    device: DeviceId,
    ts: i64,
    received_at: i64,
    stored: Option<StoredMessage>,
    sensors: usize,
}

impl MessageModel {
    /// Few distinct times over three days, some within one second, so that messages and readings meet.
    fn time(&mut self) -> i64 {
        let within = [0, 0, 0, 1, 500_000][self.rng.random_range(0..5)];
        NOW - 2 * DAY + self.rng.random_range(0..400) * 9 * MINUTE / 2 + within
    }

    async fn write_readings(&mut self, env: &TestEnv, db: &TestDb) {
        let streams: Vec<StreamId> = self.streams.keys().copied().collect();
        let count = self.rng.random_range(1..60);
        let mut request = Readings::default();
        for _ in 0..count {
            let stream = streams[self.rng.random_range(0..streams.len())];
            let ts = self.time();
            if ts < visible_from(env, stream) {
                continue;
            }
            request.push(Reading::good(stream, Micros(ts), f64::from(self.rng.random_range(0..9_i32))));
            self.readings.insert((self.streams[&stream], ts, stream));
        }
        db.store.write(&env.owner, request).await.unwrap();
    }

    /// Messages, half of them with a reading of their own.
    async fn write_messages(&mut self, env: &TestEnv, db: &TestDb) {
        let mut readings = Readings::default();
        let mut messages = Vec::new();
        for counter in 0..self.rng.random_range(1..8_u16) {
            let ts = self.time();
            let device = DeviceId(self.rng.random_range(1..=DEVICES));
            if ts < messages_from(env, device) {
                continue;
            }
            let own: Vec<StreamId> =
                self.streams.iter().filter(|(_, of)| **of == device).map(|(stream, _)| *stream).collect();
            let mut payload = serde_json::json!({"id": device.0});
            let mut sensor_count = 0;
            let is_written = |stream: &&StreamId| ts >= visible_from(env, **stream);
            if let Some(stream) = own.first().filter(is_written).filter(|_| self.rng.random_bool(0.5)) {
                readings.push(Reading::good(*stream, Micros(ts), 1.0));
                self.readings.insert((device, ts, *stream));
                payload["s1_id"] = "s".into();
                payload["s1_v"] = 1.into();
                sensor_count = 1;
            }
            let status = if self.rng.random_bool(0.3) { "WARN" } else { "ONLINE" };
            messages.push(StoredMessage {
                uuid: message_id::stored(device, Micros(ts), counter, self.rng.random()),
                device,
                ts: Micros(ts),
                received_at: db.store.assign_received_at(),
                status: status.to_owned(),
                payload: payload.to_string(),
                format: MessageFormat::Fact,
                principal: String::new(),
                client: String::new(),
                sensor_count,
            });
        }
        db.store.write_messages(&env.owner, &messages, readings).await.unwrap();
        self.stored.extend(messages);
    }

    async fn replace_stream(&mut self, env: &TestEnv) {
        let streams: Vec<StreamId> = self.streams.keys().copied().collect();
        let gone = streams[self.rng.random_range(0..streams.len())];
        env.catalog.streams.delete_stream(&env.owner, gone).await.unwrap();
        let device = self.streams.remove(&gone).unwrap();
        self.readings.retain(|(_, _, stream)| *stream != gone);
        let spec = StreamSpec::new(format!("after {gone}"), device);
        let new = env.catalog.streams.create_stream(&env.owner, spec).await.unwrap();
        self.streams.insert(new.id, device);
    }

    /// Sets or removes the policy of the organization, or of a stream.
    async fn change_policy(&mut self, env: &TestEnv) {
        let streams: Vec<StreamId> = self.streams.keys().copied().collect();
        let stream = self.rng.random_bool(0.5).then(|| streams[self.rng.random_range(0..streams.len())]);
        let (catalog, who, table) = (&env.catalog, &env.owner, PolicyTable::Readings);
        if self.rng.random_bool(0.4) {
            catalog.retention.remove_policy(who, table, stream).await.unwrap();
        } else {
            let hours = self.rng.random_range(20..46);
            catalog.retention.set_policy(who, table, stream, hours * 3600).await.unwrap();
        }
    }

    /// Every message that passes, the newest first.
    fn expected(&self, env: &TestEnv, filter: &MessageFilter) -> Vec<MessageRow> {
        let passes = |device: DeviceId, ts: i64, status: &str| {
            filter.devices.as_ref().is_none_or(|devices| devices.contains(&device))
                && filter.from.is_none_or(|from| ts >= from.0)
                && filter.to.is_none_or(|to| ts <= to.0)
                && filter.status.as_ref().is_none_or(|wanted| wanted == status)
        };
        let is_kept = |m: &&StoredMessage| m.ts.0 >= messages_from(env, m.device);
        let stored: Vec<&StoredMessage> = self.stored.iter().filter(is_kept).collect();
        let hidden: BTreeSet<(DeviceId, i64)> = stored.iter().map(|m| (m.device, m.ts.0)).collect();
        let mut derived: BTreeMap<(DeviceId, i64), usize> = BTreeMap::new();
        for (device, ts, stream) in &self.readings {
            if *ts >= visible_from(env, *stream) {
                *derived.entry((*device, *ts)).or_default() += 1;
            }
        }
        let derived = derived.into_iter().filter(|(key, _)| filter.derives && !hidden.contains(key));
        let derived = derived.filter(|((device, ts), _)| passes(*device, *ts, "ONLINE"));
        let mut all: Vec<MessageRow> = derived
            .map(|((device, ts), sensors)| MessageRow { device, ts, received_at: ts, stored: None, sensors })
            .collect();
        let stored = stored.into_iter().filter(|m| passes(m.device, m.ts.0, &m.status));
        all.extend(stored.map(|m| MessageRow {
            device: m.device,
            ts: m.ts.0,
            received_at: m.received_at.0,
            stored: Some(m.clone()),
            sensors: m.sensor_count as usize,
        }));
        all.sort_by_key(|m| (std::cmp::Reverse((m.ts, m.received_at)), m.device));
        all
    }

    fn filter(&mut self) -> MessageFilter {
        let mut or_none = |share: f64, value: i64| self.rng.random_bool(share).then_some(value);
        let (from, to) = (or_none(0.3, NOW - DAY - 7 * MINUTE), or_none(0.3, NOW - DAY / 2 + MINUTE));
        let device = or_none(0.4, 2);
        let status = or_none(0.3, 0).map(|_| ["ONLINE", "WARN", "none"][self.rng.random_range(0..3)]);
        MessageFilter {
            devices: device.map(|id| vec![DeviceId(id as i32)]),
            from: from.map(Micros),
            to: to.map(Micros),
            status: status.map(str::to_owned),
            derives: self.rng.random_bool(0.8),
        }
    }

    async fn check(&mut self, env: &TestEnv, db: &TestDb, place: &str) {
        for _ in 0..4 {
            let filter = self.filter();
            let place = format!("{place}: {filter:?}");
            let expected = self.expected(env, &filter);
            let all = self.page(env, db, &filter, (0, 10_000)).await;
            assert_eq!(plain(&all), expected, "{place}");
            for (offset, limit) in [(0, 1), (3, 5), (expected.len() / 2, 7), (expected.len(), 3)] {
                let page = self.page(env, db, &filter, (offset, limit)).await;
                let wanted: Vec<_> = expected.iter().skip(offset).take(limit).cloned().collect();
                assert_eq!(plain(&page), wanted, "{place}, {limit} from {offset}");
            }
            self.check_oldest_first(env, db, (&filter, &expected), &place).await;
            self.check_sensors(env, db, (&filter, &expected), &place).await;
            for message in all.iter().step_by(17) {
                let found = db.engine.message(&env.owner, message.uuid(), true).await.unwrap();
                assert_eq!(found.as_ref(), Some(message), "{place}");
            }
        }
        self.check_devices(env, db, place).await;
    }

    async fn page(
        &self,
        env: &TestEnv,
        db: &TestDb,
        filter: &MessageFilter,
        (offset, limit): (usize, usize),
    ) -> Vec<Message> {
        let (filter, order) = (filter.clone(), MessageOrder::NewestFirst);
        let total = self.expected(env, &filter).len() as u64;
        let query = MessageQuery { filter, order, offset, limit };
        let page = db.engine.messages(&env.owner, query).await.unwrap();
        assert_eq!(page.total, total);
        page.messages
    }

    async fn check_oldest_first(
        &self,
        env: &TestEnv,
        db: &TestDb,
        (filter, expected): (&MessageFilter, &[MessageRow]),
        place: &str,
    ) {
        let (filter, order) = (filter.clone(), MessageOrder::OldestFirst);
        let query = MessageQuery { filter, order, offset: 2, limit: 9 };
        let found = db.engine.messages(&env.owner, query).await.unwrap();
        let mut times: Vec<i64> = expected.iter().map(|m| m.ts).collect();
        times.reverse();
        let found: Vec<i64> = found.messages.iter().map(|m| m.ts.0).collect();
        assert_eq!(found, times.into_iter().skip(2).take(9).collect::<Vec<_>>(), "{place}");
    }

    async fn check_sensors(
        &self,
        env: &TestEnv,
        db: &TestDb,
        (filter, expected): (&MessageFilter, &[MessageRow]),
        place: &str,
    ) {
        let total: usize = expected.iter().map(|m| m.sensors).sum();
        let sensors = |m: &MessageRow| (1..=m.sensors as u32).map(|index| (m.device, m.ts, index)).collect();
        let mut rows: Vec<(DeviceId, i64, u32)> = expected.iter().flat_map::<Vec<_>, _>(sensors).collect();
        // The sort is stable: within a second and an index the newest message comes first.
        rows.sort_by_key(|(_, ts, index)| (std::cmp::Reverse(ts.div_euclid(1_000_000)), *index));
        for (offset, limit) in [(0, 10_000), (5, 4), (total / 2, 3)] {
            let query = SensorQuery { filter: filter.clone(), sensor: None, offset, limit };
            let found = db.engine.message_sensors(&env.owner, query).await.unwrap();
            let wanted: Vec<_> = rows.iter().skip(offset).take(limit).copied().collect();
            assert_eq!(found.total, total as u64, "{place}");
            let found: Vec<_> =
                found.sensors.iter().map(|row| (row.device, row.ts.0, row.sensor.index)).collect();
            assert_eq!(found, wanted, "{place}, {limit} from {offset}");
        }
    }

    async fn check_devices(&self, env: &TestEnv, db: &TestDb, place: &str) {
        let filter = MessageFilter { devices: None, from: None, to: None, status: None, derives: true };
        let mut expected: BTreeMap<DeviceId, (u64, i64)> = BTreeMap::new();
        for message in self.expected(env, &filter) {
            let of_device = expected.entry(message.device).or_insert((0, i64::MIN));
            *of_device = (of_device.0 + 1, of_device.1.max(message.ts));
        }
        let found = db.engine.message_devices(&env.owner, filter).await.unwrap();
        let found: BTreeMap<_, _> =
            found.into_iter().map(|one| (one.device, (one.messages, one.last_seen.0))).collect();
        assert_eq!(found, expected, "{place}");
    }
}

fn plain(messages: &[Message]) -> Vec<MessageRow> {
    use basalt::domain::message::MessageContent;
    let one = |message: &Message| MessageRow {
        device: message.device,
        ts: message.ts.0,
        received_at: message.received_at().0,
        stored: match &message.content {
            MessageContent::Stored(stored) => Some(stored.clone()),
            MessageContent::Derived => None,
        },
        sensors: message.sensors.len(),
    };
    messages.iter().map(one).collect()
}

/// The time from which readings of a stream are shown.
fn visible_from(env: &TestEnv, stream: StreamId) -> i64 {
    env.catalog.retention.retention_bounds(Micros(NOW)).visible_from.start_of(stream.0)
}

/// The time from which messages of a device are shown.
fn messages_from(env: &TestEnv, device: DeviceId) -> i64 {
    env.catalog.retention.retention_bounds(Micros(NOW)).messages_from.start_of(device.0)
}

async fn fleet(env: &TestEnv) -> BTreeMap<StreamId, DeviceId> {
    let mut streams = BTreeMap::from([(StreamId(1), DeviceId(1))]);
    for device in 2..=DEVICES {
        let spec = DeviceSpec::new(format!("device {device}"), Protocol::Mqtt);
        assert_eq!(env.catalog.devices.create_device(&env.owner, spec).await.unwrap().id, DeviceId(device));
    }
    for device in 1..=DEVICES {
        for n in 0..STREAMS_PER_DEVICE {
            let spec = StreamSpec::new(format!("m{n}"), DeviceId(device));
            let stream = env.catalog.streams.create_stream(&env.owner, spec).await.unwrap();
            streams.insert(stream.id, DeviceId(device));
        }
    }
    // The last stream of the environment is a text.
    streams.remove(&StreamId(1));
    streams
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_list_of_messages_equals_a_map_wherever_its_rows_are() {
    for seed in seeds(1, 6) {
        let (env, _dir, mut db) = TestEnv::open_new(1).await;
        let rng = StdRng::seed_from_u64(seed);
        let streams = fleet(&env).await;
        let mut model = MessageModel { rng, streams, readings: BTreeSet::new(), stored: Vec::new() };
        for step in 0..STEPS {
            let place = format!("seed {seed}, step {step}");
            match model.rng.random_range(0..14) {
                0..4 => model.write_readings(&env, &db).await,
                4..7 => model.write_messages(&env, &db).await,
                7 => db.store.flush().await.unwrap(),
                8 => {
                    db.compact().await.unwrap();
                }
                9 => {
                    db.store.compute_statistics().await.unwrap();
                }
                10 => model.replace_stream(&env).await,
                11 => model.change_policy(&env).await,
                12 => {
                    db.store.run_retention().await.unwrap();
                }
                // A crash: what was acknowledged is in the log.
                _ => db = reopen(&env, db).await,
            }
            model.check(&env, &db, &place).await;
        }
    }
}
