//! Tests of streams: storage, validation, and who sees and changes which.

use serde_json::json;

use super::fixtures::*;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::pagination::Pagination;
use crate::domain::stream::{AccessMode, ByteOrder, StreamFilter, StreamKind, StreamSpec};
use crate::domain::{DeviceId, GroupId, StreamId};
use crate::store::catalog::StreamWriteInfo;

pub(super) async fn a_stream_comes_back_as_it_was_given(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let line = group(&catalog, &admin, "line").await.id;
    let metadata = json!({"wordorder": "cdab", "note": "ß"});
    let spec = StreamSpec {
        path: "D16000".to_owned(),
        kind: StreamKind::Uint64,
        group: Some(line),
        access_mode: AccessMode::ReadWrite,
        poll_interval_s: Some(0.1),
        unit: "°C".to_owned(),
        scale: 1e-300,
        offset: -0.1,
        byteorder: Some(ByteOrder::Big),
        enabled: false,
        deadband: Some(0.30000000000000004),
        statistics_interval_s: Some(86_400),
        metadata: metadata.as_object().unwrap().clone(),
        ..StreamSpec::new("Motor RPM", device)
    };
    let made = catalog.streams.create_stream(&admin, spec.clone()).await.unwrap();
    assert_eq!((&made.spec, made.org, made.uuid.get_version_num()), (&spec, admin.org, 4));
    let changed = catalog.streams.update_stream(&admin, made.id, |spec| spec.group = None).await.unwrap();
    assert_eq!(changed.spec, StreamSpec { group: None, ..spec });
    assert_eq!(catalog.streams.stream_by_name(&admin, "d", "Motor RPM").unwrap(), changed);
    drop(catalog);
    let again = place.open().await;
    assert_eq!(again.streams.stream(&admin, made.id).unwrap(), changed);
    assert_eq!(again.devices.device_with_streams(device).unwrap().1, [changed]);
}

pub(super) async fn a_stream_says_what_is_wrong(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let own = device(&catalog, &ours, "d").await.id;
    let foreign = device(&catalog, &theirs, "d").await.id;
    let foreign_group = group(&catalog, &theirs, "g").await.id;
    let plc = DeviceSpec { host: "plc".to_owned(), ..DeviceSpec::new("plc", Protocol::Modbus) };
    let plc = catalog.devices.create_device(&ours, plc).await.unwrap().id;
    let camera =
        catalog.devices.create_device(&ours, DeviceSpec::new("cam", Protocol::V4l2)).await.unwrap().id;
    stream(&catalog, &ours, own, "taken").await;
    let new = StreamSpec::new;
    let pk = |field: &str, id: i32| format!("{field}: Invalid pk \"{id}\" - object does not exist.");
    for (name, spec, expected) in [
        ("no_such_device", new("s", DeviceId(99)), vec![pk("device", 99)]),
        ("foreign_device", new("s", foreign), vec![pk("device", foreign.0)]),
        ("no_such_group", StreamSpec { group: Some(GroupId(99)), ..new("s", own) }, vec![pk("group", 99)]),
        (
            "foreign_group",
            StreamSpec { group: Some(foreign_group), ..new("s", own) },
            vec![pk("group", foreign_group.0)],
        ),
        ("no_path", new("s", plc), vec!["path: This field is required.".to_owned()]),
        ("visual_source", new("s", camera), vec!["device: Device protocol has no data streams.".to_owned()]),
        (
            "same_name",
            new(" taken ", own),
            vec!["non_field_errors: The fields device, name must make a unique set.".to_owned()],
        ),
        (
            "several",
            StreamSpec { scale: f64::INFINITY, statistics_interval_s: Some(7), ..new("", DeviceId(99)) },
            vec![
                "name: This field may not be blank.".to_owned(),
                "scale: A valid number is required.".to_owned(),
                "statistics_interval: Ensure this value divides a day (86400 seconds) without remainder."
                    .to_owned(),
                pk("device", 99),
            ],
        ),
    ] {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        assert_eq!(refusal(catalog.streams.create_stream(&ours, spec).await), invalid(&expected), "{name}");
    }
    let free = stream(&catalog, &ours, own, "free").await.id;
    let renamed = catalog.streams.update_stream(&ours, free, |spec| spec.name = "taken".to_owned()).await;
    let taken = "non_field_errors: The fields device, name must make a unique set.";
    assert_eq!(refusal(renamed), invalid(&[taken]));
    assert_eq!(catalog.streams.visible_streams(&ours).len(), 2, "no refusal made a stream");
}

pub(super) async fn a_stream_cannot_move_to_another_device(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (a, b) = (device(&catalog, &admin, "a").await.id, device(&catalog, &admin, "b").await.id);
    let id = stream(&catalog, &admin, a, "s").await.id;
    let moved = catalog.streams.update_stream(&admin, id, |spec| spec.device = b).await;
    assert_eq!(refusal(moved), invalid(&["device: This field may not be changed."]));
}

