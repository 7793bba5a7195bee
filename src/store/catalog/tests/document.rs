//! Tests of documents and of the topology of devices: storage, names, references, visibility and limits.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::fixtures::*;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::document::camera::CameraAddress;
use crate::domain::document::{
    CameraSpec, CaptureRuleSpec, ComponentSpec, DashboardSpec, DeviceGroupSpec, Document, DocumentKind,
    DocumentSpec, ProfileVersion, ReferencePairSpec, SensorProfileSpec, SiteSpec, Widget, WidgetType,
};
use crate::domain::media::address::CameraKind;
use crate::domain::topology::Topology;
use crate::domain::{DeviceId, Error, Kind, Principal, Result};
use crate::store::catalog::{Catalog, NewDocument, OrgLimits};

fn site(name: &str) -> DocumentSpec {
    DocumentSpec::Site(SiteSpec::new(name))
}

fn component(device: DeviceId, key: &str, sensor_profile: Option<Uuid>) -> DocumentSpec {
    let (key, name) = (key.to_owned(), key.to_owned());
    DocumentSpec::Component(ComponentSpec {
        device,
        key,
        name,
        sensor_profile,
        metadata: serde_json::Map::new(),
    })
}

fn profile(key: &str) -> DocumentSpec {
    let version = ProfileVersion { major: 1, minor: 0 };
    let (key, name) = (key.to_owned(), key.to_owned());
    DocumentSpec::SensorProfile(SensorProfileSpec { key, name, version, fields: Vec::new(), pack: None })
}

async fn create(catalog: &Catalog, who: &Principal, spec: DocumentSpec) -> Result<Arc<Document>> {
    let made = catalog.documents.create_documents(who, vec![NewDocument::new(spec)]).await?;
    Ok(Arc::clone(&made[0]))
}

pub(super) async fn a_document_comes_back_as_it_was_given(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let made = create(&catalog, &who, site("Plant")).await.unwrap();
    assert_eq!((made.version, made.created_at, made.name.as_str()), (1, made.updated_at, "Plant"));
    let at = (DocumentKind::Site, made.uuid);
    let change = |spec: &mut DocumentSpec| *spec = site("Works");
    let changed = catalog.documents.update_document(&who, at, Some(1), change).await.unwrap();
    assert_eq!((changed.version, &changed.spec), (2, &site("Works")));
    assert!(changed.updated_at > made.updated_at && changed.created_at == made.created_at);
    let late = catalog.documents.update_document(&who, at, Some(1), |spec| *spec = site("Late")).await;
    assert_eq!(refusal(late).0, Kind::Conflict, "somebody was faster");
    // The old name is free, the new one is not.
    create(&catalog, &who, site("Plant")).await.unwrap();
    assert_eq!(refusal(create(&catalog, &who, site("Works")).await).0, Kind::Conflict);
    assert_eq!(refusal(catalog.documents.document(&who, DocumentKind::Component, made.uuid)), not_found());
    drop(catalog);
    let again = place.open().await;
    assert_eq!(again.documents.document(&who, DocumentKind::Site, made.uuid).unwrap(), changed);
    again.documents.delete_document(&who, DocumentKind::Site, made.uuid).await.unwrap();
    assert_eq!(
        refusal(again.documents.delete_document(&who, DocumentKind::Site, made.uuid).await),
        not_found()
    );
}

