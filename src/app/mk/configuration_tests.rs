//! Tests of artefacts, bindings, desired states and reports over an application.

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::*;
use crate::app::mk::device::PlatformDevice;
use crate::app::{App, test_app};
use crate::domain::Kind;
use crate::domain::document::{
    ComponentSpec, DeviceGroupSpec, DocumentSpec, ProfileField, SensorProfileSpec, ValueType,
};

/// A device with one component of a profile, in one group.
struct Plant {
    _dir: TempDir,
    app: Arc<App>,
    who: Principal,
    profile: Uuid,
    device: DeviceId,
    device_uuid: Uuid,
    group: Uuid,
    component: Uuid,
}

fn field(name: &str, writable: bool) -> ProfileField {
    ProfileField { min: Some(0.0), max: Some(10.0), writable, ..ProfileField::new(name, ValueType::Double) }
}

impl Plant {
    async fn new() -> Plant {
        let (dir, app) = test_app::open().await;
        let who = app.access.system(None).unwrap();
        let create = async |spec| app.documents.create_document(&who, spec).await.unwrap().uuid;
        let profile = SensorProfileSpec {
            key: "env.temp".to_owned(),
            name: "Temperature".to_owned(),
            version: "1.0".parse().unwrap(),
            fields: vec![field("rate", true), field("temperature", false)],
            pack: None,
        };
        let profile = create(DocumentSpec::SensorProfile(profile)).await;
        let new = PlatformDevice { name: "d".to_owned(), tags: vec!["hot".to_owned()], ..Default::default() };
        let device = app.mk.devices.create_platform_device(&who, new).await.unwrap().device;
        let group =
            DeviceGroupSpec { name: "g".to_owned(), tags: vec!["hot".to_owned()], ..Default::default() };
        let group = create(DocumentSpec::DeviceGroup(group)).await;
        let component = ComponentSpec {
            device: device.id,
            key: "c".to_owned(),
            name: "C".to_owned(),
            sensor_profile: Some(profile),
            metadata: Map::new(),
        };
        let component = create(DocumentSpec::Component(component)).await;
        let (device, device_uuid) = (device.id, device.aliases.uuid);
        Plant { _dir: dir, app: Arc::new(app), who, profile, device, device_uuid, group, component }
    }

    fn spec(&self, name: &str, content: Value) -> ArtefactSpec {
        ArtefactSpec {
            name: name.to_owned(),
            profile_type: ProfileType::SensorProfile,
            profile: self.profile,
            content: ArtefactContent::Inline(content.as_object().cloned().unwrap_or_default()),
        }
    }

    async fn artefact(&self, name: &str, rate: f64) -> Uuid {
        let spec = self.spec(name, json!({"rate": rate}));
        self.app.mk.configurations.create_artefact(&self.who, spec, "key_1".to_owned()).await.unwrap().uuid
    }

    async fn bind(&self, target_type: TargetType, target: Uuid, artefact: Uuid) -> Result<Uuid> {
        let id = Uuid::new_v4();
        self.app
            .mk
            .configurations
            .put_binding(&self.who, id, BindingSpec { target_type, target, artefact })
            .await
            .map(|_| id)
    }

    async fn report(&self, artefact: Uuid, version: u32, status: &str) -> ReportOutcome {
        let report =
            json!({"artefacts": [{"id": artefact, "version": version, "status": status, "hash": "ab"}]});
        let bytes = report.to_string();
        self.app
            .mk
            .configurations
            .report_configuration(&self.who, self.device, bytes.as_bytes())
            .await
            .unwrap()
    }

    fn status(&self, binding: Uuid) -> (BindingStatus, Option<u32>) {
        let overview = self.app.mk.configurations.binding(&self.who, binding).unwrap();
        (overview.status, overview.report.map(|report| report.version))
    }
}

