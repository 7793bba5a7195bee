//! Tests of inventory upserts: all or nothing, and only by unrestricted callers.

use super::fixtures::*;
use crate::domain::audit::AuditFilter;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::inventory::{DeviceEntry, Inventory, StreamEntry};
use crate::domain::stream::{StreamFilter, StreamSpec};
use crate::domain::{DeviceId, Kind, Principal};
use crate::store::catalog::Catalog;

fn stream_entry(name: &str, path: &str, group: Option<&str>) -> StreamEntry {
    let spec = StreamSpec { path: path.to_owned(), ..StreamSpec::new(name, DeviceId(0)) };
    StreamEntry { spec, group: group.map(str::to_owned) }
}

fn device_entry(name: &str, streams: Vec<StreamEntry>) -> DeviceEntry {
    let spec = DeviceSpec { host: "plc".to_owned(), ..DeviceSpec::new(name, Protocol::Modbus) };
    DeviceEntry {
        name: name.to_owned(),
        spec: Some(spec),
        password: None,
        product: None,
        parent_device: None,
        streams,
    }
}

fn counts(catalog: &Catalog, who: &Principal) -> (usize, usize, usize) {
    let (devices, streams) = (DeviceFilter::default(), StreamFilter::default());
    let groups = catalog.groups.groups(who, crate::domain::pagination::Pagination::ALL).len();
    (catalog.devices.devices(who, &devices).len(), catalog.streams.streams(who, &streams).len(), groups)
}

pub(super) async fn an_inventory_is_put_whole_or_not_at_all(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let good = || {
        device_entry(
            "a",
            vec![stream_entry("x", "hr:0", Some("line")), stream_entry("y", "hr:1", Some("line"))],
        )
    };
    let named_only = DeviceEntry { spec: None, ..device_entry("b", Vec::new()) };
    let wrong = [
        ("a_rule_of_the_last_stream", vec![good(), device_entry("b", vec![stream_entry("x", "", None)])]),
        ("a_device_that_is_not_there", vec![good(), named_only]),
        // Not covered by a rule: the database refuses it half-way through.
        ("a_name_twice", vec![good(), device_entry("b", Vec::new()), device_entry("b", Vec::new())]),
    ];
    for (name, devices) in wrong {
        let refused = catalog.inventory.put_inventory(&admin, &Inventory { devices }).await.expect_err(name);
        assert!(matches!(refused.kind, Kind::Invalid | Kind::Conflict), "{name}: {refused}");
        assert_eq!(counts(&catalog, &admin), (0, 0, 0), "{name}");
    }
    let inventory = Inventory { devices: vec![good(), device_entry("b", Vec::new())] };
    catalog.devices.set_max_devices(Some(1));
    let refused = catalog.inventory.put_inventory(&admin, &inventory).await.unwrap_err();
    assert_eq!((refused.kind, counts(&catalog, &admin)), (Kind::LimitReached, (0, 0, 0)));
    catalog.devices.set_max_devices(Some(2));
    assert!(
        catalog
            .inventory
            .plan_inventory(&admin, &inventory)
            .unwrap()
            .devices
            .iter()
            .all(|device| device.is_changed())
    );
    assert_eq!(counts(&catalog, &admin), (0, 0, 0), "a plan changes nothing");

    catalog.inventory.put_inventory(&admin, &inventory).await.unwrap();
    assert_eq!(counts(&catalog, &admin), (2, 2, 1));
    let records = catalog.audit.audit_log(&admin, &AuditFilter::default()).await.unwrap().len();
    let again = catalog.inventory.put_inventory(&admin, &inventory).await.unwrap();
    assert!(!again.devices.iter().any(|device| device.is_changed()), "nothing is left to do");
    assert_eq!(catalog.audit.audit_log(&admin, &AuditFilter::default()).await.unwrap().len(), records);
    assert_eq!(records, 5, "each row has one of the log");
    // The mirror equals the database.
    drop(catalog);
    assert_eq!(counts(&place.open().await, &admin), (2, 2, 1));
}

pub(super) async fn who_sees_a_part_puts_nothing(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let own = device(&catalog, &admin, "a").await.id;
    let restricted = key(admin.org, Some(&[own]), None);
    let inventory = Inventory { devices: vec![device_entry("a", Vec::new())] };
    assert_eq!(
        catalog.inventory.put_inventory(&restricted, &inventory).await.unwrap_err().kind,
        Kind::Forbidden
    );
    assert_eq!(catalog.inventory.plan_inventory(&restricted, &inventory).unwrap_err().kind, Kind::Forbidden);
    // The same name in another organization is another device.
    let theirs = other_org(&catalog).await;
    catalog.inventory.put_inventory(&theirs, &inventory).await.unwrap();
    assert_eq!(catalog.devices.device(&admin, own).unwrap().spec.protocol, Protocol::Virtual);
}
