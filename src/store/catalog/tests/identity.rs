//! Tests of the other identifiers of devices and streams: aliases, channels and pins, products, gateways and owners.

use serde_json::json;

use super::fixtures::*;
use super::registration::certificate;
use crate::domain::alias::is_device_key;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::inventory::{DeviceEntry, Inventory, StreamEntry};
use crate::domain::org::NewUser;
use crate::domain::pagination::Pagination;
use crate::domain::product::ProductSpec;
use crate::domain::stream::StreamSpec;
use crate::domain::{DeviceId, Kind, Micros, Principal, ProductId};
use crate::store::catalog::Catalog;

async fn user(catalog: &Catalog, who: &Principal, name: &str) {
    let user = NewUser {
        name: name.to_owned(),
        password_hash: "hash".to_owned(),
        is_staff: false,
        is_superuser: false,
        is_viewer: false,
    };
    catalog.users.create_user(who, user).await.unwrap();
}

pub(super) async fn a_device_is_found_by_each_of_its_aliases(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let first = device(&catalog, &ours, "Press 1").await;
    assert!(is_device_key(&first.aliases.key) && first.aliases.key.len() == 9);
    assert_eq!(first.aliases.external_id, "Press 1");
    // The external id stays: the next device of that name gets another.
    catalog.devices.update_device(&ours, first.id, |spec| spec.name = "Press 2".to_owned()).await.unwrap();
    let second = device(&catalog, &ours, "Press 1").await;
    assert_eq!(second.aliases.external_id, "Press 1-2");
    catalog.devices.update_device(&ours, second.id, |spec| spec.name = "Press 3".to_owned()).await.unwrap();
    assert_eq!(device(&catalog, &ours, "Press 1").await.aliases.external_id, "Press 1-3");
    assert_eq!(device(&catalog, &theirs, "Press 1").await.aliases.external_id, "Press 1");
    for catalog in [&catalog, &place.open().await] {
        let aliases = &first.aliases;
        assert_eq!(catalog.devices.device_by_uuid(&ours, aliases.uuid).unwrap().id, first.id);
        assert_eq!(catalog.devices.device_by_key(&ours, &aliases.key).unwrap().id, first.id);
        assert_eq!(catalog.devices.device_by_external_id(&ours, "Press 1").unwrap().id, first.id);
        assert_eq!(catalog.devices.device_by_external_id(&ours, "Press 1-2").unwrap().id, second.id);
        assert_eq!(refusal(catalog.devices.device_by_external_id(&ours, "press 1")), not_found());
        assert_eq!(refusal(catalog.devices.device_by_uuid(&theirs, aliases.uuid)), not_found());
        assert_eq!(refusal(catalog.devices.device_by_key(&theirs, &aliases.key)), not_found());
        assert_eq!(
            refusal(catalog.devices.device_by_key(&key(ours.org, Some(&[second.id]), None), &aliases.key)),
            not_found()
        );
    }
    catalog.devices.delete_device(&ours, first.id).await.unwrap();
    assert_eq!(refusal(catalog.devices.device_by_key(&ours, &first.aliases.key)), not_found());
    assert_eq!(refusal(catalog.devices.device_by_external_id(&ours, "Press 1")), not_found());
}

pub(super) async fn a_channel_is_never_used_again(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let press = device(&catalog, &admin, "press").await.id;
    let oven = device(&catalog, &admin, "oven").await.id;
    let first = stream(&catalog, &admin, press, "Motor RPM").await;
    let second = stream(&catalog, &admin, press, "b").await;
    assert_eq!((first.channel, first.pin(), first.label().as_str()), (1, 1, "Motor_RPM"));
    assert_eq!((second.channel, stream(&catalog, &admin, oven, "a").await.channel), (2, 1));
    catalog.streams.delete_stream(&admin, second.id).await.unwrap();
    assert_eq!(stream(&catalog, &admin, press, "c").await.channel, 3);
    let again = place.open().await;
    let last = stream(&again, &admin, press, "d").await;
    assert_eq!(last.channel, 4);
    assert_eq!(again.streams.stream_by_channel(&admin, press, 4).unwrap(), last);
    assert_eq!(refusal(again.streams.stream_by_channel(&admin, press, 2)), not_found());
    assert_eq!(
        refusal(again.streams.stream_by_channel(&key(admin.org, Some(&[oven]), None), press, 4)),
        not_found()
    );
}

