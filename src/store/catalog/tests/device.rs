//! Tests of devices: storage, validation, and who sees and changes which.

use serde_json::json;

use super::fixtures::*;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::event::{EventFilter, EventSpec, Level};
use crate::domain::pagination::Pagination;
use crate::domain::policy::PolicyTable;
use crate::domain::stream::ByteOrder;
use crate::domain::{DeviceId, Kind, StreamId};
use crate::store::catalog::DeviceAccess;

fn elaborate() -> DeviceSpec {
    let metadata = json!({"frame": "4E", "deep": {"list": [1, 2.5, null, "ü\u{0}"]}, "tiny": 0.1});
    DeviceSpec {
        host: "192.168.0.10".to_owned(),
        port: Some(65_535),
        unit: 255,
        username: "опе'ратор".to_owned(),
        password: "\"; DROP TABLE devices; --".to_owned(),
        timeout_s: 0.1,
        poll_interval_s: None,
        byteorder: ByteOrder::Big,
        enabled: false,
        metadata: metadata.as_object().unwrap().clone(),
        ..DeviceSpec::new("Press 1", Protocol::Melsec)
    }
}

pub(super) async fn a_device_comes_back_as_it_was_given(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let made = catalog.devices.create_device(&admin, elaborate()).await.unwrap();
    assert_eq!(made.spec, elaborate());
    assert_eq!((made.aliases.uuid.get_version_num(), made.created_at), (4, made.updated_at));
    let changed = catalog.devices.update_device(&admin, made.id, |spec| spec.unit = 0).await.unwrap();
    assert_eq!(changed.spec, DeviceSpec { unit: 0, ..elaborate() });
    assert_eq!((&changed.aliases, changed.created_at), (&made.aliases, made.created_at));
    assert!(changed.updated_at > made.updated_at);
    assert_eq!(catalog.devices.device(&admin, made.id).unwrap(), changed);
    drop(catalog);
    assert_eq!(place.open().await.devices.device(&admin, made.id).unwrap(), changed);
}

pub(super) async fn a_device_says_everything_that_is_wrong_at_once(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let bad = DeviceSpec {
        name: "x".repeat(101),
        timeout_s: f64::NAN,
        poll_interval_s: Some(0.0),
        port: Some(0),
        password: "\0".to_owned(),
        ..DeviceSpec::new("", Protocol::Modbus)
    };
    assert_eq!(
        refusal(catalog.devices.create_device(&admin, bad).await),
        invalid(&[
            "name: Ensure this field has no more than 100 characters.",
            "password: Null characters are not allowed.",
            "host: This field is required.",
            "timeout: A valid number is required.",
            "poll_interval: Ensure this value is greater than or equal to 0.1.",
            "port: Ensure this value is greater than or equal to 1.",
        ])
    );
    let made = device(&catalog, &admin, "a").await;
    let blank = catalog.devices.update_device(&admin, made.id, |spec| spec.name = " \t".to_owned()).await;
    assert_eq!(refusal(blank), invalid(&["name: This field may not be blank."]));
    stream(&catalog, &admin, made.id, "s").await;
    let made = catalog.devices.device(&admin, made.id).unwrap();
    let visual = catalog.devices.update_device(&admin, made.id, |spec| spec.protocol = Protocol::V4l2).await;
    assert_eq!(refusal(visual), invalid(&["protocol: Device protocol has no data streams."]));
    assert_eq!(catalog.devices.device(&admin, made.id).unwrap(), made, "a refusal changes nothing");
}

