//! Two organizations whose rows would give themselves away, and the keys that see parts of them.

use basalt::app::access::KeyRequest;
use basalt::domain::device::{DeviceSpec, Protocol};
use basalt::domain::event::{EventSpec, Level};
use basalt::domain::group::GroupSpec;
use basalt::domain::reading::{Quality, Reading};
use basalt::domain::statistic::{Origin, Statistic};
use basalt::domain::stream::{StreamKind, StreamSpec};
use basalt::domain::{DeviceId, Micros, Principal, StreamId};
use tempfile::TempDir;

use crate::in_process::{MINUTE, NOW, TestDb, TestEnv, message};
use crate::support::Client;

/// Every name and text of what a caller may not see contains this.
pub const SECRET: &str = "zebra";
/// The value of every number a caller may not see; it is in no answer of anybody else.
pub const SECRET_VALUE: f64 = 777_123.5;

pub struct IsolationFixture {
    pub ground: TestEnv,
    pub inside: TestDb,
    /// Without a key; `key` gives one.
    pub client: Client,
    /// Device and streams that a restricted key may see.
    pub own_device: DeviceId,
    pub own: Vec<StreamId>,
    /// The streams of the same organization that it may not see, then those of the other one.
    pub hidden: Vec<StreamId>,
    pub foreign: Vec<StreamId>,
    other: Principal,
    _dir: TempDir,
}

async fn plant(ground: &TestEnv, who: &Principal, name: &str) -> (DeviceId, Vec<StreamId>) {
    let device = ground.catalog.create_device(who, DeviceSpec::new(name, Protocol::Virtual)).await.unwrap();
    let mut streams = Vec::new();
    for (suffix, kind) in [("number", StreamKind::Fp64), ("text", StreamKind::Text)] {
        let spec = StreamSpec { kind, ..StreamSpec::new(format!("{name} {suffix}"), device.id) };
        streams.push(ground.catalog.create_stream(who, spec).await.unwrap().id);
    }
    (device.id, streams)
}

/// Twenty minutes of a number and a text. What is hidden is older and newer than what is not.
pub async fn write(inside: &TestDb, who: &Principal, streams: &[StreamId], is_secret: bool, from: i64) {
    let mut rows = Vec::new();
    for minute in 0..20 {
        let ts = Micros(from + minute * MINUTE);
        let value = if is_secret { SECRET_VALUE } else { minute as f64 };
        let text = if is_secret { format!("{SECRET} {minute}") } else { minute.to_string() };
        rows.push(Reading::good(streams[0], ts, value));
        rows.push(Reading {
            stream: streams[1],
            ts,
            value: None,
            text: Some(text.into()),
            quality: Quality::Good,
        });
    }
    inside.store.write(who, rows.into_iter().collect()).await.unwrap();
}

/// A statistic written by hand, a message and an event of a stream and its device.
async fn record(ground: &TestEnv, inside: &TestDb, who: &Principal, stream: StreamId, is_secret: bool) {
    let device = ground.catalog.stream(who, stream).unwrap().spec.device;
    let word = if is_secret { SECRET } else { "own" };
    let ts = Micros(NOW - 150 * MINUTE);
    let row = Statistic {
        origin: Origin::Posted,
        stream,
        ts,
        window_s: 60,
        count: 1,
        mean: Some(if is_secret { SECRET_VALUE } else { 5.0 }),
        rms: None,
        median: None,
        min: None,
        max: None,
        q1: None,
        q3: None,
    };
    inside.store.upsert(who, basalt::store::statistics::rows::posted_rows(&[row])).await.unwrap();
    inside.store.upsert(who, message(device, ts, word)).await.unwrap();
    let event = EventSpec {
        device: Some(device),
        stream: Some(stream),
        kind: word.to_owned(),
        level: Level::Info,
        ts,
        message: word.to_owned(),
        url: String::new(),
        payload: serde_json::Map::new(),
        acknowledged: false,
    };
    ground.catalog.create_event(who, event).await.unwrap();
}

impl IsolationFixture {
    /// Hidden streams have ids below and above the visible ones, in one file with them once flushed.
    pub async fn new() -> IsolationFixture {
        let ground = TestEnv::new(1).await;
        let dir = tempfile::tempdir().unwrap();
        let inside = ground.open_local(dir.path()).await;
        let other =
            ground.catalog.create_org(&ground.owner, "other", &format!("{SECRET} org")).await.unwrap();
        let other = Principal::system(other.id);
        let (_, mut hidden) = plant(&ground, &ground.owner, &format!("{SECRET} first")).await;
        let (_, mut foreign) = plant(&ground, &other, &format!("{SECRET} foreign first")).await;
        let (own_device, own) = plant(&ground, &ground.owner, "own").await;
        foreign.extend(plant(&ground, &other, &format!("{SECRET} foreign last")).await.1);
        hidden.extend(plant(&ground, &ground.owner, &format!("{SECRET} last")).await.1);
        let group = GroupSpec { name: format!("{SECRET} group"), description: String::new() };
        ground.catalog.create_group(&other, group, Vec::new()).await.unwrap();
        for (streams, who) in [(&hidden, &ground.owner), (&foreign, &other)] {
            for pair in streams.chunks(2) {
                write(&inside, who, pair, true, NOW - 300 * MINUTE).await;
                write(&inside, who, pair, true, NOW - 100 * MINUTE).await;
            }
        }
        write(&inside, &ground.owner, &own, false, NOW - 200 * MINUTE).await;
        for (streams, who) in [(&hidden, &ground.owner), (&foreign, &other)] {
            for pair in streams.chunks(2) {
                record(&ground, &inside, who, pair[0], true).await;
            }
        }
        record(&ground, &inside, &ground.owner, own[0], false).await;
        let client = inside.serve().await.without_key();
        IsolationFixture { ground, inside, client, own_device, own, hidden, foreign, other, _dir: dir }
    }

    /// The streams that a restricted key does not see, and who writes them.
    pub fn others(&self) -> [(Vec<StreamId>, Principal); 2] {
        [(self.hidden.clone(), self.ground.owner.clone()), (self.foreign.clone(), self.other.clone())]
    }

    /// A client with a key of the first organization.
    pub async fn key(&self, scopes: &[&str], devices: &[DeviceId], data: &[StreamId]) -> Client {
        let request = KeyRequest {
            name: "key".to_owned(),
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            devices: devices.iter().map(|d| d.0).collect(),
            data: data.iter().map(|s| s.0).collect(),
        };
        let (_, secret) = self.inside.app().create_key(&self.ground.owner, &request).await.unwrap();
        self.client.with_key(&secret)
    }

    /// A client with a key of the other organization that may do everything.
    pub async fn foreign_key(&self) -> Client {
        let request = KeyRequest { name: "foreign".to_owned(), ..KeyRequest::default() };
        let (_, secret) = self.inside.app().create_key(&self.other, &request).await.unwrap();
        self.client.with_key(&secret)
    }

    /// The two keys that see `own` and nothing else: by device, and by stream.
    pub async fn restricted(&self) -> [(&'static str, Client); 2] {
        [
            ("by device", self.key(&[], &[self.own_device], &[]).await),
            ("by stream", self.key(&[], &[], &self.own).await),
        ]
    }
}