pub(super) async fn a_pin_is_the_channel_unless_another_stream_has_it(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let id = device(&catalog, &admin, "d").await.id;
    let with_pin = |name: &str, pin| StreamSpec { pin, ..StreamSpec::new(name, id) };
    let first = catalog.streams.create_stream(&admin, with_pin("a", Some(2))).await.unwrap();
    let second = catalog.streams.create_stream(&admin, with_pin("b", None)).await.unwrap();
    assert_eq!((first.channel, first.pin(), second.channel, second.pin()), (1, 2, 2, 3));
    let unique = invalid(&["pin: This field must be unique."]);
    assert_eq!(refusal(catalog.streams.create_stream(&admin, with_pin("c", Some(3))).await), unique);
    assert_eq!(
        refusal(catalog.streams.update_stream(&admin, first.id, |spec| spec.pin = Some(3)).await),
        unique
    );
    let below = invalid(&["pin: Ensure this value is greater than or equal to 0."]);
    assert_eq!(
        refusal(catalog.streams.update_stream(&admin, first.id, |spec| spec.pin = Some(-1)).await),
        below
    );
    // Without a pin a stream keeps the one it had to take.
    assert_eq!(
        catalog.streams.update_stream(&admin, second.id, |spec| spec.pin = None).await.unwrap().pin(),
        3
    );
    assert_eq!(
        catalog.streams.update_stream(&admin, first.id, |spec| spec.pin = None).await.unwrap().pin(),
        1
    );
    assert_eq!(
        catalog.streams.update_stream(&admin, second.id, |spec| spec.pin = None).await.unwrap().pin(),
        2
    );
    for (pin, expected) in [(1, first.id), (2, second.id)] {
        assert_eq!(catalog.streams.stream_by_pin(&admin, id, pin).unwrap().id, expected);
    }
    assert_eq!(refusal(catalog.streams.stream_by_pin(&admin, id, 3)), not_found());
}

pub(super) async fn every_organization_has_a_default_product(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let names = |who: &Principal| -> Vec<(i32, String, bool)> {
        let products = catalog.products.products(who, Pagination::ALL);
        products.iter().map(|p| (p.id.0, p.spec.name.clone(), p.is_default)).collect()
    };
    assert_eq!(names(&ours), [(1, "Default".to_owned(), true)]);
    assert_eq!(names(&theirs), [(2, "Default".to_owned(), true)]);
    let own = device(&catalog, &ours, "d").await;
    assert_eq!(catalog.products.product_of(&own).unwrap().id, ProductId(1));
    let kept = refusal(catalog.products.delete_product(&ours, ProductId(1)).await);
    assert_eq!(kept.0, Kind::Conflict);
    assert_eq!(refusal(catalog.products.delete_product(&ours, ProductId(2)).await), not_found());
    let again = place.open().await;
    assert_eq!(
        again.products.products(&ours, Pagination::ALL),
        catalog.products.products(&ours, Pagination::ALL)
    );
}

pub(super) async fn a_product_goes_and_its_devices_stay(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let template = |name: &str| serde_json::from_value(json!({"name": name, "unit": "°C"})).unwrap();
    let mut spec = ProductSpec { templates: vec![template("t")], ..ProductSpec::new("Sensor") };
    spec.metadata.insert("manufacturer".to_owned(), json!("ß"));
    let sensor = catalog.products.create_product(&ours, spec.clone()).await.unwrap();
    assert_eq!((&sensor.spec, sensor.uuid.get_version_num()), (&spec, 4));
    let derived = ProductSpec { parent: Some(sensor.id), ..ProductSpec::new("Derived") };
    let derived = catalog.products.create_product(&ours, derived).await.unwrap();
    let loops =
        catalog.products.update_product(&ours, sensor.id, |spec| spec.parent = Some(derived.id)).await;
    assert_eq!(refusal(loops), invalid(&["parent: A product may not be derived from itself."]));
    let twin = catalog.products.create_product(&ours, ProductSpec::new("Sensor")).await;
    assert_eq!(refusal(twin), invalid(&["name: This field must be unique."]));
    let restricted = key(ours.org, Some(&[]), None);
    assert_eq!(
        refusal(catalog.products.create_product(&restricted, ProductSpec::new("p")).await),
        forbidden()
    );
    let of_product = DeviceSpec { product: Some(sensor.id), ..DeviceSpec::new("d", Protocol::Virtual) };
    let foreign = catalog.devices.create_device(&theirs, of_product.clone()).await;
    let absent = format!("product: Invalid pk \"{}\" - object does not exist.", sensor.id);
    assert_eq!(refusal(foreign), invalid(&[&absent]));
    let made = catalog.devices.create_device(&ours, of_product).await.unwrap();
    assert_eq!(catalog.products.product_of(&made).unwrap(), sensor);
    catalog.products.delete_product(&ours, sensor.id).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(catalog.devices.device(&ours, made.id).unwrap().spec.product, None);
        assert_eq!(catalog.products.product(&ours, derived.id).unwrap().spec.parent, None);
        assert_eq!(refusal(catalog.products.product(&ours, sensor.id)), not_found());
    }
}