pub(super) async fn documents_are_created_all_or_none(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let plant = device(&catalog, &who, "d").await;
    let made = NewDocument::new(profile("a"));
    let part = component(plant.id, "c", Some(made.uuid));
    let rows = [
        ("a_name_twice", vec![NewDocument::new(site("s")), NewDocument::new(site("s"))], Kind::Conflict),
        (
            "a_reference_to_nothing",
            vec![NewDocument::new(site("s")), NewDocument::new(part.clone())],
            Kind::Invalid,
        ),
        ("a_blank_name", vec![NewDocument::new(site("s")), NewDocument::new(site(""))], Kind::Invalid),
    ];
    for (name, documents, expected) in rows {
        assert_eq!(refusal(catalog.documents.create_documents(&who, documents).await).0, expected, "{name}");
        assert!(catalog.documents.documents(&who, DocumentKind::Site).is_empty(), "{name}");
    }
    let both = vec![made.clone(), NewDocument::new(part)];
    assert_eq!(catalog.documents.create_documents(&who, both).await.unwrap().len(), 2);
    let in_use = catalog.documents.delete_document(&who, DocumentKind::SensorProfile, made.uuid).await;
    assert_eq!(refusal(in_use).0, Kind::Conflict);
    // The component goes with its device, and then nothing needs the profile.
    catalog.devices.delete_device(&who, plant.id).await.unwrap();
    assert!(catalog.documents.documents(&who, DocumentKind::Component).is_empty());
    catalog.documents.delete_document(&who, DocumentKind::SensorProfile, made.uuid).await.unwrap();
    drop(catalog);
    assert!(place.open().await.documents.documents(&who, DocumentKind::Component).is_empty());
}

pub(super) async fn documents_are_seen_by_their_organization_and_with_their_device(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let (first, second) = (device(&catalog, &ours, "a").await, device(&catalog, &ours, "b").await);
    let shared = create(&catalog, &ours, site("s")).await.unwrap();
    let of_first = create(&catalog, &ours, component(first.id, "c", None)).await.unwrap();
    let of_second = create(&catalog, &ours, component(second.id, "c", None)).await.unwrap();
    for row in [&shared, &of_first] {
        let (kind, uuid) = (row.spec.kind(), row.uuid);
        assert_eq!(refusal(catalog.documents.document(&theirs, kind, uuid)), not_found());
        assert_eq!(refusal(catalog.documents.delete_document(&theirs, kind, uuid).await), not_found());
        assert!(catalog.documents.documents(&theirs, kind).is_empty());
    }
    create(&catalog, &theirs, site("s")).await.unwrap();
    let foreign =
        DeviceGroupSpec { name: "g".to_owned(), devices: vec![first.id], ..DeviceGroupSpec::default() };
    let refused = create(&catalog, &theirs, DocumentSpec::DeviceGroup(foreign)).await;
    assert_eq!(refusal(refused), invalid(&["devices[0]: does not exist"]));
    let restricted = key(ours.org, Some(&[first.id]), None);
    assert_eq!(catalog.documents.documents(&restricted, DocumentKind::Component), [Arc::clone(&of_first)]);
    assert_eq!(catalog.documents.documents(&restricted, DocumentKind::Site), [shared]);
    assert_eq!(
        refusal(catalog.documents.document(&restricted, DocumentKind::Component, of_second.uuid)),
        not_found()
    );
    assert_eq!(refusal(create(&catalog, &restricted, site("t")).await), forbidden());
    create(&catalog, &restricted, component(first.id, "d", None)).await.unwrap();
    let group = DeviceGroupSpec {
        name: "g".to_owned(),
        devices: vec![second.id, first.id],
        ..DeviceGroupSpec::default()
    };
    let group = create(&catalog, &ours, DocumentSpec::DeviceGroup(group)).await.unwrap();
    let shown = catalog.documents.document(&restricted, DocumentKind::DeviceGroup, group.uuid).unwrap();
    let DocumentSpec::DeviceGroup(seen) = &shown.spec else { panic!("a group is a group") };
    assert_eq!(seen.devices, [first.id], "a group names to nobody what they do not see");
    assert_eq!(catalog.documents.documents(&restricted, DocumentKind::DeviceGroup), [shown]);
    assert_eq!(catalog.documents.documents(&ours, DocumentKind::DeviceGroup), [group]);
}

fn camera(device: DeviceId, name: &str, dvr: Option<&str>) -> DocumentSpec {
    DocumentSpec::Camera(CameraSpec {
        device,
        name: name.to_owned(),
        kind: CameraKind::Rtsp,
        stream: CameraAddress::new("rtsp://admin:s3cret@10.0.0.9/1"),
        dvr: dvr.map(CameraAddress::new),
    })
}

fn pair(one: &Document, other: &Document) -> DocumentSpec {
    let device = |row: &Document| row.spec.device().unwrap();
    DocumentSpec::ReferencePair(ReferencePairSpec {
        handle: Uuid::new_v4(),
        name: None,
        primary: one.uuid,
        reference: other.uuid,
        primary_device: device(one),
        reference_device: device(other),
        valid_from: START,
        valid_to: None,
        metadata: serde_json::Map::new(),
    })
}