pub(super) async fn streams_of_another_organization_do_not_exist(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let device = device(&catalog, &ours, "d").await.id;
    let id = stream(&catalog, &ours, device, "s").await.id;
    let listed = key(theirs.org, Some(&[device]), Some(&[id]));
    for who in [&theirs, &listed] {
        assert_eq!(refusal(catalog.streams.stream(who, id)), not_found());
        assert_eq!(refusal(catalog.streams.stream_by_name(who, "d", "s")), not_found());
        assert_eq!(refusal(catalog.streams.update_stream(who, id, |_| ()).await), not_found());
        assert_eq!(refusal(catalog.streams.delete_stream(who, id).await), not_found());
        assert!(catalog.streams.visible_streams(who).is_empty());
        let of_device = StreamFilter { device: Some(device), ..Default::default() };
        assert!(catalog.streams.streams(who, &of_device).is_empty());
        assert!(catalog.streams.streams(who, &StreamFilter::default()).is_empty());
    }
}

pub(super) async fn a_restricted_key_sees_and_changes_its_streams(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let own = device(&catalog, &admin, "own").await.id;
    let other = device(&catalog, &admin, "other").await.id;
    let of_own = stream(&catalog, &admin, own, "s").await.id;
    let given = stream(&catalog, &admin, other, "given").await.id;
    let hidden = stream(&catalog, &admin, other, "hidden").await.id;
    let both = key(admin.org, Some(&[own]), Some(&[given]));
    assert_eq!(catalog.streams.visible_streams(&both), [of_own, given]);
    assert_eq!(catalog.streams.visible_streams(&key(admin.org, Some(&[own]), None)), [of_own]);
    assert_eq!(catalog.streams.visible_streams(&key(admin.org, None, Some(&[given]))), [given]);
    assert_eq!(catalog.streams.visible_streams(&key(admin.org, None, Some(&[]))), []);
    let listed: Vec<StreamId> = catalog
        .streams
        .streams(&both, &StreamFilter { device: Some(other), ..Default::default() })
        .iter()
        .map(|s| s.id)
        .collect();
    assert_eq!(listed, [given]);
    for id in [of_own, given] {
        assert!(catalog.streams.stream(&both, id).is_ok());
        catalog.streams.update_stream(&both, id, |spec| spec.unit = "bar".to_owned()).await.unwrap();
    }
    assert_eq!(refusal(catalog.streams.stream(&both, hidden)), not_found());
    assert_eq!(refusal(catalog.streams.stream_by_name(&both, "other", "hidden")), not_found());
    assert_eq!(refusal(catalog.streams.update_stream(&both, hidden, |_| ()).await), not_found());
    assert_eq!(refusal(catalog.streams.delete_stream(&both, hidden).await), not_found());
    let on_other = catalog.streams.create_stream(&both, StreamSpec::new("n", other)).await;
    assert_eq!(refusal(on_other), forbidden(), "it is seen, but not to be changed");
    let third = device(&catalog, &admin, "third").await.id;
    let on_third = catalog.streams.create_stream(&both, StreamSpec::new("n", third)).await;
    let absent = format!("device: Invalid pk \"{third}\" - object does not exist.");
    assert_eq!(refusal(on_third), invalid(&[&absent]));
    let made = stream(&catalog, &both, own, "n").await.id;
    assert_eq!(catalog.streams.visible_streams(&both), [of_own, given, made]);
    catalog.streams.delete_stream(&both, given).await.unwrap();
}

pub(super) async fn streams_are_filtered_and_paged_by_id(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let (a, b) = (device(&catalog, &admin, "a").await.id, device(&catalog, &admin, "b").await.id);
    let line = group(&catalog, &admin, "line").await.id;
    let mut ids = Vec::new();
    for (device, name) in [(b, "z"), (a, "y"), (b, "x"), (a, "z")] {
        ids.push(stream(&catalog, &admin, device, name).await.id);
    }
    set_members(&catalog, &admin, line, vec![ids[3], ids[0]]).await.unwrap();
    let of = |device, group, name: Option<&str>, page| -> Vec<StreamId> {
        let filter = StreamFilter { device, group, name: name.map(str::to_owned), page };
        catalog.streams.streams(&admin, &filter).iter().map(|s| s.id).collect()
    };
    assert_eq!(of(None, None, None, Pagination::ALL), ids);
    assert_eq!(of(Some(b), None, None, Pagination::ALL), [ids[0], ids[2]]);
    assert_eq!(of(None, Some(line), None, Pagination::ALL), [ids[0], ids[3]]);
    assert_eq!(of(Some(a), Some(line), None, Pagination::ALL), [ids[3]]);
    assert_eq!(of(None, None, Some("z"), Pagination::ALL), [ids[0], ids[3]]);
    assert_eq!(of(None, None, None, Pagination { offset: 3, limit: 5 }), [ids[3]]);
    assert_eq!(of(Some(DeviceId(99)), None, None, Pagination::ALL), []);
}

pub(super) async fn a_write_finds_what_it_must_know(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let device = device(&catalog, &admin, "d").await.id;
    let spec = StreamSpec { kind: StreamKind::Text, ..StreamSpec::new("s", device) };
    let id = catalog.streams.create_stream(&admin, spec).await.unwrap().id;
    let entry = StreamWriteInfo { org: admin.org, device, kind: StreamKind::Text, is_companion: false };
    assert_eq!(catalog.streams.stream_write_info(id), Some(entry));
    assert_eq!(catalog.streams.stream_write_info(StreamId(99)), None);
    catalog.streams.delete_stream(&admin, id).await.unwrap();
    assert_eq!(catalog.streams.stream_write_info(id), None);
}
