//! Tests of documents in files: what is exported is imported as it was, and every mistake is told with its line.

use crate::app::App;
use crate::app::inventory::{ImportReport, InventoryFormat};
use crate::app::test_app;
use crate::domain::{Kind, Principal};

const PLANT: &str = r##"devices:
  - name: press
    protocol: virtual
    streams:
      - name: axis.temp
        type: fp64
  - name: oven
    protocol: virtual
documents:
  - kind: dashboard
    name: Overview
    is_default: true
    layout: [{"id": "a", "type": "LINE", "x": 0, "y": 0, "w": 12, "h": 4, "sensors": [{"device": "press",
      "stream": "axis.temp"}], "config": {"interval": "PT5M"}}]
  - kind: annotation_class
    key: state
    name: State
    color: "#1A2B3C"
    scopes: [DEVICE, SENSOR]
    fields: [{"name": "why", "field_type": "ENUM", "required": true, "options": ["wear", "other"]}]
  - kind: pack
    key: base
    version: "1"
    name: Base
    sensor_profiles: [{"key": "env", "name": "Environment", "version": "1.0", "fields": [{"name": "set",
      "value_type": "DOUBLE", "required": false, "writable": true}]}]
    device_profiles: [{"key": "press", "name": "Press", "version": "1.0", "components": [{"key": "axis",
      "name": "Axis", "sensor_profile_key": "env", "sensor_profile_version": "1.0"}], "writable_fields": []}]
  - kind: binding
    target_type: COMPONENT
    target: press/axis
    artefact: limits
  - kind: binding
    target_type: DEVICE_GROUP
    target: Hot
    artefact: limits
  - kind: site
    name: Works
    location: {"lat": 51.5, "lon": 7.5}
    timezone: Europe/Berlin
  - kind: device
    device: press
    tags: [hot]
    site: Works
    device_profile: press@1.0
  - kind: component
    device: press
    key: axis
    name: Axis
    sensor_profile: env@1.0
    metadata: {"rack": 3}
  - kind: device_group
    name: Hot
    tags: [hot]
    devices: [press, oven]
  - kind: artefact
    name: limits
    profile_type: SENSOR_PROFILE
    profile: env@1.0
    content: {"set": 1.5}
"##;

async fn import(app: &App, who: &Principal, text: &str, is_dry: bool) -> ImportReport {
    let report = app.import_inventory(who, InventoryFormat::Yaml, text.to_owned(), is_dry).await;
    report.unwrap_or_else(|error| panic!("{}", error.full_message()))
}

fn export(app: &App, who: &Principal) -> String {
    app.export_inventory(who, InventoryFormat::Yaml).expect("a file")
}

fn system(app: &App) -> Principal {
    app.system(None).expect("the default organization")
}

#[tokio::test]
async fn what_is_exported_is_imported_as_it_was() {
    let ((_dir, first), (_other_dir, second)) = (test_app::open().await, test_app::open().await);
    let (who, other) = (system(&first), system(&second));
    let dry = import(&first, &who, PLANT, true).await;
    assert!(dry.problems.is_empty() && !dry.is_applied, "{dry:?}");
    assert!(export(&first, &who).starts_with("devices: []"), "a dry run changes nothing");
    let report = import(&first, &who, PLANT, false).await;
    assert!(report.is_applied && report.problems.is_empty(), "{report:?}");
    assert_eq!(report.entries, dry.entries, "a dry run says what is done");
    let names: Vec<&str> = report.entries.iter().map(|entry| entry.name.as_str()).collect();
    let documents = [
        "pack base@1",
        "site Works",
        "annotation class state",
        "place of device press",
        "component press/axis",
        "device group Hot",
        "artefact limits",
        "binding limits of COMPONENT press/axis",
        "binding limits of DEVICE_GROUP Hot",
        "dashboard Overview",
    ];
    assert_eq!(names, [&["press", "press / axis.temp", "oven"][..], &documents[..]].concat());

    let file = export(&first, &who);
    import(&second, &other, &file, false).await;
    assert_eq!(export(&second, &other), file);
    for (app, who, text) in [(&first, &who, PLANT), (&second, &other, file.as_str())] {
        let again = import(app, who, text, false).await;
        assert_eq!((again.entries.as_slice(), again.unchanged.documents), (&[][..], documents.len()));
    }
}

