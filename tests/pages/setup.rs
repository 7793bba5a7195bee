//! Setup in the pages of more than devices and a receiver of notifications; and the pages without a
//! mouse, in colours of the reader, with less motion, at 200 %, and left open.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{AXE, PASSWORD, check_manners, list, plant_url, server_with};
use crate::support::{OpcuaServer, Server, SimulatorProcess, free_port, has_turn, rows, run_python};

/// Seconds that the simulated motor has run: 4,321 hours when the simulator starts, and less than one here.
const RUNNING_TIME: std::ops::Range<i64> = 15_555_600..15_559_200;

/// Pages of the navigation, for somebody who may do everything.
const PAGES: [&str; 12] = rows![
    "/ui/"; "/ui/live"; "/ui/trend"; "/ui/events"; "/ui/devices"; "/ui/models"; "/ui/boards"; "/ui/rules"; "/ui/data";
    "/ui/sql"; "/ui/system"; "/ui/admin";
];

/// Most bytes by which the heap of a page may grow in fifteen seconds of values that come.
const MOST_GROWTH: i64 = 10_000_000;

#[tokio::test]
async fn what_a_person_sets_up_works() {
    if !has_turn("pages", 2, 3) {
        return;
    }
    let (server, _) = server_with(&[("BASALT_PROCESS__ALLOW_PRIVATE", "127.0.0.1")]).await;
    server.create_user("ann", &["--superuser"]).await;
    let modbus = SimulatorProcess::start("modbus").await;
    let plant = SimulatorProcess::start("opcua").await;
    let mut kiln = OpcuaServer::start(free_port()).await;
    kiln.run_command(&json!({"trust_clients": true}));
    let file = |name: &str| format!("{}/examples/anomaly/furnace/{name}", env!("CARGO_MANIFEST_DIR"));
    let silent = free_port();
    let args = [
        server.url.clone(),
        "ann".to_owned(),
        PASSWORD.to_owned(),
        server.key.clone(),
        modbus.port.to_string(),
        silent.to_string(),
        plant.url.clone(),
        format!("opc.tcp://127.0.0.1:{}/plant", kiln.port),
        file("model.tflite"),
        file("scaler.joblib"),
    ];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let seen = run_python("browse_setup.py", &args).await;

    check_manners(&plant_url(&server), &seen);
    check_modbus(&server, &seen["modbus"], silent).await;
    check_browse(&server, &seen["browse"]).await;
    check_trust(&server, &seen["trust"]).await;
    check_job(&server, &seen["job"]).await;
    check_rule(&server, &seen["rule"]).await;
}

