//! Tests of organization quotas: row counts and memory.

use serde_json::{Map, Value, json};

use super::fixtures::*;
use super::model;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::event::{EventFilter, EventSpec, Level};
use crate::domain::inventory::{DeviceEntry, Inventory};
use crate::domain::stream::StreamSpec;
use crate::domain::validation::MAX_OBJECT_BYTES;
use crate::domain::{Error, Kind, Principal};
use crate::store::catalog::{Catalog, OrgLimits, UploadTarget};

fn metadata(bytes: usize) -> Map<String, Value> {
    json!({ "a": "x".repeat(bytes) }).as_object().cloned().unwrap()
}

fn device_with(name: &str, bytes: usize) -> DeviceSpec {
    DeviceSpec { metadata: metadata(bytes), ..DeviceSpec::new(name, Protocol::Virtual) }
}

/// Asserts that the error names this setting.
#[track_caller]
fn reached<T>(result: Result<T, Error>, setting: &str) {
    let error = result.err().expect("this is refused");
    assert_eq!(error.kind, Kind::LimitReached, "{error}");
    assert!(error.message.contains(setting), "{error}");
}

pub(super) async fn an_organization_has_no_more_rows_than_it_may(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    catalog.orgs.set_org_limits(OrgLimits {
        devices: 2,
        streams: 2,
        groups: 1,
        keys: 1,
        ..OrgLimits::default()
    });
    for who in [&ours, &theirs] {
        let (one, two) = (device(&catalog, who, "1").await.id, device(&catalog, who, "2").await.id);
        reached(catalog.devices.create_device(who, device_with("3", 0)).await, "limits.devices");
        stream(&catalog, who, one, "a").await;
        stream(&catalog, who, two, "a").await;
        reached(catalog.streams.create_stream(who, StreamSpec::new("b", one)).await, "limits.streams");
        group(&catalog, who, "g").await;
        reached(catalog.groups.create_group(who, group_spec("h"), Vec::new()).await, "limits.groups");
        let prefix = format!("bslt_{}", who.org.0);
        let key = catalog.keys.create_key(who, key_spec("k"), secret(&prefix)).await.unwrap();
        let another = || secret(&format!("{prefix}x"));
        reached(catalog.keys.create_key(who, key_spec("l"), another()).await, "limits.keys");
        catalog.keys.revoke_key(who, key.id).await.unwrap();
        catalog.keys.create_key(who, key_spec("l"), another()).await.unwrap();
        // Existing rows can be changed, and deleted rows free their quota.
        catalog.devices.update_device(who, one, |spec| spec.enabled = false).await.unwrap();
        catalog.devices.delete_device(who, two).await.unwrap();
        stream(&catalog, who, one, "b").await;
        device(&catalog, who, "3").await;
        let entry = DeviceEntry {
            name: "4".to_owned(),
            spec: Some(device_with("4", 0)),
            password: None,
            product: None,
            parent_device: None,
            streams: Vec::new(),
        };
        let inventory = Inventory { devices: vec![entry] };
        reached(catalog.inventory.plan_inventory(who, &inventory), "limits.devices");
        reached(catalog.inventory.put_inventory(who, &inventory).await, "limits.devices");
    }
}

pub(super) async fn a_model_makes_no_device_or_stream_past_the_limits(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let (_, placed) = model::upload_new_model(&catalog, &who).await;
    let limits = |devices, streams| OrgLimits { devices, streams, ..OrgLimits::default() };
    let new_stream = || UploadTarget::Stream { device: placed.device.id, stream: "another".to_owned() };
    let sources = &placed.model.version.settings.sources;
    let cases = [
        (limits(2, 9), model::new_device("more"), Some("limits.devices")),
        (limits(9, 2), model::new_device("more"), Some("limits.streams")),
        (limits(9, 2), new_stream(), Some("limits.streams")),
        (OrgLimits { memory: 1_000, ..limits(9, 9) }, new_stream(), Some("limits.organization_memory")),
        (limits(2, 2), UploadTarget::Existing(placed.stream.id), None),
        (limits(2, 3), new_stream(), None),
    ];
    for (limits, target, refusal) in cases {
        catalog.orgs.set_org_limits(limits);
        let upload = model::upload(target, sources, 2);
        let checked = catalog.models.check_upload(&who, &upload.target, &upload.settings);
        let made = catalog.models.upload_model(&who, upload).await;
        match refusal {
            Some(setting) => {
                reached(checked, setting);
                reached(made, setting);
            }
            None => {
                checked.unwrap();
                made.unwrap();
            }
        }
    }
}

pub(super) async fn what_an_organization_takes_in_memory_is_bounded(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let memory = 500_000;
    catalog.orgs.set_org_limits(OrgLimits { memory, ..OrgLimits::default() });
    let mut made = 0;
    let refused = loop {
        match catalog.devices.create_device(&ours, device_with(&made.to_string(), 60_000)).await {
            Ok(_) => made += 1,
            Err(error) => break Err::<(), _>(error),
        }
    };
    reached(refused, "limits.organization_memory");
    assert_eq!(made, 8);
    device(&catalog, &theirs, "d").await;
    // Usage is the same after a restart, and changes count in both directions.
    let again = place.open().await;
    again.orgs.set_org_limits(OrgLimits { memory, ..OrgLimits::default() });
    for catalog in [&again, &catalog] {
        reached(
            catalog.devices.create_device(&ours, device_with("x", 60_000)).await,
            "limits.organization_memory",
        );
    }
    let first = catalog.devices.devices(&ours, &Default::default())[0].id;
    catalog.devices.update_device(&ours, first, |spec| spec.metadata = metadata(10)).await.unwrap();
    catalog.devices.create_device(&ours, device_with("x", 50_000)).await.unwrap();
    let grow = |spec: &mut DeviceSpec| spec.metadata = metadata(60_000);
    reached(catalog.devices.update_device(&ours, first, grow).await, "limits.organization_memory");
    for device in catalog.devices.devices(&ours, &Default::default()) {
        catalog.devices.delete_device(&ours, device.id).await.unwrap();
    }
    assert_eq!(catalog.core.mirror.read().devices.bytes_of(ours.org), 0);
}