#[tokio::test]
async fn a_changed_document_says_which_fields() {
    let (_dir, app) = test_app::open().await;
    let who = system(&app);
    import(&app, &who, PLANT, false).await;
    let changed = PLANT
        .replace("Europe/Berlin", "UTC")
        .replace("{\"set\": 1.5}", "{\"set\": 2}")
        .replace("devices: [press, oven]", "devices: [oven]")
        .replace("\"w\": 12", "\"w\": 6");
    let report = import(&app, &who, &changed, false).await;
    let told: Vec<(String, Vec<String>)> = report
        .entries
        .iter()
        .map(|entry| (entry.name.clone(), entry.fields.iter().map(|field| field.field.clone()).collect()))
        .collect();
    let expected = [
        ("site Works", "timezone"),
        ("device group Hot", "devices"),
        ("artefact limits", "content"),
        ("dashboard Overview", "layout"),
    ];
    assert_eq!(told, expected.map(|(name, field)| (name.to_owned(), vec![field.to_owned()])));
    assert!(report.entries.iter().all(|entry| !entry.is_new));
    let file = export(&app, &who);
    assert!(file.contains("timezone: UTC") && file.contains("\"set\": 2"), "{file}");
}

#[tokio::test]
async fn mistakes_are_told_with_their_line_and_change_nothing() {
    let (_dir, app) = test_app::open().await;
    let who = system(&app);
    let rows = [
        ("  - {kind: plant, name: a}", 2, "documents"),
        ("  - {kind: site, name: a, colour: red}", 2, "documents"),
        ("  - {kind: site}", 2, "documents"),
        ("  - a", 2, "documents"),
        ("  - {kind: site, name: \" \"}", 2, "name"),
        ("  - {kind: site, name: a}\n  - {kind: site, name: a}", 3, "documents"),
        ("  - {kind: component, device: press, key: a, name: A}", 2, "device"),
        ("  - {kind: device_group, name: a, devices: [press]}", 2, "devices"),
        ("  - {kind: annotation_class, key: a, name: a, scopes: []}", 2, "scopes"),
        (
            "  - {kind: dashboard, name: a, layout: [{id: a, type: MAP, x: 0, y: 0, w: 1, h: 1, config: {sensorIds: []}}]}",
            2,
            "layout[0].config.sensorIds",
        ),
        (
            "  - {kind: dashboard, name: a, layout: [{id: a, type: MAP, x: 0, y: 0, w: 1, h: 1, sensors: [{device: a, stream: b}]}]}",
            2,
            "sensors",
        ),
        ("  - {kind: binding, target_type: DEVICE_GROUP, target: a, artefact: b}", 2, "artefact"),
    ];
    for (text, line, column) in rows {
        let report = import(&app, &who, &format!("documents:\n{text}\n"), false).await;
        let found = report.problems.first().unwrap_or_else(|| panic!("no problem in {text}"));
        assert_eq!((found.line, found.column.as_str()), (line, column), "{text}: {found:?}");
        assert!(!report.is_applied && export(&app, &who) == "devices: []\n", "{text}");
    }
}

#[tokio::test]
async fn a_document_that_is_refused_late_says_its_name() {
    let (_dir, app) = test_app::open().await;
    let who = system(&app);
    import(&app, &who, PLANT, false).await;
    let other = PLANT.replace("name: Base", "name: Another");
    let refused = app.import_inventory(&who, InventoryFormat::Yaml, other, false).await;
    let error = refused.expect_err("an installed pack is never changed");
    assert!(error.kind == Kind::Conflict && error.message.starts_with("pack `base@1`: "), "{error:?}");
}