pub(super) async fn variants_of_a_product_have_one_root(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let product = async |name: &str, parent| {
        let spec = ProductSpec { parent, ..ProductSpec::new(name) };
        catalog.products.create_product(&admin, spec).await.unwrap().id
    };
    let pump = product("pump", None).await;
    let large = product("large pump", Some(pump)).await;
    let largest = product("largest pump", Some(large)).await;
    let default = catalog.products.products(&admin, Pagination::ALL)[0].id;
    for (product, expected) in
        [(None, default), (Some(pump), pump), (Some(large), pump), (Some(largest), pump)]
    {
        let name = format!("of {product:?}");
        let spec = DeviceSpec { product, ..DeviceSpec::new(name, Protocol::Virtual) };
        let device = catalog.devices.create_device(&admin, spec).await.unwrap();
        assert_eq!(catalog.products.root_product_of(&device).unwrap(), expected, "{product:?}");
    }
}

pub(super) async fn no_device_is_below_itself(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let gateway = device(&catalog, &ours, "gateway").await.id;
    let sub = device(&catalog, &ours, "sub").await.id;
    let foreign = device(&catalog, &theirs, "d").await.id;
    let below = async |id: DeviceId, parent| {
        catalog.devices.update_device(&ours, id, |spec| spec.parent_device = Some(parent)).await
    };
    let absent = format!("parent_device: Invalid pk \"{foreign}\" - object does not exist.");
    assert_eq!(refusal(below(sub, foreign).await), invalid(&[&absent]));
    below(sub, gateway).await.unwrap();
    let itself = invalid(&["parent_device: A device may not be below itself."]);
    assert_eq!(refusal(below(gateway, sub).await), itself);
    assert_eq!(refusal(below(sub, sub).await), itself);
    assert_eq!(catalog.devices.sub_devices(&ours, gateway).iter().map(|d| d.id).collect::<Vec<_>>(), [sub]);
    // A caller that does not see the gateway is not told of it, and may change the rest.
    let restricted = key(ours.org, Some(&[sub]), None);
    assert_eq!(catalog.devices.device(&restricted, sub).unwrap().spec.parent_device, None);
    assert!(catalog.devices.sub_devices(&restricted, gateway).is_empty());
    catalog.devices.update_device(&restricted, sub, |spec| spec.unit = 7).await.unwrap();
    assert_eq!(catalog.devices.device(&ours, sub).unwrap().spec.parent_device, Some(gateway));
    catalog.devices.delete_device(&ours, gateway).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(catalog.devices.device(&ours, sub).unwrap().spec.parent_device, None);
    }
}

pub(super) async fn a_gateway_goes_with_everything_below_it(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let mut ids = Vec::new();
    for (name, parent) in [("gateway", None), ("sub", Some(0)), ("below", Some(1)), ("beside", None)] {
        let id = device(&catalog, &ours, name).await.id;
        if let Some(parent) = parent {
            let parent: DeviceId = ids[parent];
            catalog.devices.update_device(&ours, id, |spec| spec.parent_device = Some(parent)).await.unwrap();
        }
        ids.push(id);
    }
    let some = key(ours.org, Some(&ids[..2]), None);
    assert_eq!(refusal(catalog.devices.delete_device_tree(&theirs, ids[0]).await), not_found());
    assert_eq!(
        refusal(catalog.devices.delete_device_tree(&some, ids[0]).await),
        not_found(),
        "it owns a part"
    );
    let gone = catalog.devices.delete_device_tree(&ours, ids[0]).await.unwrap();
    assert_eq!(gone.iter().map(|gone| gone.device.id).collect::<Vec<_>>(), ids[..3]);
    for catalog in [&catalog, &place.open().await] {
        let left: Vec<_> = ids.iter().map(|id| catalog.devices.device(&ours, *id).is_ok()).collect();
        assert_eq!(left, [false, false, false, true]);
    }
}