pub(super) async fn names_are_trimmed_and_unique_in_one_organization(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let press = device(&catalog, &ours, "  Press\n").await;
    assert_eq!(press.spec.name, "Press");
    let taken = invalid(&["name: This field must be unique."]);
    let twin = catalog.devices.create_device(&ours, DeviceSpec::new("Press ", Protocol::Http)).await;
    assert_eq!(refusal(twin), taken);
    let pump = device(&catalog, &ours, "press").await;
    let renamed = catalog.devices.update_device(&ours, pump.id, |spec| spec.name = " Press".to_owned()).await;
    assert_eq!(refusal(renamed), taken);
    device(&catalog, &theirs, "Press").await;
    catalog.devices.update_device(&ours, press.id, |spec| spec.name = "Press".to_owned()).await.unwrap();
    catalog.devices.update_device(&ours, press.id, |spec| spec.name = "Hammer".to_owned()).await.unwrap();
    device(&catalog, &ours, "Press").await;
}

pub(super) async fn devices_are_filtered_and_paged_by_id(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let mut ids = Vec::new();
    for name in ["c", "a", "d", "b"] {
        ids.push(device(&catalog, &admin, name).await.id);
    }
    let camera = catalog.devices.create_device(&admin, DeviceSpec::new("e", Protocol::V4l2)).await.unwrap();
    let list = |filter: DeviceFilter| -> Vec<DeviceId> {
        catalog.devices.devices(&admin, &filter).iter().map(|d| d.id).collect()
    };
    assert_eq!(list(DeviceFilter::default())[..4], ids[..]);
    let page = Pagination { offset: 1, limit: 2 };
    assert_eq!(list(DeviceFilter { page, ..Default::default() }), ids[1..3]);
    assert_eq!(list(DeviceFilter { name: Some("d".to_owned()), ..Default::default() }), [ids[2]]);
    assert_eq!(list(DeviceFilter { protocol: Some(Protocol::V4l2), ..Default::default() }), [camera.id]);
    assert_eq!(list(DeviceFilter { name: Some("no".to_owned()), ..Default::default() }), []);
    let all = catalog.devices.all_devices();
    assert_eq!(all.iter().map(|d| d.id).collect::<Vec<_>>(), list(DeviceFilter::default()));
}

pub(super) async fn devices_of_another_organization_do_not_exist(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let id = device(&catalog, &ours, "d").await.id;
    let listed = key(theirs.org, Some(&[id]), None);
    for who in [&theirs, &listed] {
        assert_eq!(refusal(catalog.devices.device(who, id)), not_found());
        assert_eq!(refusal(catalog.devices.update_device(who, id, |_| ()).await), not_found());
        assert_eq!(refusal(catalog.devices.delete_device(who, id).await), not_found());
        assert!(catalog.devices.devices(who, &DeviceFilter::default()).is_empty());
    }
    assert!(catalog.devices.device(&ours, id).is_ok());
}

pub(super) async fn a_restricted_key_sees_its_devices_and_changes_only_those(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let own = device(&catalog, &admin, "own").await.id;
    let parent = device(&catalog, &admin, "parent").await.id;
    let hidden = device(&catalog, &admin, "hidden").await.id;
    let given = stream(&catalog, &admin, parent, "given").await.id;
    let both = key(admin.org, Some(&[own, DeviceId(99)]), Some(&[given, StreamId(99)]));
    let seen: Vec<DeviceId> =
        catalog.devices.devices(&both, &DeviceFilter::default()).iter().map(|d| d.id).collect();
    assert_eq!(seen, [own, parent]);
    assert!(catalog.devices.device(&both, own).is_ok() && catalog.devices.device(&both, parent).is_ok());
    assert_eq!(refusal(catalog.devices.device(&both, hidden)), not_found());
    catalog.devices.update_device(&both, own, |spec| spec.enabled = false).await.unwrap();
    assert_eq!(refusal(catalog.devices.update_device(&both, parent, |_| ()).await), forbidden());
    assert_eq!(refusal(catalog.devices.delete_device(&both, parent).await), forbidden());
    assert_eq!(refusal(catalog.devices.update_device(&both, hidden, |_| ()).await), not_found());
    assert_eq!(refusal(catalog.devices.delete_device(&both, hidden).await), not_found());
    let spec = DeviceSpec::new("new", Protocol::Virtual);
    assert_eq!(refusal(catalog.devices.create_device(&both, spec).await), forbidden());
    let nothing = key(admin.org, Some(&[]), None);
    assert!(catalog.devices.devices(&nothing, &DeviceFilter::default()).is_empty());
    catalog.devices.delete_device(&both, own).await.unwrap();
}

