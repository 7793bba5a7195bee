//! Two organizations whose rows would give themselves away, and the keys that see parts of them.

use basalt::app::access::KeyRequest;
use basalt::domain::annotation::{AnnotationSource, AnnotationSpec, ScopeType};
use basalt::domain::device::{DeviceSpec, Protocol};
use basalt::domain::document::{AnnotationClassSpec, DocumentKind, DocumentSpec};
use basalt::domain::group::GroupSpec;
use basalt::domain::reading::{Quality, Reading};
use basalt::domain::stream::{StreamKind, StreamSpec};
use basalt::domain::{DeviceId, Micros, Principal, StreamId};
use basalt::store::catalog::NewDocument;
use tempfile::TempDir;

use super::documents;
use crate::in_process::{MINUTE, NOW, TestDb, TestEnv, message};
use crate::support::{Client, event, posted_minute};

/// Every name and text of what a caller may not see contains this.
pub const SECRET: &str = "zebra";
/// The value of every number a caller may not see; it is in no answer of anybody else.
pub const SECRET_VALUE: f64 = 777_123.5;

pub struct IsolationFixture {
    pub env: TestEnv,
    pub db: TestDb,
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

/// A device with a number and a text. Its external id is its first name, which is a part of nothing else that answers have.
pub async fn plant(env: &TestEnv, who: &Principal, name: &str) -> (DeviceId, Vec<StreamId>) {
    let spec = DeviceSpec::new(format!("{name} at first"), Protocol::Virtual);
    let device = env.catalog.devices.create_device(who, spec).await.unwrap();
    env.catalog.devices.update_device(who, device.id, |spec| name.clone_into(&mut spec.name)).await.unwrap();
    let mut streams = Vec::new();
    for (suffix, kind) in [("number", StreamKind::Fp64), ("text", StreamKind::Text)] {
        let spec = StreamSpec { kind, ..StreamSpec::new(format!("{name} {suffix}"), device.id) };
        streams.push(env.catalog.streams.create_stream(who, spec).await.unwrap().id);
    }
    (device.id, streams)
}

/// Twenty minutes of a number and a text. What is hidden is older and newer than what is not.
pub async fn write(db: &TestDb, who: &Principal, streams: &[StreamId], is_secret: bool, from: i64) {
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
    db.store.write(who, rows.into_iter().collect()).await.unwrap();
}

/// A statistic written by hand, a message, an event and annotations of a stream and its device.
async fn record(env: &TestEnv, db: &TestDb, who: &Principal, stream: StreamId, is_secret: bool) {
    let device = env.catalog.streams.stream(who, stream).unwrap().spec.device;
    let word = if is_secret { SECRET } else { "own" };
    let ts = Micros(NOW - 150 * MINUTE);
    let row = posted_minute(stream, ts, if is_secret { SECRET_VALUE } else { 5.0 });
    db.store.upsert(who, basalt::store::statistics::rows::posted_rows(&[row])).await.unwrap();
    db.store.upsert(who, message(device, ts, word)).await.unwrap();
    env.catalog.events.create_event(who, event(device, Some(stream), word, ts)).await.unwrap();
    annotate(env, who, stream, word).await;
}

/// An annotation of a stream, from its first visible reading for ten minutes, and one of its device.
async fn annotate(env: &TestEnv, who: &Principal, stream: StreamId, word: &str) {
    let key = if who.org == env.owner.org { "state" } else { SECRET };
    let class = match env.catalog.documents.document_by_name(who, DocumentKind::AnnotationClass, key) {
        Some(class) => class.uuid,
        None => {
            let class = AnnotationClassSpec {
                key: key.to_owned(),
                name: key.to_owned(),
                color: None,
                scopes: ScopeType::ALL.into(),
                fields: Vec::new(),
                pack: None,
            };
            let new = NewDocument::new(DocumentSpec::AnnotationClass(class));
            env.catalog.documents.create_documents(who, vec![new]).await.unwrap().remove(0).uuid
        }
    };
    let stream = env.catalog.streams.stream(who, stream).unwrap();
    let device = env.catalog.devices.device(who, stream.spec.device).unwrap().aliases.uuid;
    for (scope_type, scope) in [(ScopeType::Sensor, stream.uuid), (ScopeType::Device, device)] {
        let annotation = AnnotationSpec {
            class,
            scope_type,
            scope,
            start: Micros(NOW - 200 * MINUTE),
            end: Some(Micros(NOW - 190 * MINUTE)),
            values: serde_json::Map::new(),
            source: AnnotationSource::Manual,
            confidence: None,
            note: Some(word.to_owned()),
        };
        env.catalog.annotations.create_annotation(who, annotation, word.to_owned()).await.unwrap();
    }
}

/// Documents and quarantined readings of every device. Those that belong to no device are seen by their whole
/// organization: in the first one they name nobody.
async fn plant_documents(
    env: &TestEnv,
    db: &TestDb,
    others: [(&Vec<StreamId>, &Principal); 2],
    own_device: DeviceId,
) {
    let names = ["own".to_owned(), format!("{SECRET} shared")];
    for ((streams, who), shared) in others.into_iter().zip(names) {
        let mut devices: Vec<DeviceId> = Vec::new();
        for pair in streams.chunks(2) {
            let device = env.catalog.streams.stream(who, pair[0]).unwrap().spec.device;
            documents::plant(env, db, who, device, SECRET).await;
            devices.push(device);
        }
        if who.org == env.owner.org {
            documents::plant(env, db, who, own_device, "own").await;
            devices.push(own_device);
        }
        documents::plant_shared(db, who, &devices, &shared).await;
    }
}

impl IsolationFixture {
    /// Hidden streams have ids below and above the visible ones, in one file with them once flushed.
    pub async fn new() -> IsolationFixture {
        let (env, dir, db) = TestEnv::open_new(1).await;
        let other = env.catalog.orgs.create_org(&env.owner, "other", &format!("{SECRET} org")).await.unwrap();
        let other = Principal::system(other.id);
        let (_, mut hidden) = plant(&env, &env.owner, &format!("{SECRET} first")).await;
        let (_, mut foreign) = plant(&env, &other, &format!("{SECRET} foreign first")).await;
        let (own_device, own) = plant(&env, &env.owner, "own").await;
        foreign.extend(plant(&env, &other, &format!("{SECRET} foreign last")).await.1);
        hidden.extend(plant(&env, &env.owner, &format!("{SECRET} last")).await.1);
        let group = GroupSpec { name: format!("{SECRET} group"), description: String::new() };
        env.catalog.groups.create_group(&other, group, Vec::new()).await.unwrap();
        for (streams, who) in [(&hidden, &env.owner), (&foreign, &other)] {
            for pair in streams.chunks(2) {
                write(&db, who, pair, true, NOW - 300 * MINUTE).await;
                write(&db, who, pair, true, NOW - 100 * MINUTE).await;
            }
        }
        write(&db, &env.owner, &own, false, NOW - 200 * MINUTE).await;
        for (streams, who) in [(&hidden, &env.owner), (&foreign, &other)] {
            for pair in streams.chunks(2) {
                record(&env, &db, who, pair[0], true).await;
            }
        }
        record(&env, &db, &env.owner, own[0], false).await;
        plant_documents(&env, &db, [(&hidden, &env.owner), (&foreign, &other)], own_device).await;
        let client = db.serve().await.without_key();
        IsolationFixture { env, db, client, own_device, own, hidden, foreign, other, _dir: dir }
    }

    /// The streams that a restricted key does not see, and who writes them.
    pub fn others(&self) -> [(Vec<StreamId>, Principal); 2] {
        [(self.hidden.clone(), self.env.owner.clone()), (self.foreign.clone(), self.other.clone())]
    }

    /// A client with a key of the first organization.
    pub async fn key(&self, scopes: &[&str], devices: &[DeviceId], data: &[StreamId]) -> Client {
        let request = KeyRequest {
            name: "key".to_owned(),
            scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
            devices: devices.iter().map(|d| d.0).collect(),
            data: data.iter().map(|s| s.0).collect(),
            expires: None,
        };
        let (_, secret) = self.db.app().access.create_key(&self.env.owner, &request).await.unwrap();
        self.client.with_key(&secret)
    }

    /// A client with a key of the other organization that may do everything.
    pub async fn foreign_key(&self) -> Client {
        let request = KeyRequest { name: "foreign".to_owned(), ..KeyRequest::default() };
        let (_, secret) = self.db.app().access.create_key(&self.other, &request).await.unwrap();
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