/// Makes a row longer than the limit, like a row stored before the limit existed.
async fn lengthen(place: &TestDatabase, table: &str, column: &str, bytes: usize) {
    use sea_orm::ConnectionTrait;
    let long = serde_json::to_string(&metadata(bytes)).unwrap();
    let statement = format!("UPDATE {table} SET {column} = '{long}'");
    place.raw_connection().await.execute_unprepared(&statement).await.unwrap();
}

pub(super) async fn objects_are_bounded_and_longer_ones_stay_readable(place: TestDatabase) {
    let (catalog, long) = (place.open().await, MAX_OBJECT_BYTES);
    let admin = admin(&catalog);
    let made = device(&catalog, &admin, "d").await.id;
    let data = stream(&catalog, &admin, made, "s").await.id;
    let event = catalog.events.create_event(&admin, event_with(10)).await.unwrap().id;
    assert_too_long(catalog.devices.create_device(&admin, device_with("e", long)).await, "metadata");
    let more = StreamSpec { metadata: metadata(long), ..StreamSpec::new("t", made) };
    assert_too_long(catalog.streams.create_stream(&admin, more).await, "metadata");
    assert_too_long(catalog.events.create_event(&admin, event_with(long)).await, "payload");
    drop(catalog);
    for (table, column) in [("devices", "metadata"), ("streams", "metadata"), ("events", "payload")] {
        lengthen(&place, table, column, 2 * long).await;
    }
    let catalog = place.open().await;
    assert_eq!(catalog.devices.device(&admin, made).unwrap().spec.metadata, metadata(2 * long));
    // Other fields can be changed; an oversized one can only become shorter.
    catalog.devices.update_device(&admin, made, |spec| spec.enabled = false).await.unwrap();
    catalog.streams.update_stream(&admin, data, |spec| spec.unit = "bar".to_owned()).await.unwrap();
    catalog.events.update_event(&admin, event, |spec| spec.acknowledged = true).await.unwrap();
    let longer = |object: &mut Map<String, Value>| *object = metadata(2 * long + 1);
    assert_too_long(
        catalog.devices.update_device(&admin, made, |spec| longer(&mut spec.metadata)).await,
        "metadata",
    );
    assert_too_long(
        catalog.streams.update_stream(&admin, data, |spec| longer(&mut spec.metadata)).await,
        "metadata",
    );
    assert_too_long(
        catalog.events.update_event(&admin, event, |spec| longer(&mut spec.payload)).await,
        "payload",
    );
    catalog.events.add_fetched_to_event(&admin, event, |spec| longer(&mut spec.payload)).await.unwrap();
    catalog.devices.update_device(&admin, made, |spec| spec.metadata = metadata(10)).await.unwrap();
    assert_too_long(
        catalog.devices.update_device(&admin, made, |spec| spec.metadata = metadata(long)).await,
        "metadata",
    );
}

pub(super) async fn long_events_come_few_at_a_time(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let mut made = Vec::new();
    for bytes in [10, 60_000, 60_000, 10] {
        let id = catalog.events.create_event(&admin, event_with(bytes)).await.unwrap().id;
        // Content fetched from the event's URL may exceed the limit for posted payloads.
        let found = |spec: &mut EventSpec| {
            drop(spec.payload.insert("found".to_owned(), json!("y".repeat(10 * bytes))))
        };
        catalog.events.add_fetched_to_event(&admin, id, found).await.unwrap();
        made.push(id);
    }
    let pages = pages(&catalog, &admin).await;
    assert_eq!(pages.concat(), made);
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
}

/// Ids of all events, page by page.
async fn pages(catalog: &Catalog, who: &Principal) -> Vec<Vec<crate::domain::EventId>> {
    let (mut pages, mut filter) = (Vec::new(), EventFilter::default());
    loop {
        let page = catalog.events.events(who, &filter).await.unwrap();
        let Some(last) = page.last() else { return pages };
        filter.after = Some((last.spec.ts, last.id));
        pages.push(page.iter().map(|event| event.id).collect());
    }
}

fn event_with(bytes: usize) -> EventSpec {
    EventSpec {
        device: None,
        stream: None,
        kind: "note".to_owned(),
        level: Level::Info,
        ts: START,
        message: String::new(),
        url: String::new(),
        payload: metadata(bytes),
        acknowledged: false,
        note: None,
    }
}

#[track_caller]
fn assert_too_long<T>(result: Result<T, Error>, field: &str) {
    let (kind, fields) = refusal(result);
    assert_eq!((kind, fields.len()), (Kind::Invalid, 1), "{fields:?}");
    assert!(fields[0].starts_with(&format!("{field}: ")) && fields[0].contains("65536"), "{fields:?}");
}
