//! Documents of the MK platform and quarantined readings that would give themselves away, and who sees which of them.

use basalt::app::mk::packs::PackOutcome;
use basalt::domain::configuration::artefact::{ArtefactContent, ArtefactSpec, ProfileType};
use basalt::domain::configuration::binding::{BindingSpec, TargetType};
use basalt::domain::document::{
    ComponentSpec, DeviceGroupSpec, DocumentSpec, PackContent, ProfileField, ProfileVersion,
    SensorProfileSpec, SiteSpec, ValueType,
};
use basalt::domain::quarantine::{Mistake, QuarantineEntry, QuarantineFilter, QuarantineReason};
use basalt::domain::{DeviceId, Micros, Principal};
use serde_json::{Map, json};
use uuid::Uuid;

use super::fixture::{IsolationFixture, SECRET};
use super::platform_rows;
use crate::graphql::data;
use crate::in_process::{NOW, TestDb, TestEnv};
use crate::support::{Client, rows};

/// A component with nothing but its names.
pub fn component(device: DeviceId, key: &str, name: &str) -> DocumentSpec {
    let (key, name) = (key.to_owned(), name.to_owned());
    DocumentSpec::Component(ComponentSpec { device, key, name, sensor_profile: None, metadata: Map::new() })
}

/// Gives a device a component and a quarantined reading, which are seen with the device.
pub async fn plant(env: &TestEnv, db: &TestDb, who: &Principal, device: DeviceId, word: &str) {
    db.app().documents.create_document(who, component(device, word, word)).await.unwrap();
    quarantine(env, who, device, word).await;
}

/// Gives an organization a site and a group, which all of its callers see.
pub async fn plant_shared(db: &TestDb, who: &Principal, devices: &[DeviceId], word: &str) {
    let group =
        DeviceGroupSpec { name: word.to_owned(), devices: devices.to_vec(), ..DeviceGroupSpec::default() };
    let app = db.app();
    app.documents.create_document(who, DocumentSpec::Site(SiteSpec::new(word))).await.unwrap();
    app.documents.create_document(who, DocumentSpec::DeviceGroup(group)).await.unwrap();
}

async fn quarantine(env: &TestEnv, who: &Principal, device: DeviceId, word: &str) {
    let mistake = Mistake::new(QuarantineReason::Malformed, "payload", word);
    let entry = QuarantineEntry::new(&mistake, word, word.as_bytes(), Micros(NOW));
    env.catalog
        .quarantine
        .quarantine(who, vec![QuarantineEntry { device: Some(device), ..entry }])
        .await
        .unwrap();
}

/// Gives a device one row of each kind; their UUIDs by the placeholders of requests.
pub async fn identifiers(
    world: &IsolationFixture,
    who: &Principal,
    device: DeviceId,
    word: &str,
) -> Vec<(&'static str, String)> {
    let (app, catalog) = (world.db.app(), &world.env.catalog);
    let name = format!("{word} {device}");
    let site = app.documents.create_document(who, DocumentSpec::Site(SiteSpec::new(&name))).await.unwrap();
    let group = DeviceGroupSpec { name: name.clone(), devices: vec![device], ..DeviceGroupSpec::default() };
    let group = app.documents.create_document(who, DocumentSpec::DeviceGroup(group)).await.unwrap();
    let component = app.documents.create_document(who, component(device, "part", &name)).await.unwrap();
    let field = ProfileField { writable: true, ..ProfileField::new("set", ValueType::Double) };
    let profile = SensorProfileSpec {
        key: format!("{word}.{device}"),
        name: name.clone(),
        version: ProfileVersion { major: 1, minor: 0 },
        fields: vec![field],
        pack: None,
    };
    let content = PackContent {
        key: format!("{word}.{device}"),
        version: "1".to_owned(),
        name: name.clone(),
        sensor_profiles: vec![profile],
        device_profiles: Vec::new(),
        ..PackContent::default()
    };
    let PackOutcome::Created(pack) = app.mk.packs.install_pack(who, content).await.unwrap() else {
        panic!("the pack is new")
    };
    let profile = pack.members[0].uuid;
    let content = json!({"set": 1.0}).as_object().cloned().unwrap();
    let artefact = ArtefactSpec {
        name,
        profile_type: ProfileType::SensorProfile,
        profile,
        content: ArtefactContent::Inline(content),
    };
    let artefact = app.mk.configurations.create_artefact(who, artefact, word.to_owned()).await.unwrap();
    let target = catalog.devices.device(who, device).unwrap().aliases.uuid;
    let binding = BindingSpec { target_type: TargetType::Device, target, artefact: artefact.uuid };
    let (binding, _) = app.mk.configurations.put_binding(who, Uuid::new_v4(), binding).await.unwrap();
    quarantine(&world.env, who, device, word).await;
    let own = QuarantineFilter { device: Some(device), newest_first: true, ..QuarantineFilter::default() };
    let quarantined = catalog.quarantine.quarantined(who, &own).await.unwrap().remove(0);
    [
        ("{site}", site.uuid),
        ("{group}", group.uuid),
        ("{component}", component.uuid),
        ("{pack}", pack.document.uuid),
        ("{profile}", profile),
        ("{artefact}", artefact.uuid),
        ("{binding}", binding.document.uuid),
        ("{quarantined}", quarantined.uuid),
    ]
    .map(|(name, uuid)| (name, uuid.to_string()))
    .into()
}

