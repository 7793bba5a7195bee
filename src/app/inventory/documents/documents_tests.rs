//! Tests of documents in files: what is exported is imported as it was, and every mistake is told with its line.

use crate::app::App;
use crate::app::inventory::{ImportReport, InventoryFormat};
use crate::app::test_app;
use crate::domain::{Kind, Principal};
use basalt_fuzz::rows;

const PLANT: &str = r##"devices:
  - name: press
    protocol: virtual
    streams:
      - name: axis.temp
        type: fp64
  - name: oven
    protocol: virtual
documents:
  - kind: reference_pair
    primary_component: press/axis
    reference_component: oven/door
    valid_from: "2026-05-01T00:00:00Z"
  - kind: reference_pair
    name: Spring
    primary_component: press/axis
    reference_component: oven/door
    valid_from: "2026-04-01T00:00:00Z"
    valid_to: "2026-05-01T00:00:00Z"
    metadata: {"by": "lab"}
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
  - kind: component
    device: oven
    key: door
    name: Door
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
    let report = app.inventory.import_inventory(who, InventoryFormat::Yaml, text.to_owned(), is_dry).await;
    report.unwrap_or_else(|error| panic!("{}", error.full_message()))
}

fn export(app: &App, who: &Principal) -> String {
    app.inventory.export_inventory(who, InventoryFormat::Yaml).expect("a file")
}

fn system(app: &App) -> Principal {
    app.access.system(None).expect("the default organization")
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
        "component oven/door",
        "device group Hot",
        "artefact limits",
        "binding limits of COMPONENT press/axis",
        "binding limits of DEVICE_GROUP Hot",
        "dashboard Overview",
        "reference pair oven/door and press/axis from 2026-04-01T00:00:00Z",
        "reference pair oven/door and press/axis from 2026-05-01T00:00:00Z",
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
    let changes: Vec<(String, Vec<String>)> = report
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
    assert_eq!(changes, expected.map(|(name, field)| (name.to_owned(), vec![field.to_owned()])));
    assert!(report.entries.iter().all(|entry| !entry.is_new));
    let file = export(&app, &who);
    assert!(file.contains("timezone: UTC") && file.contains("\"set\": 2"), "{file}");
}

#[tokio::test]
async fn mistakes_are_told_with_their_line_and_change_nothing() {
    let (_dir, app) = test_app::open().await;
    let who = system(&app);
    let rows = rows![
        "  - {kind: plant, name: a}", 2, "documents";
        "  - {kind: site, name: a, colour: red}", 2, "documents";
        "  - {kind: site}", 2, "documents";
        "  - a", 2, "documents";
        "  - {kind: site, name: \" \"}", 2, "name";
        "  - {kind: site, name: a}\n  - {kind: site, name: a}", 3, "documents";
        "  - {kind: component, device: press, key: a, name: A}", 2, "device";
        "  - {kind: device_group, name: a, devices: [press]}", 2, "devices";
        "  - {kind: annotation_class, key: a, name: a, scopes: []}", 2, "scopes";
        "  - {kind: pack, key: a, version: a, name: a, annotation_classes: [{key: a, name: a, scopes: [], fields: []}]}",
            2, "annotation_classes[0].scopes";
        "  - {kind: dashboard, name: a, layout: [{id: a, type: MAP, x: 0, y: 0, w: 1, h: 1, config: {sensorIds: []}}]}",
            2, "layout[0].config.sensorIds";
        "  - {kind: dashboard, name: a, layout: [{id: a, type: MAP, x: 0, y: 0, w: 1, h: 1, sensors: [{device: a, stream: b}]}]}",
            2, "sensors";
        "  - {kind: binding, target_type: DEVICE_GROUP, target: a, artefact: b}", 2, "artefact";
        "  - {kind: reference_pair, primary_component: a/b, reference_component: a/c, valid_from: 2026-05-01}",
            2, "primary_component";
        "  - {kind: reference_pair, primary_component: a/b, reference_component: a/c, valid_from: 1777377600}",
            2, "documents";
    ];
    for (text, line, column) in rows {
        let report = import(&app, &who, &format!("documents:\n{text}\n"), false).await;
        let found = report.problems.first().unwrap_or_else(|| panic!("no problem in {text}"));
        assert_eq!((found.line, found.column.as_str()), (line, column), "{text}: {found:?}");
        assert!(!report.is_applied && export(&app, &who) == "devices: []\n", "{text}");
    }
}

