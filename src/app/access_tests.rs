//! Tests of keys, the local control token and the owner's commands over a real catalog.

use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::app::ai::query_models::QueryModels;
use crate::app::ai::{AiParts, LOADED_BYTES};
use crate::app::collector_ports::CollectorStates;
use crate::app::control::{Command, CommandOutcome};
use crate::app::session::SessionOptions;
use crate::app::{AppSettings, Parts};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::time::SystemClock;
use crate::domain::{Clock, Progress};
use crate::query::{Engine, EngineOptions};
use crate::store::catalog::Catalog;
use crate::store::compaction::CompactionOptions;
use crate::store::disk::LocalDisk;
use crate::store::flush::FlushOptions;
use crate::store::{Store, StoreOptions};

const CHOSEN: &str = "a-secret-that-somebody-chose-for-a-start";

/// Opens an application over an empty directory, which exists until the `TempDir` is dropped.
async fn open() -> (TempDir, App) {
    let dir = tempfile::tempdir().expect("a directory");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let catalog = Arc::new(Catalog::open("sqlite::memory:", clock.clone()).await.expect("a catalog"));
    let flush = FlushOptions { bytes: 1 << 20, age: Duration::from_secs(60), wal_keep_bytes: 0 };
    let compaction = CompactionOptions {
        interval: Duration::from_secs(60),
        keep_removed: Duration::from_secs(60),
        memory_bytes: 1 << 20,
        cpu_share: 1.0,
    };
    let options = StoreOptions {
        data_dir: dir.path().to_owned(),
        lake_url: None,
        wal_segment_bytes: 1 << 20,
        flush,
        compaction,
        memtable_cap_bytes: 1 << 20,
        write_deadline: Duration::from_secs(1),
        max_future: Duration::from_secs(1),
        retention_interval: Duration::from_secs(60),
        live_ring_bytes: 1 << 20,
    };
    let store = Store::open(options, catalog, Arc::new(LocalDisk), clock.clone()).await.expect("a store");
    let (store, states) = (Arc::new(store), CollectorStates::default());
    let options = EngineOptions {
        timeout: Duration::from_secs(1),
        max_rows: 10,
        memory_bytes: 1 << 20,
        share_bytes: 1 << 20,
        max_running: 1,
        max_waiting: 1,
        queue_deadline: Duration::from_secs(1),
        spill_dir: dir.path().join("spill"),
    };
    let ai = AiParts::new(store.clone(), LOADED_BYTES);
    let models = Arc::new(QueryModels::new(ai.clone()));
    let engine = Engine::new(store.clone(), Arc::new(states.clone()), models, options).expect("an engine");
    let settings = AppSettings {
        data_dir: dir.path().to_owned(),
        body_bytes: 1 << 20,
        sessions: SessionOptions::default(),
        audit_keep: Duration::from_secs(60),
        metrics_public: false,
        graphql: Default::default(),
        host: Default::default(),
        live: Default::default(),
        queries: Arc::default(),
    };
    (dir, App::new(Parts { store, engine: Arc::new(engine), ai }, &states, clock, settings))
}

fn request(scopes: &[&str], devices: &[i32]) -> KeyRequest {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    KeyRequest { name: "k".into(), scopes, devices: devices.to_vec(), data: Vec::new() }
}