/// A port at which nothing listens is told of, each order of the words is shown, and the chosen one stored.
async fn check_modbus(server: &Server, seen: &Value, silent: u16) {
    let wrong = seen["wrong port"].as_str().unwrap();
    assert!(wrong.contains("Not reached"), "{wrong}");
    assert!(wrong.contains(&format!("127.0.0.1:{silent} failed: connection refused")), "{wrong}");
    assert!(seen["right port"].as_str().unwrap().contains("Reached in"), "{seen}");
    let right = seen["orders"]["cdab"].as_u64().and_then(|value| u32::try_from(value).ok()).unwrap();
    assert!(RUNNING_TIME.contains(&i64::from(right)), "{seen}");
    let swapped = right.rotate_left(16);
    let orders =
        json!({"abcd": swapped, "cdab": right, "badc": right.swap_bytes(), "dcba": swapped.swap_bytes()});
    assert_eq!(seen["orders"], orders);
    assert_eq!(seen["taken"], json!([["uint32", "abcd"], ["uint32", "cdab"]]), "a click takes what it says");

    let query = "SELECT s.path, s.type, s.metadata, CAST(min(r.value) AS BIGINT) AS lo, \
        CAST(max(r.value) AS BIGINT) AS hi FROM streams s JOIN readings r ON r.stream_id = s.id \
        WHERE s.name = 'running time' GROUP BY 1, 2, 3";
    let stored = server.client().sql(query).await.remove(0);
    assert_eq!((&stored["path"], &stored["type"]), (&json!("ir:5"), &json!("uint32")));
    assert_eq!(stored["metadata"], r#"{"wordorder":"cdab"}"#);
    let (lo, hi) = (stored["lo"].as_i64().unwrap(), stored["hi"].as_i64().unwrap());
    assert!(i64::from(right) <= lo && RUNNING_TIME.contains(&hi), "{stored}");
    // Six digits are shown.
    let shown = seen["shown"].as_i64().unwrap();
    assert!((lo - 50..=hi + 50).contains(&shown), "{shown} is none of {stored}");
}

/// Twenty nodes of the plant are streams, and each has a value.
async fn check_browse(server: &Server, seen: &Value) {
    assert_eq!(seen["values"], true, "{seen}");
    let query = format!(
        "SELECT s.path, count(r.value) > 0 AS has_values FROM streams s LEFT JOIN readings r \
         ON r.stream_id = s.id WHERE s.device_id = {} GROUP BY 1 ORDER BY 1",
        seen["device"]
    );
    let streams = server.client().sql(&query).await;
    assert_eq!(streams.len(), 20, "{streams:?}");
    for stream in &streams {
        let path = stream["path"].as_str().unwrap();
        let machine = path.strip_prefix("ns=2;s=").and_then(|name| name.split('.').next());
        assert!(matches!(machine, Some("motor" | "tank" | "furnace")), "{path}");
        assert_eq!(stream["has_values"], true, "{path}");
    }
}

/// The certificate was told of by its fingerprint before anything was read, and is trusted since.
async fn check_trust(server: &Server, seen: &Value) {
    let [state, fingerprint] = list(&seen["certificate"])[..] else { panic!("{seen}") };
    assert_eq!(state, "Not decided: CN=Plant peer,CN=urn:basalt:peer");
    assert!(fingerprint.len() == 40 && fingerprint.chars().all(|c| c.is_ascii_hexdigit()), "{fingerprint}");
    for member in ["test", "error"] {
        let error = seen[member].as_str().unwrap();
        assert!(error.contains("its certificate is not trusted") && error.contains(fingerprint), "{error}");
    }
    assert_eq!(seen["errors"], 0, "no error is left: {seen}");
    let listed = server.basalt(&["opcua", "certificates"]).await.expect_success();
    assert!(listed.contains(&format!("trusted   {fingerprint}  CN=Plant peer")), "{listed}");
    let query = "SELECT DISTINCT r.value FROM readings r JOIN streams s ON s.id = r.stream_id \
        WHERE s.name = 'double' AND r.value IS NOT NULL";
    assert_eq!(server.client().sql(query).await, [json!({"value": -1234.5678})]);
}

/// The job ended where it was, with a part of its range done.
async fn check_job(server: &Server, seen: &Value) {
    assert_eq!((&seen["shown"], &seen["goes on"]), (&json!(1), &json!(0)), "{seen}");
    let query = format!(
        "SELECT state, progress > 0 AND progress < 1 AS is_part, ended_at IS NOT NULL AS has_ended, error \
         FROM jobs WHERE kind = 'score' AND model_id = {}",
        seen["model"]
    );
    let cancelled = json!({"state": "cancelled", "is_part": true, "has_ended": true, "error": null});
    assert_eq!(server.client().sql(&query).await, [cancelled]);
}

/// The channel was tried, and told of each of two alerts when it fired and when it was resolved.
async fn check_rule(server: &Server, seen: &Value) {
    let hooks = seen["hooks"].as_array().unwrap();
    for hook in hooks {
        assert_eq!((&hook["path"], &hook["signed"]), (&json!("/alerts"), &json!(true)), "{hook}");
    }
    let deliveries: BTreeSet<_> = hooks.iter().filter_map(|hook| hook["delivery"].as_str()).collect();
    assert_eq!(deliveries.len(), 5, "{hooks:?}");
    assert_eq!(seen["more"], 0, "{seen}");
    let notifications: Vec<_> = hooks.iter().map(|hook| summary_of(&hook["body"])).collect();
    let fired = |value: f64| json!(["alert.fired", "overheated", "CRITICAL", value, "ACTIVE"]);
    let over = |value: f64| json!(["alert.resolved", "overheated", "CRITICAL", value, "RESOLVED"]);
    let test = json!(["channel.test", "shift"]);
    assert_eq!(notifications, [test, fired(9001.0), over(9001.0), fired(9002.0), over(9002.0)]);

    let query = "SELECT uuid, status, resolved_by FROM events WHERE rule_name = 'overheated' ORDER BY ts";
    let resolved = |hook: &Value| {
        let alert = &hook["body"]["alert"]["id"];
        json!({"uuid": alert, "status": "RESOLVED", "resolved_by": "system"})
    };
    let resolved: Vec<_> = hooks[1..].iter().step_by(2).map(resolved).collect();
    assert_eq!(server.client().sql(query).await, resolved);
}

fn summary_of(body: &Value) -> Value {
    if body["type"] == "channel.test" {
        return json!([body["type"], body["channel"]["name"]]);
    }
    let alert = &body["alert"];
    json!([body["type"], alert["ruleName"], alert["severity"], alert["value"], alert["status"]])
}

#[tokio::test]
async fn the_pages_need_no_mouse_no_colours_of_their_own_and_no_motion() {
    if !has_turn("pages", 2, 3) {
        return;
    }
    // Without a place for backups the page of the system is refused their list.
    let backups = tempfile::tempdir().unwrap();
    let (server, stream) = server_with(&[("BASALT_BACKUP__DIR", backups.path().to_str().unwrap())]).await;
    server.create_user("ann", &["--superuser"]).await;
    let stream_text = stream.to_string();
    let args = [server.url.as_str(), "ann", PASSWORD, &server.key, stream_text.as_str(), AXE];
    let seen = run_python("browse_access.py", &args).await;

    check_manners(&plant_url(&server), &seen);
    check_keys(&server, stream, &seen["trend"]).await;
    assert_eq!(list(&seen["paths"]), PAGES);
    assert_eq!(seen["findings"], json!([]), "what axe found");
    assert_eq!(seen["wide"], json!([]), "no page scrolls sideways");
    let modes = &seen["modes"];
    assert_eq!(modes["unseen"], json!([]), "the keyboard is seen everywhere");
    assert!(modes["fewest"].as_u64() >= Some(8), "Tab goes somewhere: {modes}");
    assert_eq!(modes["pressed"], true, "what is pressed is seen in the reader's colours");
    let moved = &modes["moved"];
    assert!(moved["free"].as_u64() > Some(0), "motion would be noticed: {moved}");
    assert_eq!((&moved["reduced"], &moved["running"]), (&json!(0), &json!(0)), "nothing moves");

    let heap = &seen["heap"];
    let used: Vec<i64> = heap["bytes"].as_array().unwrap().iter().filter_map(Value::as_i64).collect();
    assert!(heap["seconds"].as_f64() >= Some(20.0) && heap["changes"].as_u64() > Some(20), "{heap}");
    assert!(used.len() == 2 && used[1] - used[0] < MOST_GROWTH, "a page that is left open: {heap}");
}

/// Each key changes the address as it should, Back leads back, and nothing needed a mouse.
async fn check_keys(server: &Server, stream: i64, seen: &Value) {
    let address = |chosen: bool, from: &str, to: &str, is_table: bool| {
        let chosen = if chosen { format!("s={stream}&") } else { String::new() };
        let range = format!("from=2026-04-28T{from}.000Z&to=2026-04-28T{to}.000Z");
        let rest = match (chosen.is_empty(), is_table) {
            (true, _) => "",
            (false, false) => "&v=1",
            (false, true) => "&table=1&v=1",
        };
        format!("/ui/trend?{chosen}{range}{rest}")
    };
    let opened = address(false, "11:59:50", "12:00:30", false);
    let chosen = address(true, "11:59:50", "12:00:30", false);
    let panned = address(true, "12:00:00", "12:00:40", false);
    let zoomed = address(true, "12:00:10", "12:00:30", false);
    let as_table = address(true, "12:00:10", "12:00:30", true);
    assert_eq!(list(&seen["addresses"]), [&opened, &chosen, &panned, &zoomed, &as_table, &zoomed]);
    assert_eq!(list(&seen["back"]), [&panned, &chosen, &opened]);
    assert_eq!(seen["mouse"], 0, "no mouse was used");

    // The cursor is a two hundredth of the range after its middle.
    let query = format!(
        "SELECT count(*) AS n, CAST(max(value) FILTER (WHERE ts <= TIMESTAMP '2026-04-28T12:00:20.100Z') \
         AS VARCHAR) AS value FROM readings WHERE stream_id = {stream} \
         AND ts >= TIMESTAMP '2026-04-28T12:00:10Z' AND ts < TIMESTAMP '2026-04-28T12:00:30Z'"
    );
    let row = server.client().sql(&query).await.remove(0);
    assert_eq!(seen["rows"], row["n"]);
    let value = row["value"].as_str().unwrap().trim_end_matches(".0");
    assert_eq!(seen["read"], json!(["20.100", value]));
}
