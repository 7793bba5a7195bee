//! Artefacts, bindings, reports about them, and uploaded objects.

use serde_json::{Map, json};
use uuid::Uuid;

use super::fixtures::*;
use crate::domain::configuration::artefact::{ArtefactContent, ArtefactSpec, ProfileType};
use crate::domain::configuration::binding::{BindingReport, BindingSpec, BindingStatus, TargetType};
use crate::domain::document::{ComponentSpec, DocumentKind, DocumentSpec, SensorProfileSpec};
use crate::domain::object::{MAX_OBJECT_BYTES, MAX_ORG_BYTES, ObjectSpec};
use crate::domain::{DeviceId, Kind, Micros, Principal};
use crate::store::catalog::{Catalog, NewArtefact, NewDocument};

async fn create(catalog: &Catalog, who: &Principal, spec: DocumentSpec) -> Uuid {
    catalog.documents.create_documents(who, vec![NewDocument::new(spec)]).await.unwrap().remove(0).uuid
}

async fn profile(catalog: &Catalog, who: &Principal) -> Uuid {
    let profile = SensorProfileSpec {
        key: "env.temp".to_owned(),
        name: "Temperature".to_owned(),
        version: "1.0".parse().unwrap(),
        fields: Vec::new(),
        pack: None,
    };
    create(catalog, who, DocumentSpec::SensorProfile(profile)).await
}

fn new_artefact(name: &str, profile: Uuid) -> NewArtefact {
    NewArtefact {
        spec: ArtefactSpec {
            name: name.to_owned(),
            profile_type: ProfileType::SensorProfile,
            profile,
            content: ArtefactContent::Inline(json!({"rate": 5}).as_object().cloned().unwrap()),
        },
        size_bytes: 10,
        sha256: "00".repeat(32),
        created_by: "key_1".to_owned(),
    }
}

pub(super) fn report(artefact: Uuid) -> BindingReport {
    BindingReport {
        artefact,
        version: 1,
        status: BindingStatus::Accepted,
        hash: Some("ab".to_owned()),
        message: None,
        reported_at: Micros(1),
    }
}

pub(super) async fn a_configuration_and_its_reports_outlive_a_restart(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let profile = profile(&catalog, &admin).await;
    let device = device(&catalog, &admin, "d").await;
    let first = catalog.documents.create_artefact(&admin, new_artefact("a", profile)).await.unwrap();
    let spec =
        BindingSpec { target_type: TargetType::Device, target: device.aliases.uuid, artefact: first.uuid };
    let id = Uuid::new_v4();
    let (made, is_new) = catalog.documents.put_binding(&admin, id, spec).await.unwrap();
    assert!(is_new && made.binding().unwrap().device == Some(device.id));
    let (again, is_new) = catalog.documents.put_binding(&admin, id, spec).await.unwrap();
    assert_eq!((again.version, is_new), (made.version, false), "the same again changes nothing");
    let decide = |_: Uuid, _: Option<&BindingReport>| Some(report(first.uuid));
    assert_eq!(catalog.documents.report_bindings(&admin, device.id, vec![id], decide).await.unwrap(), 1);
    let second = catalog.documents.create_artefact(&admin, new_artefact("a", profile)).await.unwrap();
    assert_eq!(second.artefact().unwrap().version, 2);
    let revision = catalog.documents.document_revision();
    drop(catalog);
    let catalog = place.open().await;
    assert!(catalog.documents.document_revision() > 0 && revision > 0);
    let binding = catalog.documents.document(&admin, DocumentKind::Binding, id).unwrap();
    let binding = binding.binding().unwrap();
    assert_eq!((binding.spec.artefact, binding.desired_version), (second.uuid, 2));
    assert_eq!(
        catalog.documents.document(&admin, DocumentKind::Artefact, first.uuid).unwrap().spec,
        first.spec
    );
    let reports = catalog.documents.binding_reports(&admin, id);
    assert_eq!(reports.iter().map(|known| (**known).clone()).collect::<Vec<_>>(), [report(first.uuid)]);
    catalog.devices.delete_device(&admin, device.id).await.unwrap();
    assert!(catalog.documents.binding_reports(&admin, id).is_empty());
    drop(catalog);
    let catalog = place.open().await;
    assert_eq!(
        catalog.documents.document(&admin, DocumentKind::Binding, id).unwrap_err().kind,
        Kind::NotFound
    );
}

