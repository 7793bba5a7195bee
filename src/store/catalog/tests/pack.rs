//! Tests of packs: all or none, repeats, shared profiles, use, isolation and concurrency.

use std::sync::Arc;

use uuid::Uuid;

use super::fixtures::*;
use crate::domain::annotation::{AnnotationSource, AnnotationSpec, ScopeType};
use crate::domain::configuration::artefact::{ArtefactContent, ArtefactSpec, ProfileType};
use crate::domain::configuration::binding::{BindingSpec, TargetType};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::document::{
    AnnotationClassSpec, ComponentSpec, DashboardSpec, DeviceProfileSpec, Document, DocumentKind,
    DocumentSpec, PackContent, ProfileComponent, ProfileField, ReferenceTarget, SensorProfileSpec, ValueType,
};
use crate::domain::topology::Topology;
use crate::domain::{DeviceId, Kind, Micros, Principal};
use crate::store::catalog::{AnnotationChange, Catalog, NewArtefact, NewDocument, OrgLimits, PackInstall};

fn field(name: &str) -> ProfileField {
    ProfileField::new(name, ValueType::Double)
}

fn sensor(key: &str, version: &str, fields: &[&str]) -> SensorProfileSpec {
    SensorProfileSpec {
        key: key.to_owned(),
        name: key.to_owned(),
        version: version.parse().unwrap(),
        fields: fields.iter().map(|name| field(name)).collect(),
        pack: None,
    }
}

fn board(sensor_profile: &str) -> DeviceProfileSpec {
    let component = ProfileComponent {
        key: "c".to_owned(),
        name: "C".to_owned(),
        sensor_profile_key: sensor_profile.to_owned(),
        sensor_profile_version: "1.0".parse().unwrap(),
    };
    DeviceProfileSpec {
        key: "board".to_owned(),
        name: "Board".to_owned(),
        version: "1.0".parse().unwrap(),
        components: vec![component],
        writable_fields: Vec::new(),
        pack: None,
    }
}

fn pack(version: &str, sensors: Vec<SensorProfileSpec>, devices: Vec<DeviceProfileSpec>) -> PackContent {
    PackContent {
        key: "env".to_owned(),
        version: version.to_owned(),
        name: "Environment".to_owned(),
        sensor_profiles: sensors,
        device_profiles: devices,
        ..PackContent::default()
    }
}

/// Installs a pack that is new.
async fn install(catalog: &Catalog, who: &Principal, content: PackContent) -> Arc<Document> {
    match catalog.documents.install_pack(who, content).await.unwrap() {
        PackInstall::Created(row) => row,
        other => panic!("{other:?}"),
    }
}

/// Numbers of packs, sensor profiles and device profiles.
fn counts(catalog: &Catalog, who: &Principal) -> [usize; 3] {
    [DocumentKind::Pack, DocumentKind::SensorProfile, DocumentKind::DeviceProfile]
        .map(|kind| catalog.documents.documents(who, kind).len())
}

pub(super) async fn a_pack_is_installed_whole_or_not_at_all(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let two = || vec![sensor("a", "1.0", &["t"]), sensor("b", "1.0", &["t"])];
    let absent = catalog.documents.install_pack(&who, pack("1", two(), vec![board("c")])).await;
    let expected = ["device_profiles[0].components[0].sensor_profile_key: does not exist"];
    assert_eq!(refusal(absent), invalid(&expected));
    let wrong = vec![sensor("a", "1.0", &["t"]), sensor("b", "1.0", &["t", "t"])];
    let wrong = catalog.documents.install_pack(&who, pack("1", wrong, vec![])).await;
    assert_eq!(refusal(wrong), invalid(&["sensor_profiles[1].fields[1].name: must be unique"]));
    let breaking = vec![sensor("a", "1.0", &["t"]), sensor("a", "1.1", &["u"])];
    let breaking = catalog.documents.install_pack(&who, pack("1", breaking, vec![])).await.unwrap();
    assert!(matches!(&breaking, PackInstall::Refused(problems) if problems.len() == 1), "{breaking:?}");
    catalog.orgs.set_org_limits(OrgLimits { documents: 3, ..OrgLimits::default() });
    let limited = catalog.documents.install_pack(&who, pack("1", two(), vec![board("a")])).await;
    assert_eq!(refusal(limited).0, Kind::LimitReached);
    assert_eq!(counts(&catalog, &who), [0, 0, 0], "nothing of all that is there");
    catalog.orgs.set_org_limits(OrgLimits::default());
    let made = install(&catalog, &who, pack("1", two(), vec![board("a")])).await;
    drop(catalog);
    let again = place.open().await;
    assert_eq!(counts(&again, &who), [1, 2, 1]);
    let profiles = again.documents.pack_members(&who, made.pack().unwrap());
    let keys: Vec<_> = profiles.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(keys, ["a@1.0", "b@1.0", "board@1.0"]);
    assert!(profiles.iter().all(|row| row.spec.references()[0].target == of(&made)));
    again.documents.delete_pack(&who, made.uuid).await.unwrap();
    assert_eq!(counts(&again, &who), [0, 0, 0]);
    assert_eq!(refusal(again.documents.delete_pack(&who, made.uuid).await), not_found());
    drop(again);
    assert_eq!(counts(&place.open().await, &who), [0, 0, 0]);
}