/// A dashboard with one widget.
fn dashboard_of(config: &serde_json::Value) -> DashboardSpec {
    let config = config.as_object().cloned().unwrap();
    let widget_type = WidgetType::Line;
    let widget = Widget { id: "w".to_owned(), widget_type, x: 0, y: 0, w: 1, h: 1, config };
    DashboardSpec { layout: vec![widget], ..DashboardSpec::new("d") }
}

pub(super) async fn what_a_document_names_is_seen_by_those_who_see_it(place: TestDatabase) {
    let catalog = place.open().await;
    let ours = admin(&catalog);
    let (own, hidden) = (device(&catalog, &ours, "a").await.id, device(&catalog, &ours, "b").await.id);
    let own_stream = stream(&catalog, &ours, own, "s").await;
    let hidden_stream = stream(&catalog, &ours, hidden, "s").await;
    let cameras = [
        create(&catalog, &ours, camera(own, "c", None)).await.unwrap().uuid,
        create(&catalog, &ours, camera(hidden, "c", None)).await.unwrap().uuid,
    ];
    let rule = |name: &str, device: DeviceId, sensor| {
        let mut rule = CaptureRuleSpec { cameras: cameras.into(), ..CaptureRuleSpec::new(name) };
        (rule.matches.device, rule.matches.sensor) = (Some(device), Some(sensor));
        rule
    };
    for (name, device, stream) in [("seen", own, &own_stream), ("unseen", hidden, &hidden_stream)] {
        create(&catalog, &ours, DocumentSpec::CaptureRule(rule(name, device, stream.id))).await.unwrap();
    }
    let config = json!({"sensorIds": [hidden_stream.uuid, own_stream.uuid], "title": "t"});
    let dashboard = dashboard_of(&config);
    create(&catalog, &ours, DocumentSpec::Dashboard(dashboard.clone())).await.unwrap();
    let mut parts = Vec::new();
    for device in [own, hidden] {
        for key in ["one", "two"] {
            parts.push(create(&catalog, &ours, component(device, key, None)).await.unwrap());
        }
    }
    let within = create(&catalog, &ours, pair(&parts[0], &parts[1])).await.unwrap();
    create(&catalog, &ours, pair(&parts[0], &parts[2])).await.unwrap();

    for restricted in [key(ours.org, Some(&[own]), None), key(ours.org, None, Some(&[own_stream.id]))] {
        let rules = catalog.documents.documents(&restricted, DocumentKind::CaptureRule);
        let rules: Vec<_> = rules.iter().filter_map(|row| row.capture_rule().cloned()).collect();
        let seen = CaptureRuleSpec { cameras: vec![cameras[0]], ..rule("seen", own, own_stream.id) };
        let unseen =
            CaptureRuleSpec { cameras: vec![cameras[0]], enabled: false, ..CaptureRuleSpec::new("unseen") };
        assert_eq!(rules, [seen, unseen]);
        let [shown] = &catalog.documents.documents(&restricted, DocumentKind::Dashboard)[..] else {
            panic!()
        };
        let config = &shown.dashboard().unwrap().layout[0].config;
        assert_eq!(
            serde_json::to_value(config).unwrap(),
            json!({"sensorIds": [own_stream.uuid], "title": "t"})
        );
        let pairs = catalog.documents.documents(&restricted, DocumentKind::ReferencePair);
        assert_eq!(pairs, [Arc::clone(&within)], "a pair is seen with both of its devices");
        let of_device = catalog.documents.documents_of_device(&restricted, own);
        let pairs: Vec<_> = of_device.iter().filter(|row| row.reference_pair().is_some()).collect();
        assert_eq!(pairs, [&within]);
    }
    let [whole] = &catalog.documents.documents(&ours, DocumentKind::Dashboard)[..] else { panic!() };
    assert_eq!(whole.dashboard(), Some(&dashboard));
    assert_eq!(catalog.documents.documents(&ours, DocumentKind::ReferencePair).len(), 2);
}