pub(super) async fn a_binding_goes_with_its_target(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let profile = profile(&catalog, &admin).await;
    let device = device(&catalog, &admin, "d").await.id;
    let component = ComponentSpec {
        device,
        key: "c".to_owned(),
        name: "C".to_owned(),
        sensor_profile: Some(profile),
        metadata: Map::new(),
    };
    let component = create(&catalog, &admin, DocumentSpec::Component(component)).await;
    let artefact = catalog.documents.create_artefact(&admin, new_artefact("a", profile)).await.unwrap().uuid;
    let mut bindings = Vec::new();
    for (target_type, target) in [(TargetType::Component, component), (TargetType::SensorProfile, profile)] {
        let id = Uuid::new_v4();
        let spec = BindingSpec { target_type, target, artefact };
        catalog.documents.put_binding(&admin, id, spec).await.unwrap();
        let taken = catalog.documents.put_binding(&admin, Uuid::new_v4(), spec).await;
        assert_eq!(taken.unwrap_err().kind, Kind::Conflict, "{target_type:?}");
        bindings.push(id);
    }
    let in_use = catalog.documents.delete_document(&admin, DocumentKind::Artefact, artefact).await;
    assert_eq!(in_use.unwrap_err().kind, Kind::Conflict);
    let decide = |_: Uuid, _: Option<&BindingReport>| Some(report(artefact));
    catalog.documents.report_bindings(&admin, device, bindings.clone(), decide).await.unwrap();
    catalog.documents.delete_document(&admin, DocumentKind::Component, component).await.unwrap();
    let gone = catalog.documents.document(&admin, DocumentKind::Binding, bindings[0]);
    assert_eq!(gone.unwrap_err().kind, Kind::NotFound);
    drop(catalog);
    let catalog = place.open().await;
    let counts = bindings.iter().map(|id| catalog.documents.binding_reports(&admin, *id).len());
    assert_eq!(counts.collect::<Vec<_>>(), [0, 1]);
}

pub(super) async fn a_configuration_is_of_one_organization(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let profile = profile(&catalog, &admin).await;
    let device = device(&catalog, &admin, "d").await;
    let artefact = catalog.documents.create_artefact(&admin, new_artefact("a", profile)).await.unwrap().uuid;
    let spec = BindingSpec { target_type: TargetType::Device, target: device.aliases.uuid, artefact };
    let id = Uuid::new_v4();
    catalog.documents.put_binding(&admin, id, spec).await.unwrap();
    let other = other_org(&catalog).await;
    let refused = refusal(catalog.documents.put_binding(&other, Uuid::new_v4(), spec).await);
    let unknown = invalid(&["artefact: does not exist", "target: does not exist"]);
    assert_eq!(refused, unknown);
    assert_eq!(
        refusal(catalog.documents.put_binding(&other, id, spec).await),
        unknown,
        "an id of others is as an unused one"
    );
    assert_eq!(refusal(catalog.documents.document(&other, DocumentKind::Binding, id)), not_found());
    let decide = |_: Uuid, _: Option<&BindingReport>| Some(report(artefact));
    let reported = catalog.documents.report_bindings(&other, device.id, vec![id], decide).await;
    assert_eq!(refusal(reported), not_found());
    let restricted = key(admin.org, Some(&[DeviceId(99)]), None);
    assert_eq!(refusal(catalog.documents.document(&restricted, DocumentKind::Binding, id)), not_found());
    let new = new_artefact("b", profile);
    assert_eq!(refusal(catalog.documents.create_artefact(&restricted, new).await), forbidden());
}

pub(super) fn object(size_bytes: u64) -> ObjectSpec {
    ObjectSpec {
        file_name: "a.bin".to_owned(),
        content_type: "application/octet-stream".to_owned(),
        size_bytes,
        sha256: None,
    }
}

pub(super) async fn objects_are_bounded_and_go_when_nothing_refers_to_them(place: TestDatabase) {
    let catalog = place.open().await;
    let admin = admin(&catalog);
    let other = other_org(&catalog).await;
    let one = catalog.objects.create_object(&admin, object(1)).await.unwrap();
    assert_eq!(refusal(catalog.objects.object(&other, one.uuid)), not_found());
    let stored = catalog.objects.finish_object(one.uuid, "ab".repeat(32)).await.unwrap();
    let again = catalog.objects.finish_object(one.uuid, "cd".repeat(32)).await.unwrap();
    assert_eq!(stored, again, "the first upload counts");
    drop(catalog);
    let catalog = place.open().await;
    assert_eq!(*catalog.objects.object(&admin, one.uuid).unwrap(), *stored);
    for _ in 0..MAX_ORG_BYTES / MAX_OBJECT_BYTES {
        if catalog.objects.create_object(&admin, object(MAX_OBJECT_BYTES)).await.is_err() {
            break;
        }
    }
    let full = catalog.objects.create_object(&admin, object(MAX_OBJECT_BYTES)).await;
    assert_eq!(full.unwrap_err().kind, Kind::LimitReached);
    assert!(catalog.objects.create_object(&other, object(1)).await.is_ok(), "others have their own room");
    let later = Micros(START.0 + 48 * 3600 * 1_000_000);
    let gone = catalog.objects.purge_objects(|object| object.uuid == one.uuid, later).await.unwrap();
    assert!(gone.len() > 100 && !gone.contains(&one.uuid));
    assert_eq!(catalog.objects.purge_objects(|_| false, later).await.unwrap(), [one.uuid]);
    assert!(catalog.objects.create_object(&admin, object(1)).await.is_ok());
}