/// The document as what another one refers to.
fn of(row: &Document) -> ReferenceTarget {
    ReferenceTarget::Document(row.spec.kind(), row.uuid)
}

pub(super) async fn an_installed_pack_is_repeated_but_not_changed(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let content = || pack("1", vec![sensor("a", "1.0", &["t"])], vec![board("a")]);
    let made = install(&catalog, &who, content()).await;
    let repeated = catalog.documents.install_pack(&who, content()).await.unwrap();
    assert_eq!(repeated, PackInstall::Unchanged(Arc::clone(&made)));
    let others = [
        PackContent { name: "Other".to_owned(), ..content() },
        PackContent { device_profiles: vec![], ..content() },
        PackContent { sensor_profiles: vec![sensor("a", "1.0", &["t", "u"])], ..content() },
        PackContent {
            sensor_profiles: vec![sensor("a", "1.0", &["t"]), sensor("b", "1.0", &[])],
            ..content()
        },
    ];
    for other in others {
        assert_eq!(
            refusal(catalog.documents.install_pack(&who, other.clone()).await).0,
            Kind::Conflict,
            "{other:?}"
        );
    }
    let change = |spec: &mut DocumentSpec| {
        if let DocumentSpec::Pack(pack) = spec {
            pack.name = "Changed".to_owned();
        }
    };
    let changed =
        catalog.documents.update_document(&who, (DocumentKind::Pack, made.uuid), None, change).await;
    assert_eq!(refusal(changed).0, Kind::Conflict);
    for row in [vec![Arc::clone(&made)], catalog.documents.pack_members(&who, made.pack().unwrap())].concat()
    {
        let alone = catalog.documents.delete_document(&who, row.spec.kind(), row.uuid).await;
        assert_eq!(refusal(alone).0, Kind::Conflict, "{}: one goes with all", row.name);
    }
    assert_eq!(counts(&catalog, &who), [1, 1, 1]);
}

pub(super) async fn a_profile_goes_with_the_last_pack_that_has_it(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let first = install(&catalog, &who, pack("1", vec![sensor("a", "1.0", &["t"])], vec![board("a")])).await;
    let shared = vec![sensor("a", "1.0", &["t"]), sensor("a", "1.1", &["t", "u"])];
    let second = install(&catalog, &who, pack("2", shared, vec![])).await;
    assert_eq!(counts(&catalog, &who), [2, 2, 1]);
    let old = catalog.documents.pack_members(&who, first.pack().unwrap())[0].clone();
    assert_eq!(old.sensor_profile().unwrap().pack, Some(first.uuid));
    catalog.documents.delete_pack(&who, first.uuid).await.unwrap();
    assert_eq!(counts(&catalog, &who), [1, 2, 0]);
    let kept = catalog.documents.document(&who, DocumentKind::SensorProfile, old.uuid).unwrap();
    assert_eq!(kept.sensor_profile().unwrap().pack, Some(second.uuid), "it belongs to the one that is left");
    drop(catalog);
    let catalog = place.open().await;
    assert_eq!(catalog.documents.document(&who, DocumentKind::SensorProfile, old.uuid).unwrap(), kept);
    for use_of_it in USES {
        let users = use_profile(&catalog, &who, old.uuid, use_of_it).await;
        let before = counts(&catalog, &who);
        let refused = catalog.documents.delete_pack(&who, second.uuid).await;
        assert_eq!(refusal(refused).0, Kind::Conflict, "{use_of_it}");
        assert_eq!(counts(&catalog, &who), before, "{use_of_it}");
        for (kind, uuid) in users.into_iter().rev() {
            match kind {
                DocumentKind::Pack => catalog.documents.delete_pack(&who, uuid).await.unwrap(),
                _ => drop(catalog.documents.delete_document(&who, kind, uuid).await.unwrap()),
            }
        }
    }
    catalog.documents.delete_pack(&who, second.uuid).await.unwrap();
    assert_eq!(counts(&catalog, &who), [0, 0, 0]);
}

const USES: [&str; 4] = ["a component", "an artefact", "a binding of another profile", "a device profile"];