pub(super) async fn deleting_a_device_takes_its_streams_and_leaves_its_events(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let gone = device(&catalog, &admin, "gone").await.id;
    let stays = device(&catalog, &admin, "stays").await.id;
    let line = group(&catalog, &admin, "line").await.id;
    let (a, b) = (stream(&catalog, &admin, gone, "a").await.id, stream(&catalog, &admin, gone, "b").await.id);
    let other = stream(&catalog, &admin, stays, "a").await.id;
    set_members(&catalog, &admin, line, vec![a, other]).await.unwrap();
    catalog.retention.set_policy(&admin, PolicyTable::Readings, Some(a), 60).await.unwrap();
    let spec = EventSpec {
        device: Some(gone),
        stream: Some(b),
        kind: "alarm".to_owned(),
        level: Level::Info,
        ts: START,
        message: String::new(),
        url: String::new(),
        payload: Default::default(),
        acknowledged: false,
        note: None,
    };
    let event = catalog.events.create_event(&admin, spec).await.unwrap().id;
    assert_eq!(catalog.devices.delete_device(&admin, gone).await.unwrap(), [a, b]);
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(refusal(catalog.devices.device(&admin, gone)), not_found());
        assert_eq!(catalog.streams.visible_streams(&admin), [other]);
        assert_eq!(catalog.groups.group_members(&admin, line), [other]);
        assert!(
            catalog.devices.device_with_streams(gone).is_none()
                && catalog.streams.stream_write_info(a).is_none()
        );
        assert!(catalog.retention.all_policies().is_empty());
        let kept = catalog.events.event(&admin, event).await.unwrap().spec;
        assert_eq!((kept.device, kept.stream), (None, None));
        assert_eq!(catalog.events.events(&admin, &EventFilter::default()).await.unwrap().len(), 1);
    }
    assert_eq!(refusal(catalog.devices.delete_device(&admin, gone).await), not_found());
}

pub(super) async fn no_more_devices_are_made_than_allowed(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    catalog.devices.set_max_devices(Some(2));
    let first = device(&catalog, &ours, "1").await.id;
    device(&catalog, &theirs, "2").await;
    let one_more = || DeviceSpec::new("3", Protocol::Virtual);
    for who in [&ours, &theirs] {
        let refused = catalog.devices.create_device(who, one_more()).await;
        assert_eq!(refusal(refused), (Kind::LimitReached, Vec::new()));
    }
    assert_eq!(catalog.devices.count_devices(), 2);
    catalog.devices.delete_device(&ours, first).await.unwrap();
    catalog.devices.create_device(&theirs, one_more()).await.unwrap();
    catalog.devices.set_max_devices(None);
    device(&catalog, &ours, "4").await;
}

pub(super) async fn a_device_is_visible_restricted_or_absent(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let press = device(&catalog, &ours, "press").await;
    let oven = device(&catalog, &ours, "oven").await;
    let foreign = device(&catalog, &theirs, "press").await;
    let of_press = key(ours.org, Some(&[press.id]), None);
    assert_eq!(catalog.devices.device_access(&ours, oven.id), DeviceAccess::Visible(oven.clone()));
    assert_eq!(catalog.devices.device_access(&of_press, press.id), DeviceAccess::Visible(press));
    assert_eq!(catalog.devices.device_access(&of_press, oven.id), DeviceAccess::Restricted);
    for who in [&ours, &of_press] {
        assert_eq!(catalog.devices.device_access(who, foreign.id), DeviceAccess::Absent);
        assert_eq!(catalog.devices.device_access(who, DeviceId(999)), DeviceAccess::Absent);
    }
}
