//! The web application: what is served below `/ui`, and every page of it used in a real Chromium and compared with SQL.

use std::path::Path;

use serde_json::{Value, json};

use super::{AXE, PASSWORD, check_manners, list, plant_url, server, server_with};
use crate::support::{DemoProcess, Server, run_python};

/// Begin of the readings of [`server`].
const NOON: i64 = 1_777_377_600;

#[tokio::test]
async fn the_application_is_at_every_address_under_its_own_policy_and_travels_compressed() {
    let (server, _) = server().await;
    let client = server.client().without_key();
    for path in ["/ui/", "/ui", "/ui/trend?s=1&from=now-1h&to=now", "/ui/devices/7", "/ui/no/such/page"] {
        let (status, headers, page) = client.get(path).await.into_parts();
        assert_eq!((status, &headers["cache-control"]), (200, &"no-cache".parse().unwrap()), "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        for rule in ["default-src 'none'", "style-src 'self';", "require-trusted-types-for 'script'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        let page = page.as_str().unwrap();
        assert!(page.contains("<div id=\"app\">"), "{path}: was it built without Node.js? {page}");
    }

    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let page = client.send("GET", "/", &browser, "").await.ok();
    assert!(page.as_str().unwrap().contains("/app.js"), "{page}");

    let page = client.get("/ui/").await.body;
    let page = page.as_str().unwrap().to_owned();
    let script = page.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let (status, headers, packed) =
        client.send_bytes("GET", script, &[("accept-encoding", "gzip, deflate")], "").await.into_parts();
    assert_eq!((status, &headers["content-encoding"]), (200, &"gzip".parse().unwrap()));
    assert_eq!(headers["vary"], "Accept-Encoding");
    let (status, headers, plain) =
        client.send_bytes("GET", script, &[("accept-encoding", "identity")], "").await.into_parts();
    assert_eq!((status, headers.get("content-encoding")), (200, None));
    let mut inflated = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut inflated).unwrap();
    assert_eq!(inflated, plain);
    assert!(packed.len() * 2 < plain.len(), "{} of {}", packed.len(), plain.len());
}

/// A server with readings, an open event, somebody who may log in, and a place for backups.
async fn plant(backups: &Path) -> (Server, i64) {
    let (server, stream) = server_with(&[("BASALT_BACKUP__DIR", backups.to_str().unwrap())]).await;
    server.create_user("ann", &["--superuser"]).await;
    let event = json!({"kind": "alarm", "level": "critical", "message": "too hot", "data": stream,
        "timestamp": NOON + 10, "url": "http://plant.test/manual"});
    server.client().post("/api/event-log/", &event).await.created();
    (server, stream)
}

#[tokio::test]
async fn a_person_uses_every_page_and_sees_what_sql_says() {
    let backups = tempfile::tempdir().unwrap();
    let (server, stream) = plant(backups.path()).await;
    let args = [&server.url, "ann", PASSWORD, &server.key, &stream.to_string(), AXE];
    let seen = run_python("browse_ui.py", &args).await;

    let base = plant_url(&server);
    check_manners(&base, &seen);
    assert_eq!(seen["findings"], json!([]), "what axe found");
    assert_eq!(seen["wide"], json!([]), "no page scrolls sideways");

    assert_eq!(seen["login"]["address"], format!("{base}/ui/"));
    assert!(seen["login"]["refused"].as_str().unwrap().contains("Invalid username or password."), "{seen}");
    let pages = [
        "Overview", "Live", "Trend", "Events", "Devices", "Models", "Boards", "Rules", "Data", "SQL",
        "System", "Admin", "GraphQL", "REST",
    ];
    assert_eq!(seen["overview"]["pages"], json!(pages));
    assert_eq!(seen["live"]["before"], "12");
    assert_eq!(seen["devices"]["names"], json!(["a device", "b device"]));
    assert!(seen["find"]["address"].as_str().unwrap().contains("/ui/"), "{seen}");
    assert_eq!((&seen["leave"]["cookies"], &seen["leave"]["rows"]), (&json!([]), &json!(0)));
    check_trend(&server, stream, &seen["trend"]).await;
    check_sql(&server, stream, &base, &seen["sql"]).await;
    assert_eq!(seen["system"]["checks"], json!(["Catalog", "Live values and cache", "Disk", "Collectors"]));
    check_backup(&server, backups.path(), &seen["backup"]).await;
    check_admin(&server, &seen["admin"]).await;
    check_boards_and_rules(&server, &seen).await;
    check_transfer(&server, stream, &seen["transfer"]).await;

    assert_eq!(seen["events"]["part"], 1, "a part of the strip shows what was in it: {seen}");
    let query = "SELECT kind, acknowledged, note FROM events \
        WHERE message IN ('too hot', 'the door was open') ORDER BY kind";
    let alarm = json!({"kind": "alarm", "acknowledged": true, "note": "fan replaced"});
    let note = json!({"kind": "note", "acknowledged": false, "note": null});
    assert_eq!(server.client().sql(query).await, [alarm, note]);
}