pub(super) async fn the_passwords_of_a_camera_are_kept_and_not_shown(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let device = device(&catalog, &who, "d").await.id;
    let spec = camera(device, "gate", Some("rtsp://a:t0p@10.0.0.8/1"));
    let made = create(&catalog, &who, spec.clone()).await.unwrap();
    drop(catalog);
    let catalog = place.open().await;
    let kept = catalog.documents.document(&who, DocumentKind::Camera, made.uuid).unwrap();
    assert_eq!(kept.spec, spec, "passwords outlive a restart");
    let shown = serde_json::to_string(&kept.spec).unwrap();
    assert!(!shown.contains("s3cret") && !shown.contains("t0p"), "{shown}");
}

pub(super) async fn documents_are_bounded(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    catalog.orgs.set_org_limits(OrgLimits { documents: 1, ..OrgLimits::default() });
    let made = create(&catalog, &who, site("a")).await.unwrap();
    assert_eq!(refusal(create(&catalog, &who, site("b")).await).0, Kind::LimitReached);
    catalog.documents.delete_document(&who, DocumentKind::Site, made.uuid).await.unwrap();
    create(&catalog, &who, site("b")).await.unwrap();
    catalog.orgs.set_org_limits(OrgLimits { memory: 1000, ..OrgLimits::default() });
    assert_eq!(refusal(create(&catalog, &who, site(&"c".repeat(255))).await).0, Kind::LimitReached);
}

pub(super) async fn a_place_in_the_topology_lasts_and_is_changed_with_the_device(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let at = create(&catalog, &who, site("s")).await.unwrap();
    let topology = Topology { site: Some(at.uuid), tags: vec!["a".to_owned()], ..Topology::default() };
    let spec = DeviceSpec::new("d", Protocol::Virtual);
    let made = catalog.devices.create_device_in_topology(&who, spec.clone(), topology.clone()).await.unwrap();
    assert_eq!((&made.topology, &made.spec.name), (&topology, &spec.name));
    let absent = Topology { site: Some(Uuid::new_v4()), groups: vec![Uuid::new_v4()], ..Topology::default() };
    let refused = catalog
        .devices
        .create_device_in_topology(&who, DeviceSpec::new("e", Protocol::Virtual), absent)
        .await;
    assert_eq!(refusal(refused), invalid(&["site: does not exist", "groups[0]: does not exist"]));
    // Another interface knows nothing of it and changes nothing of it.
    let replaced = catalog.devices.update_device(&who, made.id, |stored| *stored = spec).await.unwrap();
    assert_eq!(replaced.topology, topology);
    catalog.documents.delete_document(&who, DocumentKind::Site, at.uuid).await.unwrap();
    let kept = catalog.devices.update_device_in_topology(&who, made.id, |spec, topology| {
        spec.enabled = false;
        topology.tags.clear();
        Ok(())
    });
    let kept = kept.await.unwrap();
    assert_eq!((kept.spec.enabled, kept.topology.tags.len(), kept.topology.site), (false, 0, Some(at.uuid)));
    let refused = catalog
        .devices
        .update_device_in_topology(&who, made.id, |spec, _| {
            spec.name = "changed".to_owned();
            Err(Error::conflict("not now"))
        })
        .await;
    assert_eq!(refusal(refused).0, Kind::Conflict);
    drop(catalog);
    let again = place.open().await.devices.device(&who, made.id).unwrap();
    assert_eq!((&again.topology, again.spec.name.as_str()), (&kept.topology, "d"));
}

pub(super) async fn an_organization_is_found_by_its_uuid(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let uuids = [&ours, &theirs].map(|who| catalog.orgs.org_of(who).unwrap().uuid);
    assert!(uuids[0] != uuids[1] && !uuids.contains(&Uuid::nil()));
    assert_eq!(uuids.map(|uuid| catalog.orgs.org_by_uuid(uuid).unwrap().id), [ours.org, theirs.org]);
    assert_eq!(catalog.orgs.org_by_uuid(Uuid::new_v4()), None);
    drop(catalog);
    assert_eq!(place.open().await.orgs.org_by_uuid(uuids[1]).unwrap().id, theirs.org);
}
