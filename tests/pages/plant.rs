//! Streams, devices, models and the trend of the web application, used in a real Chromium beside simulated devices.

use serde_json::{Value, json};

use super::{PASSWORD, list, server};
use crate::support::{Server, SimulatorProcess, has_turn, run_python};

/// Somebody who may log in, and a device that is an OPC UA server; its id.
async fn people_and_kiln(server: &Server, opcua: &SimulatorProcess) -> i64 {
    server.create_user("ann", &["--superuser"]).await;
    let kiln = json!({"name": "Kiln", "protocol": "opcua", "host": opcua.url, "poll_interval": 1});
    let kiln = server.client().post("/api/device/", &kiln).await.created();
    kiln["id"].as_i64().expect("a device has an id")
}

#[tokio::test]
async fn a_person_makes_changes_and_removes_what_a_plant_has() {
    if !has_turn("pages", 1, 3) {
        return;
    }
    let (server, stream) = server().await;
    let modbus = SimulatorProcess::start("modbus").await;
    let opcua = SimulatorProcess::start("opcua").await;
    let kiln = people_and_kiln(&server, &opcua).await;
    let root = env!("CARGO_MANIFEST_DIR");
    let file = |path: &str| format!("{root}/{path}");
    let args = [
        server.url.clone(),
        "ann".to_owned(),
        PASSWORD.to_owned(),
        server.key.clone(),
        stream.to_string(),
        modbus.port.to_string(),
        kiln.to_string(),
        file("web/node_modules/axe-core/axe.min.js"),
        file("examples/anomaly/furnace/model.tflite"),
        file("examples/anomaly/furnace/scaler.joblib"),
    ];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let seen = run_python("browse_plant.py", &args).await;

    assert_eq!(seen["complaints"], json!([]), "{seen}");
    assert_eq!(seen["findings"], json!([]), "what axe found");
    assert_eq!(seen["wide"], json!([]), "no page scrolls sideways");
    check_devices(&seen);
    check_states(&seen["states"]);
    check_tags(&seen["tags"]);
    check_models(&seen["models"]);
    check_stream(&seen["stream"]);
    check_trend(&seen["trend"]);
}

/// A device is made with errors at their fields, tried, changed, and goes only when it is named.
fn check_devices(seen: &Value) {
    let wizard = &seen["wizard"];
    assert_eq!(wizard["invalid"], "true", "{wizard}");
    assert!(wizard["test"].as_str().unwrap().contains("Reached"), "{wizard}");
    assert!(!list(&wizard["read"]).is_empty(), "{wizard}");
    assert!(wizard["refused"].as_str().unwrap().contains("zz:0"), "{wizard}");
    let streams = json!([
        {"name": "setpoint", "path": "hr:0", "type": "uint16", "access_mode": "rw"},
        {"name": "speed", "path": "ir:0", "type": "uint16", "access_mode": "r"},
    ]);
    assert_eq!(wizard["streams"], streams);
    assert!(seen["set"].as_str().unwrap().contains("1,200"), "{}", seen["set"]);
    assert_eq!(seen["device"], json!({"interval": 2.5, "unnamed": true, "left": []}));
    let nodes = seen["browse"].as_array().unwrap();
    assert_eq!((nodes.len(), &nodes[0]["unit"]), (1, &json!("rpm")), "{nodes:?}");
    assert!(nodes[0]["path"].as_str().unwrap().starts_with("ns=2;s=values."), "{nodes:?}");
}

/// The bar has every state that the API has, and the share of the time is the same but for the moments between the two.
fn check_states(seen: &Value) {
    let states = list(&seen["states"]);
    assert!(states.contains(&"online"), "{seen}");
    let words = seen["words"].as_str().unwrap();
    assert!(states.iter().all(|state| words.contains(state)), "{seen}");
    let shown: f64 = seen["shown"].as_str().unwrap().trim_end_matches(" %").parse().unwrap();
    let expected = seen["availability"].as_f64().unwrap() * 100.0;
    assert!((shown - expected).abs() < 5.0, "{seen}");
}

/// The plan of a file names its lines and makes nothing; a pasted list makes its one stream, and says why the other line is left out.
fn check_tags(seen: &Value) {
    let [read, lines, streams] = &seen["file"].as_array().unwrap()[..] else { panic!("{seen}") };
    let expected = "Read as a list of the plain form in windows-1252, separated by semicolons.";
    assert_eq!((read, streams), (&json!(expected), &json!([])), "{seen}");
    let lines = list(lines);
    let has_all =
        ["tag 1", "new stream", "ir:1 · uint16 · °C · × 0.1"].iter().all(|text| lines[0].contains(text));
    assert!(lines.len() == 1 && has_all, "{lines:?}");
    let left_out = list(&seen["left_out"]);
    assert!(
        left_out.len() == 1 && left_out[0].contains("tag 3") && left_out[0].contains("zz:0"),
        "{left_out:?}"
    );
    let made = json!([{"name": "tag 2", "path": "ir:2", "type": "uint16", "unit": "", "scale": 1.0}]);
    assert_eq!((&seen["emptied"], &seen["buttons"], &seen["streams"]), (&json!(""), &json!(0), &made));
}

/// A model is uploaded, scores what was stored, is calibrated, gets a version, goes back, and is deleted.
fn check_models(seen: &Value) {
    // Of 61 samples, the last one held; a window has 16.
    assert_eq!(seen["scores"], 46, "{seen}");
    assert!(seen["job"].as_str().unwrap().contains("windows: 46"), "{seen}");
    assert!(seen["selected"].as_str().unwrap().starts_with("2026-04-28T13:00:"), "{seen}");
    assert!(!seen["refused"].as_str().unwrap().is_empty(), "a file that is no model is refused: {seen}");
    assert!(seen["preview"].as_str().unwrap().contains("windows of 16 samples with 2 values"), "{seen}");
    assert_eq!(list(&seen["shares"]).len(), 2, "each source has a share: {seen}");
    assert_eq!(seen["kept"], Value::Null, "a preview changes nothing: {seen}");
    assert!(seen["calibrated"].as_str().unwrap().starts_with("The threshold is"), "{seen}");
    assert!(seen["threshold"].as_f64().unwrap() > 0.0, "{seen}");
    let versions = json!({"version": {"number": 1}, "versions": [{"number": 2}, {"number": 1}]});
    assert_eq!((&seen["version"], &seen["left"]), (&versions, &json!(0)));
}

/// Thirty readings, a gap, nine more; and a retention of ten years.
fn check_stream(seen: &Value) {
    assert_eq!((&seen["gaps"], &seen["readings"]), (&json!(1), &json!(39)), "{seen}");
    assert_eq!(seen["retention"], json!([{"table": "readings", "dropAfter": 315_360_000}]));
}

/// Files begin as their kind does, and the strip moves what is in view to the first reading and on.
fn check_trend(seen: &Value) {
    let files =
        json!([["trend.png", "89504e47"], ["trend.parquet", "50415231"], ["trend.arrows", "ffffffff"]]);
    assert_eq!(seen["files"], files);
    let program = seen["program"].as_str().unwrap();
    assert!(program.contains("/sql") && program.contains("FROM readings"), "{program}");
    assert!(!program.contains("bslt_") || program.contains("bslt_…"), "the key is no part of it: {program}");
    let home = seen["home"].as_str().unwrap();
    assert!(home.contains("from=2026-04-28T12:00:00.000Z"), "{home}");
    assert_ne!(seen["dragged"], seen["home"]);
}