fn kind_of<T>(result: Result<T>) -> Kind {
    result.err().expect("refused").kind
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_until_it_is_revoked() {
    let (_dir, app) = open().await;
    let owner = app.system(None).expect("the owner");
    let device = app.create_device(&owner, DeviceSpec::new("d", Protocol::Virtual)).await.expect("a device");
    let (key, secret) =
        app.create_key(&owner, &request(&["value:read"], &[device.id.0])).await.expect("a key");

    let who = app.authenticate_key(&secret).expect("known");
    assert_eq!(who.caller, Caller::Key(key.id));
    assert_eq!(who.devices, Some(BTreeSet::from([device.id])));
    assert_eq!(who.scopes.iter().map(|s| s.to_string()).collect::<Vec<_>>(), ["value:read"]);

    app.revoke_key(&owner, key.id).await.expect("revoked");
    for (name, secret) in [("revoked", secret.as_str()), ("unknown", CHOSEN), ("no_key_at_all", "")] {
        let error = app.authenticate_key(secret).expect_err(name);
        assert_eq!(
            (error.kind, error.message.as_str()),
            (Kind::Unauthenticated, "Invalid API key."),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_what_does_not_exist_is_refused_with_every_reason() {
    let (_dir, app) = open().await;
    let owner = app.system(None).expect("the owner");
    let mut wrong = request(&["value:read", "value:reed"], &[7]);
    wrong.data = vec![8];
    wrong.name = String::new();
    let error = app.create_key(&owner, &wrong).await.expect_err("refused");
    let fields: Vec<_> = error.fields.iter().map(|f| f.field.as_ref()).collect();
    assert_eq!(fields, ["name", "scope", "device", "data"], "{error}");
    assert!(app.keys(&owner).expect("a list").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chosen_key_is_made_once_and_stays_revoked() {
    let (_dir, app) = open().await;
    let owner = app.system(None).expect("the owner");
    assert_eq!(kind_of(app.bootstrap(&CHOSEN[..31]).await), Kind::Invalid);
    app.bootstrap(CHOSEN).await.expect("made");
    app.bootstrap(CHOSEN).await.expect("there already");
    let who = app.authenticate_key(CHOSEN).expect("known");
    assert_eq!(who.scopes, Scopes::all());
    let keys = app.keys(&owner).expect("a list");
    assert_eq!(keys.len(), 1);

    app.revoke_key(&owner, keys[0].id).await.expect("revoked");
    app.bootstrap(CHOSEN).await.expect("nothing to do");
    assert_eq!(kind_of(app.authenticate_key(CHOSEN)), Kind::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_local_token_opens_the_local_door() {
    let (_dir, app) = open().await;
    assert_eq!(kind_of(app.authenticate_local(CHOSEN, None)), Kind::Unauthenticated, "not open yet");
    let token = app.issue_local_token().expect("opened");
    assert_eq!(app.authenticate_local(&token, None).expect("known").caller, Caller::System);
    assert_eq!(kind_of(app.authenticate_local("", None)), Kind::Unauthenticated);
    assert_eq!(kind_of(app.authenticate_local(CHOSEN, None)), Kind::Unauthenticated);
    assert_eq!(kind_of(app.authenticate_local(&token, Some("nowhere"))), Kind::Invalid);
    assert_eq!(kind_of(app.authenticate_key(&token)), Kind::Unauthenticated, "it is no API key");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_for_the_owner_and_act_in_the_organization_they_name() {
    let (_dir, app) = open().await;
    let owner = app.system(None).expect("the owner");
    app.bootstrap(CHOSEN).await.expect("made");
    let key = app.authenticate_key(CHOSEN).expect("known");
    let org = || Some("acme".to_owned());
    let progress = Progress::default();
    let create_org = || Command::CreateOrg { slug: "acme".into(), name: None };
    let find = |create: Option<&str>| Command::FindStream {
        org: org(),
        device: "Oven".into(),
        stream: "t".into(),
        create: create.map(str::to_owned),
    };

    app.run_command(&owner, create_org(), &progress).await.expect("made");
    for command in [create_org(), Command::ListOrgs, Command::ListKeys { org: None }, find(Some("fp64"))] {
        assert_eq!(
            kind_of(app.run_command(&key, command, &progress).await),
            Kind::Forbidden,
            "a key is no owner"
        );
    }
    assert_eq!(kind_of(app.run_command(&owner, find(None), &progress).await), Kind::Invalid);
    let made = app.run_command(&owner, find(Some("fp64")), &progress).await.expect("made");
    assert_eq!(app.run_command(&owner, find(None), &progress).await.expect("found"), made);
    let in_default =
        Command::FindStream { org: None, device: "Oven".into(), stream: "t".into(), create: None };
    assert_eq!(
        kind_of(app.run_command(&owner, in_default, &progress).await),
        Kind::Invalid,
        "another organization"
    );

    let create_key = Command::CreateKey { org: org(), key: request(&["data:read"], &[]) };
    let CommandOutcome::NewKey { secret, .. } =
        app.run_command(&owner, create_key, &progress).await.expect("made")
    else {
        panic!("another outcome");
    };
    let who = app.authenticate_key(&secret).expect("known");
    assert_eq!(who.org, app.system(Some("acme")).expect("there").org);
}