/// Identifiers that no row has.
pub fn identifiers_of_nothing() -> Vec<(&'static str, String)> {
    let names = rows![
        "{site}"; "{group}"; "{component}"; "{pack}"; "{profile}"; "{artefact}"; "{binding}"; "{quarantined}";
        "{sensor}";
    ];
    let names = names.into_iter().chain(platform_rows::NAMES);
    let uuid = |index: usize| format!("22222222-2222-4222-8222-2222222222{index:02}");
    names.enumerate().map(|(index, name)| (name, uuid(index))).collect()
}

async fn names(client: &Client, query: &str) -> Vec<String> {
    let rows = client.sql(query).await;
    rows.iter().map(|row| row["name"].as_str().unwrap_or_else(|| panic!("{row}")).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_and_quarantine_are_seen_with_their_device() {
    let world = IsolationFixture::new().await;
    for (place, client) in world.restricted().await {
        assert_eq!(names(&client, "SELECT name FROM components").await, ["own"], "{place}");
        assert_eq!(names(&client, "SELECT name FROM sites").await, ["own"], "{place}");
        let kinds = "SELECT DISTINCT kind AS name FROM documents ORDER BY 1";
        let expected = ["annotation_class", "component", "device_group", "site"];
        assert_eq!(names(&client, kinds).await, expected, "{place}");
        // The group names every device of the organization, and says so to nobody who does not see them.
        let group = client.sql("SELECT body FROM documents WHERE kind = 'device_group'").await;
        let body: serde_json::Value = serde_json::from_str(group[0]["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["devices"], json!([world.own_device.0]), "{place}");
        let query = "{ components { totalCount nodes { name device { name } } } sites { nodes { name } }
            deviceGroups { nodes { devices { totalCount nodes { name } } } } registrationTokens { totalCount } }";
        let expected = json!({
            "components": {"totalCount": 1, "nodes": [{"name": "own", "device": {"name": "own"}}]},
            "sites": {"nodes": [{"name": "own"}]},
            "deviceGroups": {"nodes": [{"devices": {"totalCount": 1, "nodes": [{"name": "own"}]}}]},
            "registrationTokens": {"totalCount": 0},
        });
        assert_eq!(data(&client, query, json!({})).await, expected, "{place}");
    }
    // A payload may hold values of all streams of its device.
    let [(_, by_device), (_, by_stream)] = world.restricted().await;
    let quarantined = "SELECT payload AS name FROM quarantine";
    assert_eq!(names(&by_device, quarantined).await, ["own"]);
    assert_eq!(names(&by_stream, quarantined).await, [""; 0]);
    let query = "{ quarantinedReadings { totalCount nodes { payload device { name } } } }";
    for (client, expected) in [
        (by_device, json!({"totalCount": 1, "nodes": [{"payload": "own", "device": {"name": "own"}}]})),
        (by_stream, json!({"totalCount": 0, "nodes": []})),
    ] {
        assert_eq!(data(&client, query, json!({})).await["quarantinedReadings"], expected);
    }
    let foreign = world.foreign_key().await;
    assert!(names(&foreign, "SELECT name FROM documents").await.iter().all(|name| !name.contains("own")));
    assert_eq!(names(&foreign, "SELECT name FROM sites").await, [format!("{SECRET} shared")]);
    assert_eq!(names(&foreign, quarantined).await, [SECRET; 2]);
}