/// Makes rows that use a sensor profile, and returns them in the order of their creation.
async fn use_profile(
    catalog: &Catalog,
    who: &Principal,
    profile: Uuid,
    how: &str,
) -> Vec<(DocumentKind, Uuid)> {
    let create = async |spec| {
        let made = catalog.documents.create_documents(who, vec![NewDocument::new(spec)]).await.unwrap();
        (made[0].spec.kind(), made[0].uuid)
    };
    match how {
        "a component" => {
            let device = device(catalog, who, "d").await.id;
            vec![create(component(device, profile)).await]
        }
        "an artefact" => vec![artefact(catalog, who, profile).await],
        "a binding of another profile" => {
            let other = create(DocumentSpec::SensorProfile(sensor("other", "1.0", &["t"]))).await;
            let artefact = artefact(catalog, who, other.1).await;
            let spec =
                BindingSpec { target_type: TargetType::SensorProfile, target: profile, artefact: artefact.1 };
            let binding = catalog.documents.put_binding(who, Uuid::new_v4(), spec).await.unwrap().0;
            vec![other, artefact, (DocumentKind::Binding, binding.uuid)]
        }
        _ => {
            let content = PackContent { key: "boards".to_owned(), ..pack("1", vec![], vec![board("a")]) };
            vec![(DocumentKind::Pack, install(catalog, who, content).await.uuid)]
        }
    }
}

fn component(device: DeviceId, profile: Uuid) -> DocumentSpec {
    let (key, name) = ("c".to_owned(), "C".to_owned());
    let metadata = serde_json::Map::new();
    DocumentSpec::Component(ComponentSpec { device, key, name, sensor_profile: Some(profile), metadata })
}

async fn artefact(catalog: &Catalog, who: &Principal, profile: Uuid) -> (DocumentKind, Uuid) {
    let spec = ArtefactSpec {
        name: "limits".to_owned(),
        profile_type: ProfileType::SensorProfile,
        profile,
        content: ArtefactContent::Inline(serde_json::Map::new()),
    };
    let new = NewArtefact { spec, size_bytes: 2, sha256: String::new(), created_by: "key_1".to_owned() };
    (DocumentKind::Artefact, catalog.documents.create_artefact(who, new).await.unwrap().uuid)
}

pub(super) async fn packs_are_of_one_organization(place: TestDatabase) {
    let catalog = place.open().await;
    let (ours, theirs) = (admin(&catalog), other_org(&catalog).await);
    let content = || pack("1", vec![sensor("a", "1.0", &["t"])], vec![board("a")]);
    let made = install(&catalog, &ours, content()).await;
    assert_eq!(counts(&catalog, &theirs), [0, 0, 0]);
    assert!(catalog.documents.pack_members(&theirs, made.pack().unwrap()).is_empty());
    assert_eq!(refusal(catalog.documents.delete_pack(&theirs, made.uuid).await), not_found());
    let of_nobody = pack("1", vec![], vec![board("a")]);
    assert_eq!(
        refusal(catalog.documents.install_pack(&theirs, of_nobody).await).0,
        Kind::Invalid,
        "theirs has no profile a"
    );
    let other = pack("1", vec![sensor("a", "1.0", &["other"])], vec![]);
    install(&catalog, &theirs, other).await;
    let restricted = key(ours.org, Some(&[]), None);
    assert_eq!(
        refusal(catalog.documents.install_pack(&restricted, pack("2", vec![], vec![])).await),
        forbidden()
    );
    assert_eq!(refusal(catalog.documents.delete_pack(&restricted, made.uuid).await), forbidden());
    // A device of ours has the device profile.
    let profiles = catalog.documents.pack_members(&ours, made.pack().unwrap());
    let topology = Topology { device_profile: Some(profiles[1].uuid), ..Topology::default() };
    let spec = DeviceSpec::new("d", Protocol::Virtual);
    let device = catalog.devices.create_device_in_topology(&ours, spec, topology).await.unwrap();
    assert_eq!(refusal(catalog.documents.delete_pack(&ours, made.uuid).await).0, Kind::Conflict);
    catalog.devices.delete_device(&ours, device.id).await.unwrap();
    catalog.documents.delete_pack(&ours, made.uuid).await.unwrap();
    assert_eq!((counts(&catalog, &ours), counts(&catalog, &theirs)), ([0, 0, 0], [1, 1, 0]));
}