pub(super) async fn a_certificate_replaces_the_one_before_and_goes_with_its_device(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let id = device(&catalog, &ours, "gateway").await.id;
    let issue = async |who: &Principal, name: &str| {
        catalog
            .provisioning
            .put_certificate(who, id, certificate(name, Micros(i64::MAX)))
            .await
            .map(|new| new.fingerprint.clone())
    };
    assert_eq!(refusal(issue(&theirs, "foreign").await), not_found());
    assert_eq!(catalog.provisioning.certificate_of(&ours, id), None);
    assert_eq!(issue(&ours, "first").await.unwrap(), "first");
    assert_eq!(issue(&ours, "second").await.unwrap(), "second");
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(catalog.provisioning.certificate_of(&ours, id).unwrap().fingerprint, "second");
        assert_eq!(catalog.provisioning.certificate_of(&theirs, id), None);
    }
    catalog.devices.delete_device(&ours, id).await.unwrap();
    assert_eq!(catalog.provisioning.certificate_of(&ours, id), None);
    let again = device(&place.open().await, &ours, "again").await.id;
    assert_eq!(place.open().await.provisioning.certificate_of(&ours, again), None);
}

pub(super) async fn an_owner_is_a_user_of_the_organization(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    user(&catalog, &ours, "ann").await;
    user(&catalog, &theirs, "eve").await;
    let id = device(&catalog, &ours, "d").await.id;
    let set = async |name: &str| {
        catalog.devices.update_device(&ours, id, |spec| spec.owner = Some(name.to_owned())).await
    };
    for name in ["eve", "nobody"] {
        let absent = format!("owner: User \"{name}\" does not exist.");
        assert_eq!(refusal(set(name).await), invalid(&[&absent]));
    }
    assert_eq!(set("ann").await.unwrap().spec.owner.as_deref(), Some("ann"));
    let ann = catalog.users.user_by_name(&ours, "ann").unwrap();
    catalog.users.delete_user(&ours, ann.id).await.unwrap();
    for catalog in [&catalog, &place.open().await] {
        assert_eq!(catalog.devices.device(&ours, id).unwrap().spec.owner, None);
    }
}

pub(super) async fn an_inventory_names_products_gateways_and_pins(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let product = catalog.products.create_product(&who, ProductSpec::new("Sensor")).await.unwrap();
    let entry = |name: &str, product: Option<&str>, parent: Option<&str>| DeviceEntry {
        name: name.to_owned(),
        spec: Some(DeviceSpec::new(name, Protocol::Virtual)),
        password: None,
        product: product.map(str::to_owned),
        parent_device: parent.map(str::to_owned),
        streams: Vec::new(),
    };
    let with_pins = |pins: &[Option<i32>]| -> Vec<StreamEntry> {
        let spec = |(n, pin)| StreamSpec { pin, ..StreamSpec::new(format!("s{n}"), DeviceId(0)) };
        let specs = pins.iter().copied().enumerate().map(spec);
        specs.map(|spec| StreamEntry { spec, group: None }).collect()
    };
    let put =
        async |devices: Vec<DeviceEntry>| catalog.inventory.put_inventory(&who, &Inventory { devices }).await;
    let streams = with_pins(&[Some(2), None, None]);
    let sub = DeviceEntry { streams, ..entry("sub", Some("Sensor"), Some("gateway")) };
    // The gateway comes after the device below it, and is new as well.
    let whole = || vec![sub.clone(), entry("gateway", None, None)];
    put(whole()).await.unwrap();
    let all = catalog.devices.devices(&who, &DeviceFilter::default());
    assert_eq!((all[0].spec.product, all[0].spec.parent_device), (Some(product.id), Some(all[1].id)));
    assert_eq!(all[0].last_channel, 3);
    let made = catalog.devices.device_with_streams(all[0].id).unwrap().1;
    let pins: Vec<_> = made.iter().map(|stream| (stream.channel, stream.pin())).collect();
    assert_eq!(pins, [(1, 2), (2, 3), (3, 4)]);
    let plan = catalog.inventory.plan_inventory(&who, &Inventory { devices: whole() }).unwrap();
    assert!(!plan.devices.iter().any(|device| device.is_changed()), "put again it changes nothing");
    assert_eq!(place.open().await.devices.devices(&who, &DeviceFilter::default()), all);
    let rows = [
        ("no_product", vec![entry("x", Some("absent"), None)], "product: there is no such product"),
        ("no_gateway", vec![entry("x", None, Some("absent"))], "parent_device: there is no such device"),
        ("a_loop", vec![entry("gateway", None, Some("sub"))], "A device may not be below itself."),
        (
            "same_pin",
            vec![DeviceEntry { streams: with_pins(&[Some(1), Some(1)]), ..entry("x", None, None) }],
            "pin: This field must be unique.",
        ),
    ];
    for (name, devices, expected) in rows {
        let error = put(devices).await.expect_err(name);
        assert!(error.message.contains(expected), "{name}: {}", error.message);
    }
}