#[tokio::test]
async fn a_name_has_versions_and_every_mistake_of_a_content_is_told() {
    let plant = Plant::new().await;
    for version in 1..=3 {
        let created = plant.artefact("sampling", f64::from(version)).await;
        let row = plant.app.documents.document(&plant.who, DocumentKind::Artefact, created).unwrap();
        let artefact = row.artefact().unwrap();
        assert_eq!((artefact.version, artefact.created_by.as_str()), (version, "key_1"));
        assert_eq!(artefact.sha256.len(), 64);
    }
    let wrong = plant.spec("sampling", json!({"rate": 11, "temperature": 1, "speed": 1}));
    match plant.app.mk.configurations.create_artefact(&plant.who, wrong, String::new()).await {
        Err(ArtefactRefusal::Content(problems)) => assert_eq!(problems.len(), 3, "{problems:?}"),
        other => panic!("{other:?}"),
    }
    let unknown = ArtefactSpec { profile: Uuid::nil(), ..plant.spec("", json!({})) };
    match plant.app.mk.configurations.create_artefact(&plant.who, unknown, String::new()).await {
        Err(ArtefactRefusal::Failed(error)) => {
            let fields: Vec<_> = error.fields.iter().map(|problem| problem.field.as_ref()).collect();
            assert_eq!(fields, ["name", "profile"]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_device_has_what_is_bound_most_specifically() {
    let plant = Plant::new().await;
    let mut expected_last = None;
    for (target_type, target) in [
        (TargetType::SensorProfile, plant.profile),
        (TargetType::DeviceGroup, plant.group),
        (TargetType::Device, plant.device_uuid),
        (TargetType::Component, plant.component),
    ] {
        let binding = plant.bind(target_type, target, plant.artefact("a", 1.0).await).await.unwrap();
        let desired = plant.app.mk.configurations.desired_configuration(&plant.who, plant.device).unwrap();
        let found: Vec<_> = desired.iter().map(|row| (row.binding_id, row.component)).collect();
        assert_eq!(found, [(binding, Some(plant.component))], "{target_type:?}");
        expected_last = Some(desired[0].artefact.uuid);
    }
    let document = plant.app.mk.configurations.desired_document(&plant.who, plant.device).await.unwrap();
    let shown = &document["artefacts"][0];
    assert_eq!(shown["id"], json!(expected_last));
    assert_eq!(shown["content"], json!({"rate": 1.0}));
    assert_eq!(shown["version"], json!(4), "every binding of the name wants the newest version");
}

#[tokio::test]
async fn a_target_has_one_binding_of_a_name_and_an_artefact_in_use_stays() {
    let plant = Plant::new().await;
    let artefact = plant.artefact("a", 1.0).await;
    let binding = plant.bind(TargetType::DeviceGroup, plant.group, artefact).await.unwrap();
    let again = plant.bind(TargetType::DeviceGroup, plant.group, artefact).await;
    assert_eq!(again.unwrap_err().kind, Kind::Conflict);
    let unknown = plant.bind(TargetType::Device, Uuid::nil(), Uuid::nil()).await.unwrap_err();
    let fields: Vec<_> = unknown.fields.iter().map(|problem| problem.field.as_ref()).collect();
    assert_eq!(fields, ["artefact", "target"]);
    for (kind, id) in [(DocumentKind::Artefact, artefact), (DocumentKind::SensorProfile, plant.profile)] {
        let refused = plant.app.documents.delete_document(&plant.who, kind, id).await;
        assert_eq!(refused.unwrap_err().kind, Kind::Conflict, "{kind:?}");
    }
    plant.app.documents.delete_document(&plant.who, DocumentKind::DeviceGroup, plant.group).await.unwrap();
    assert_eq!(plant.app.mk.configurations.binding(&plant.who, binding).unwrap_err().kind, Kind::NotFound);
    plant.app.documents.delete_document(&plant.who, DocumentKind::Artefact, artefact).await.unwrap();
}

#[tokio::test]
async fn reports_move_a_binding_on_and_late_ones_are_ignored() {
    use BindingStatus::{Accepted, InProgress, Pending};
    let plant = Plant::new().await;
    let first = plant.artefact("a", 1.0).await;
    let binding = plant.bind(TargetType::DeviceGroup, plant.group, first).await.unwrap();
    assert_eq!(plant.status(binding), (Pending, None));
    plant.report(first, 1, "IN_PROGRESS").await;
    assert_eq!(plant.status(binding), (InProgress, Some(1)));
    plant.report(first, 1, "ACCEPTED").await;
    let repeat = plant.report(first, 1, "FAILED").await;
    assert_eq!((plant.status(binding), repeat.stored), ((Accepted, Some(1)), 0));
    let second = plant.artefact("a", 2.0).await;
    assert_eq!(plant.status(binding), (Pending, Some(1)), "a new version returns it to PENDING");
    for (artefact, version) in [(first, 1), (first, 2), (second, 1)] {
        assert_eq!(plant.report(artefact, version, "ACCEPTED").await.stored, 0, "{version}");
    }
    plant.report(second, 2, "ACCEPTED").await;
    assert_eq!(plant.status(binding), (Accepted, Some(2)));
    let malformed = plant
        .app
        .mk
        .configurations
        .report_configuration(&plant.who, plant.device, b"{\"artefacts\":[1]}")
        .await;
    assert_eq!(malformed.unwrap(), ReportOutcome { stored: 0, malformed: 1 });
}

#[tokio::test]
async fn a_follower_is_told_of_what_concerns_its_device() {
    let plant = Plant::new().await;
    let who = Arc::new(plant.who.clone());
    let mut feed = plant.app.mk.configurations.follow_desired_configuration(who, plant.device).unwrap();
    assert_eq!(feed.next().await.unwrap()["artefacts"], json!([]));
    let first = plant.artefact("a", 1.0).await;
    plant.bind(TargetType::Device, plant.device_uuid, first).await.unwrap();
    assert_eq!(feed.next().await.unwrap()["artefacts"][0]["id"], json!(first));
    // Neither another name nor a report changes what is desired; a new version does.
    plant.artefact("b", 1.0).await;
    plant.report(first, 1, "ACCEPTED").await;
    let second = plant.artefact("a", 2.0).await;
    assert_eq!(feed.next().await.unwrap()["artefacts"][0]["id"], json!(second));
}