#[tokio::test]
async fn the_link_of_the_demo_opens_the_overview_with_its_board_and_leaves_no_trace() {
    let demo = DemoProcess::start();
    let (page, token) = demo.link().split_once("#login=").expect("the token is in the fragment");
    let seen = run_python("follow_link.py", &[demo.link(), AXE]).await;
    assert_eq!((&seen["address"], &seen["left"]), (&json!(page), &json!(page)), "{seen}");
    assert!(!seen["referers"].to_string().contains(token), "{seen}");
    assert!(seen["refused"].as_str().unwrap().contains("This link was used or has expired."), "{seen}");
    let found = (&seen["findings"], &seen["wide"]);
    assert_eq!(found, (&json!([]), &json!([])), "what axe found, and what is wide");
}

/// The numbers beside the chart are those of SQL, and ink is where the readings are.
async fn check_trend(server: &Server, stream: i64, seen: &Value) {
    let query = format!(
        "SELECT min(value) AS lo, avg(value) AS mean, max(value) AS hi, rms(value) AS rms, count(value) AS n \
         FROM readings WHERE stream_id = {stream} AND ts < TIMESTAMP '2026-04-28T13:00:00Z'"
    );
    let row = server.client().sql(&query).await.remove(0);
    assert_eq!(row["n"], 25);
    let numbers: Vec<f64> = ["lo", "mean", "hi", "rms"].map(|name| row[name].as_f64().unwrap()).to_vec();
    let shown: Vec<f64> =
        seen["statistics"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    for (shown, number) in shown.iter().zip(&numbers) {
        assert!((shown - number).abs() <= 1e-9 * number.abs(), "{shown:?} is not {number:?}");
    }
    assert_eq!(shown.len(), numbers.len());
    // Fifty seconds are in view; the readings are from the tenth to the thirty-fourth.
    let ink = seen["ink"].as_array().unwrap_or_else(|| panic!("nothing is drawn: {seen}"));
    for (at, expected) in ink.iter().zip([10.0 / 50.0, 34.0 / 50.0]) {
        assert!((at.as_f64().unwrap() - expected).abs() < 0.02, "ink at {ink:?}");
    }
    for gesture in ["panned", "zoomed"] {
        let address = seen[gesture].as_str().unwrap();
        assert!(address.contains(&format!("s={stream}&from=2026-04-28T11:")), "{gesture}: {address}");
    }
    assert_eq!(seen["table"], "26", "each reading and the head");
    assert_eq!(seen["sql_rows"], 25);
    let csv = list(&seen["csv"]);
    assert_eq!((csv.len(), csv[0]), (26, "stream_id,ts,value,quality"), "{csv:?}");
}

/// The page completes, asks, draws, downloads and stops, and finds again what was asked.
async fn check_sql(server: &Server, stream: i64, base: &str, seen: &Value) {
    assert_eq!(seen["address"], format!("{base}/ui/sql"), "/console leads there");
    let queries = server.client().get("/sql/queries").await.body;
    let names: Vec<_> = queries.as_array().unwrap().iter().map(|query| query["name"].clone()).collect();
    assert_eq!(seen["queries"], json!(names));
    assert!(seen["completed"].as_str().unwrap().contains("readings"), "{seen}");
    assert_eq!(seen["head"], json!(["stream_id", "ts", "value"]));
    // The one that the journey wrote before is among them.
    assert_eq!((&seen["rows"], &seen["rows_after_error"]), (&json!(26), &json!(0)), "{seen}");
    assert_eq!(seen["first"], json!([stream.to_string(), "2026-04-28T12:00:00Z", "0"]));
    let files = [("answer.csv", "73747265"), ("answer.parquet", "50415231"), ("answer.arrows", "ffffffff")];
    let files = files.map(|(name, head)| json!({"name": name, "head": head}));
    assert_eq!(seen["files"], json!(files));
    let trend = format!("/ui/trend?s={stream}&from=2026-04-28T12:00:00.000Z&to=");
    assert!(seen["trend"].as_str().unwrap().starts_with(&trend), "{seen}");
    assert!(seen["error"].as_str().unwrap().contains("no column `nothing`"), "{seen}");
    assert_eq!(seen["params"], json!(["stream", "step", "from", "to"]), "{seen}");
    assert_eq!(seen["hourly"], json!(["ts", "n", "mean", "min", "max"]));
    // The statement from the trend explorer is among what was asked.
    assert_eq!((&seen["chart_of_one"], &seen["history"]), (&json!(0), &json!(5)), "{seen}");
}

/// The backup of the page is in its place, and both jobs came to their end.
async fn check_backup(server: &Server, backups: &Path, seen: &Value) {
    let name = seen["name"].as_str().unwrap();
    assert!(backups.join(name).join("backup.json").is_file(), "{seen}");
    let query = "SELECT DISTINCT state FROM jobs WHERE kind NOT IN ('import', 'export', 'score')";
    assert_eq!(server.client().sql(query).await, [json!({"state": "done"})]);
}

/// A secret is shown once, and what was done is in the audit log and the policies.
async fn check_admin(server: &Server, seen: &Value) {
    let secret = seen["secret"].as_str().unwrap();
    assert!(secret.starts_with("bslt_") && seen["secret_again"] == 0, "{seen}");
    assert!(seen["audit"].as_str().unwrap().contains("ann"), "{seen}");
    let query = "SELECT action, kind FROM audit_log WHERE actor_name = 'ann' AND kind IN ('key', 'user') \
        AND outcome = 'ok' ORDER BY id";
    let rows = server.client().sql(query).await;
    let done: Vec<_> = rows.iter().map(|row| (row["action"].as_str(), row["kind"].as_str())).collect();
    let of = |action, kind| (Some(action), Some(kind));
    let expected = [
        of("create", "key"),
        of("revoke", "key"),
        of("create", "user"),
        of("update", "user"),
        of("delete", "user"),
    ];
    assert_eq!(done, expected);
    let query = json!({"query": "{ retention { table dropAfter } }"});
    let answer = server.client().post("/graphql", &query).await.body;
    let kept = json!({"table": "readings", "dropAfter": 315_360_000});
    assert_eq!(answer["data"]["retention"][0], kept, "{answer}");
}

/// The board is as it was arranged, nobody's work went unasked, and the rule is as it was edited.
async fn check_boards_and_rules(server: &Server, seen: &Value) {
    assert_eq!(seen["boards"]["theirs"]["dashboard"]["name"], "Hall 2, theirs", "{seen}");
    assert!(seen["boards"]["conflict"].as_str().unwrap().contains("Somebody else has saved"), "{seen}");
    assert_eq!(seen["boards"]["kept"], "Hall 2, mine");
    let query = "{ dashboards { nodes { name layout { id type x h } } } \
        alertRules { nodes { name threshold severity version } } }";
    let answer = server.client().post("/graphql", &json!({ "query": query })).await.body;
    let dashboard = &answer["data"]["dashboards"]["nodes"][0];
    assert_eq!(dashboard["name"], "Hall 2, mine", "{answer}");
    let widgets = dashboard["layout"].as_array().unwrap();
    let of = |id: &str| {
        widgets.iter().find(|widget| widget["id"] == id).unwrap_or_else(|| panic!("{id}: {dashboard}"))
    };
    let types: Vec<_> =
        ["w1", "w2", "w3", "w4", "w5"].iter().map(|id| of(id)["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["STAT", "LINE", "TABLE", "TEXT", "TABLE"]);
    assert!(of("w1")["x"].as_i64().unwrap() > 3, "the mouse has moved it: {dashboard}");
    assert_eq!(of("w4")["h"], 4, "the keyboard has made it higher: {dashboard}");
    let rule = json!({"name": "too hot", "threshold": 10.5, "severity": "WARNING", "version": 2});
    assert_eq!(answer["data"]["alertRules"]["nodes"], json!([rule]), "{answer}");
    let rule = &seen["rules"]["rule"];
    assert_eq!(rule, &json!(["a", "each value above 10.5", "▲ warning"]));
}

/// Checks that a file imported over a broken connection is there once, and that an export has what SQL has.
async fn check_transfer(server: &Server, stream: i64, seen: &Value) {
    assert_eq!(seen["mapped"], "a (a device)");
    let is_told = seen["said"].as_str().unwrap().starts_with("70,000 readings written, 1 lines left out");
    assert!(is_told, "{seen}");
    assert_eq!(seen["wrong"], json!(["soon,1,left out"]));
    let query = format!(
        "SELECT count(*) AS n, min(value) AS least, max(value) AS most FROM readings \
         WHERE stream_id = {stream} AND ts >= TIMESTAMP '2026-04-29T12:00:00Z'"
    );
    assert_eq!(server.client().sql(&query).await, [json!({"n": 70_000, "least": 0.0, "most": 17_499.75})]);
    let jobs = server.client().sql("SELECT kind, state, progress FROM jobs WHERE kind = 'import'").await;
    assert_eq!(jobs, [json!({"kind": "import", "state": "done", "progress": 1.0})]);
    let exported = list(&seen["exported"]);
    assert_eq!((exported.len(), exported[0]), (26, "ts,stream,stream_id,value,text,quality"), "{exported:?}");
}
