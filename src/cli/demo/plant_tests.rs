//! Starts after others: an interrupted first start is completed, and counters go on.

use std::path::Path;

use futures::TryStreamExt;
use serde_json::{Value, json};

use super::*;
use crate::cli::config::Config;
use crate::cli::demo::catalog;
use crate::cli::dir_lock::DirLock;
use crate::cli::instance::open_instance;
use crate::domain::Micros;
use crate::domain::event::{Event, EventFilter};
use crate::domain::reading::{Reading, Readings};
use crate::domain::stream::StreamFilter;
use crate::domain::time::{MICROS_PER_HOUR, MICROS_PER_SECOND};
use crate::sim::readout::{Readout, TagReader};

/// Opens a data directory and creates the devices, as the first steps of a start do.
async fn open_with_devices(dir: &Path) -> (Instance, Principal) {
    let opened = open(dir).await;
    let owner = opened.app.access.system(None).expect("an organization");
    let listeners = bind_listeners().await.expect("sockets");
    provide_devices(&opened.app, &owner, &listeners).await.expect("created");
    (opened, owner)
}

async fn open(dir: &Path) -> Instance {
    let config = Config { data_dir: dir.to_owned(), ..Config::default() };
    let lock = DirLock::acquire(dir).expect("nobody has it");
    open_instance(&config, lock).await.expect("opened")
}

async fn all_events(app: &App, owner: &Principal) -> Vec<Event> {
    let events = app.events.events(owner, EventFilter::default()).expect("permitted");
    events.try_concat().await.expect("read")
}

/// The end of the history that each device tells.
fn marks(app: &App, owner: &Principal) -> Vec<Option<Value>> {
    let devices = catalog::devices(app, owner).expect("read");
    devices.iter().map(|device| device.spec.metadata.get(history::MARK).cloned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_that_was_interrupted_is_completed_by_the_next() {
    let dir = tempfile::tempdir().expect("a directory");
    let (opened, owner) = open_with_devices(dir.path()).await;
    // An hour ago it was killed after the first mark, and now after the first alarm.
    let now = opened.clock.now();
    let end = Micros(now.0 - now.0.rem_euclid(MICROS_PER_SECOND) - MICROS_PER_HOUR);
    let first = catalog::devices(&opened.app, &owner).expect("read")[0].id;
    let mark = move |spec: &mut DeviceSpec| {
        spec.metadata.insert(history::MARK.to_owned(), json!(end.to_iso()));
    };
    opened.app.devices.update_device(&owner, first, mark).await.expect("marked");
    provide_content(&opened, &owner).await.expect("created");
    for event in all_events(&opened.app, &owner).await.iter().skip(1) {
        opened.app.events.delete_event(&owner, event.id).await.expect("deleted");
    }
    opened.close().await.expect("closed");

    let opened = open(dir.path()).await;
    let options = DemoOptions { faults: Vec::new(), has_content: true };
    let plant = DemoPlant::start(&opened, options).await.expect("completed");
    assert!(plant.credentials.is_some() && plant.has_history && plant.has_model);
    let (app, example) = (&opened.app, plant.example);
    plant.stop().await;
    assert_eq!(marks(app, &owner), vec![Some(json!(end.to_iso())); 4]);
    let events = all_events(app, &owner).await;
    let times = |kind: &str| -> Vec<Micros> {
        events.iter().filter(|event| event.spec.kind == kind).map(|event| event.spec.ts).collect()
    };
    assert_eq!((times("alarm").len(), times("history")), (4, vec![end]), "{events:?}");
    let last = app.streams.latest_valued_reading(&owner, example).expect("a reading");
    assert_eq!(last.ts, end);
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_go_on_from_the_last_readings() {
    let dir = tempfile::tempdir().expect("a directory");
    let (opened, owner) = open_with_devices(dir.path()).await;
    let app = &opened.app;
    let mut plant = Plant::default();
    counters::resume(app, &owner, &mut plant).expect("read");
    assert_eq!(plant, Plant::default(), "a new plant has shown nothing");

    let shown = [("motor.hours", 5000.25), ("motor.revolutions", 4e8), ("furnace.energy", 99_000.123)];
    // Of two devices that show a counter, the one that was read last has the higher value.
    let behind = catalog::devices(app, &owner).expect("read")[0].id;
    let mut rows = Readings::default();
    for stream in app.streams.streams(&owner, &StreamFilter::default()).expect("read") {
        let value = shown.iter().find(|(name, _)| *name == stream.spec.name).map(|(_, value)| *value);
        let lower = if stream.spec.device == behind { 1.0 } else { 0.0 };
        if let Some(value) = value {
            rows.push(Reading::good(stream.id, opened.clock.now(), value - lower));
        }
    }
    app.ingest.write_history(&owner, rows).await.expect("written");
    counters::resume(app, &owner, &mut plant).expect("read");
    let readout = Readout::of(&plant).expect("the register map has them");
    for (name, expected) in shown {
        let tag = demo_tags(Protocol::Modbus).into_iter().find(|tag| tag.name == name).expect(name);
        let reader = TagReader::new(Protocol::Modbus, &tag).expect(name);
        let value = reader.read(&readout).expect(name);
        assert!((value - expected).abs() < 1e-6, "{name}: {value} after {expected}");
    }
}