pub(super) async fn of_concurrent_installations_one_is_made(place: TestDatabase) {
    let catalog = Arc::new(place.open().await);
    let who = admin(&catalog);
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (catalog, who) = (Arc::clone(&catalog), who.clone());
            tokio::spawn(async move {
                let content = pack("1", vec![sensor("a", "1.0", &["t"])], vec![board("a")]);
                catalog.documents.install_pack(&who, content).await.unwrap()
            })
        })
        .collect();
    let mut created = 0;
    for task in tasks {
        created += usize::from(matches!(task.await.unwrap(), PackInstall::Created(_)));
    }
    assert_eq!((created, counts(&catalog, &who)), (1, [1, 1, 1]));
}

/// A pack with a class and a dashboard.
fn with_class(version: &str, color: &str) -> PackContent {
    let class = AnnotationClassSpec {
        key: "fault".to_owned(),
        name: "Fault".to_owned(),
        color: Some(color.to_owned()),
        scopes: vec![ScopeType::Device],
        fields: Vec::new(),
        pack: None,
    };
    let dashboards = vec![DashboardSpec::new("Overview").content()];
    PackContent { annotation_classes: vec![class], dashboards, ..pack(version, vec![], vec![]) }
}

pub(super) async fn classes_are_shared_and_dashboards_are_not(place: TestDatabase) {
    let catalog = place.open().await;
    let who = admin(&catalog);
    let first = install(&catalog, &who, with_class("1", "#112233")).await;
    let members = catalog.documents.pack_members(&who, first.pack().unwrap());
    let [class, dashboard] = &members[..] else { panic!("{members:?}") };
    let owners = (class.annotation_class().unwrap().pack, dashboard.dashboard().unwrap().pack);
    assert_eq!(owners, (Some(first.uuid), Some(first.uuid)));
    let again = catalog.documents.install_pack(&who, with_class("1", "#112233")).await.unwrap();
    assert_eq!(again, PackInstall::Unchanged(Arc::clone(&first)));
    let other = catalog.documents.install_pack(&who, with_class("1", "#445566")).await;
    assert_eq!(refusal(other).0, Kind::Conflict);
    let other = catalog.documents.install_pack(&who, with_class("2", "#445566")).await.unwrap();
    assert!(
        matches!(other, PackInstall::Refused(problems) if problems[0].field == "annotation_classes[0].key")
    );
    let second = install(&catalog, &who, with_class("2", "#112233")).await;
    assert_eq!(catalog.documents.pack_members(&who, second.pack().unwrap())[0].uuid, class.uuid);
    assert_eq!(catalog.documents.documents(&who, DocumentKind::Dashboard).len(), 2);
    for row in [class, dashboard] {
        let at = (row.spec.kind(), row.uuid);
        let change = catalog.documents.update_document(&who, at, None, |spec| match spec {
            DocumentSpec::AnnotationClass(class) => class.pack = None,
            DocumentSpec::Dashboard(dashboard) => dashboard.pack = None,
            _ => {}
        });
        assert_eq!(refusal(change.await).0, Kind::Conflict, "{at:?}");
        assert_eq!(
            refusal(catalog.documents.delete_document(&who, at.0, at.1).await).0,
            Kind::Conflict,
            "{at:?}"
        );
    }
    catalog.documents.delete_pack(&who, first.uuid).await.unwrap();
    let kept = catalog.documents.document(&who, DocumentKind::AnnotationClass, class.uuid).unwrap();
    assert_eq!(kept.annotation_class().unwrap().pack, Some(second.uuid));
    let device = device(&catalog, &who, "d").await.aliases.uuid;
    let annotation = AnnotationSpec {
        class: class.uuid,
        scope_type: ScopeType::Device,
        scope: device,
        start: Micros(0),
        end: None,
        values: serde_json::Map::new(),
        source: AnnotationSource::Manual,
        confidence: None,
        note: None,
    };
    let made = catalog.annotations.create_annotation(&who, annotation, String::new()).await.unwrap();
    assert_eq!(refusal(catalog.documents.delete_pack(&who, second.uuid).await).0, Kind::Conflict);
    let AnnotationChange::Done(made) = made else { panic!("{made:?}") };
    catalog.annotations.delete_annotation(&who, made.uuid).await.unwrap();
    catalog.documents.delete_pack(&who, second.uuid).await.unwrap();
    for kind in [DocumentKind::AnnotationClass, DocumentKind::Dashboard, DocumentKind::Pack] {
        assert!(catalog.documents.documents(&who, kind).is_empty(), "{kind:?}");
    }
    let own = with_class("3", "#112233").annotation_classes.remove(0);
    let own = NewDocument::new(DocumentSpec::AnnotationClass(own));
    catalog.documents.create_documents(&who, vec![own]).await.unwrap();
    let taken = catalog.documents.install_pack(&who, with_class("3", "#112233")).await.unwrap();
    assert!(matches!(taken, PackInstall::Refused(_)), "a pack takes no class of people");
}