#[tokio::test]
async fn pairs_are_told_apart_by_components_and_begin_and_have_no_time_in_common() {
    let (_dir, app) = test_app::open().await;
    let who = system(&app);
    import(&app, &who, PLANT, false).await;
    // The first one ends earlier now, which makes room for one that the file has before it, with the components swapped.
    let pair = |components: (&str, &str), from: &str, to: &str| {
        let (primary, reference) = components;
        format!(
            "  - {{kind: reference_pair, primary_component: {primary}, reference_component: {reference}, \
             valid_from: {from}, valid_to: {to}}}\n"
        )
    };
    let (one, other) = (("press/axis", "oven/door"), ("oven/door", "press/axis"));
    let [april, later] = [pair(one, "2026-04-01", "2026-04-10"), pair(other, "2026-04-10", "2026-04-20")];
    let report = import(&app, &who, &format!("documents:\n{later}{april}"), false).await;
    assert!(report.is_applied && report.problems.is_empty(), "{report:?}");
    let [changed, new] = report.entries.as_slice() else { panic!("{report:?}") };
    let mut fields: Vec<&str> = changed.fields.iter().map(|field| field.field.as_str()).collect();
    fields.sort_unstable();
    // What the file does not say is removed.
    assert_eq!((changed.is_new, fields), (false, vec!["metadata", "name", "valid_to"]));
    assert!(new.is_new, "{new:?}");
    let swapped = pair(other, "2026-04-01", "2026-04-10");
    let swapped = import(&app, &who, &format!("documents:\n{swapped}"), false).await;
    assert!(swapped.is_applied && !swapped.entries[0].is_new, "{swapped:?}");

    let overlapping = format!(
        "documents:\n{}{}",
        pair(one, "2026-06-01", "2026-07-01"),
        pair(other, "2026-06-30", "2026-08-01")
    );
    let report = import(&app, &who, &overlapping, false).await;
    let found: Vec<_> = report.problems.iter().map(|one| (one.line, one.column.as_str())).collect();
    assert_eq!((report.is_applied, found), (false, vec![(3, "valid_from")]));
    for (wrong, column) in [
        (pair(("press/axis", "press/axis"), "2026-06-01", "2026-07-01"), "reference_component"),
        (pair(one, "2026-06-01", "2026-06-01"), "valid_to"),
    ] {
        let report = import(&app, &who, &format!("documents:\n{wrong}"), false).await;
        let found: Vec<_> = report.problems.iter().map(|one| (one.line, one.column.as_str())).collect();
        assert_eq!(found, [(2, column)], "{wrong}");
    }
    // May has one already, which is seen when this one is put.
    let stored = format!("documents:\n{}", pair(one, "2026-05-02", "2026-05-03"));
    let refused = app.inventory.import_inventory(&who, InventoryFormat::Yaml, stored, false).await;
    assert_eq!(refused.expect_err("it has a common time with a stored one").kind, Kind::Conflict);
}

#[tokio::test]
async fn a_document_that_is_refused_late_says_its_name() {
    let (_dir, app) = test_app::open().await;
    let who = system(&app);
    import(&app, &who, PLANT, false).await;
    let other = PLANT.replace("name: Base", "name: Another");
    let refused = app.inventory.import_inventory(&who, InventoryFormat::Yaml, other, false).await;
    let error = refused.expect_err("an installed pack is never changed");
    assert!(error.kind == Kind::Conflict && error.message.starts_with("pack `base@1`: "), "{error:?}");
}

/// Security review 20: each of them was answered.
#[tokio::test]
async fn of_many_names_that_are_not_there_a_thousand_are_told() {
    let (_dir, app) = test_app::open().await;
    let who = system(&app);
    let names: Vec<String> = (0..3000).map(|n| format!("absent{n}")).collect();
    let text = format!("documents:\n  - {{kind: device_group, name: a, devices: [{}]}}\n", names.join(", "));
    let report = import(&app, &who, &text, true).await;
    assert_eq!((report.problems.len(), report.is_applied), (1000, false));
}
