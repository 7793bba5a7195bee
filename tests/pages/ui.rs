//! The web application: what is served below `/ui`, and every page of it used in a real Chromium and compared with SQL.

use serde_json::{Value, json};

use super::{PASSWORD, list, server};
use crate::support::{Server, run_python};

/// Begin of the readings of [`server`].
const NOON: i64 = 1_777_377_600;

#[tokio::test]
async fn every_address_below_ui_is_the_application_under_its_own_policy() {
    let (server, _) = server().await;
    let client = server.client().without_key();
    for path in ["/ui/", "/ui", "/ui/trend?s=1&from=now-1h&to=now", "/ui/devices/7", "/ui/no/such/page"] {
        let (status, headers, page) = client.get(path).await;
        assert_eq!((status, &headers["cache-control"]), (200, &"no-cache".parse().unwrap()), "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        for rule in ["default-src 'none'", "style-src 'self';", "require-trusted-types-for 'script'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        let page = page.as_str().unwrap();
        assert!(page.contains("<div id=\"app\">"), "{path}: was it built without Node.js? {page}");
    }
}

#[tokio::test]
async fn people_who_open_the_root_come_to_the_application() {
    let (server, _) = server().await;
    let client = server.client().without_key();
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let (status, _, page) = client.send("GET", "/", &browser, "").await;
    assert_eq!(status, 200);
    assert!(page.as_str().unwrap().contains("/app.js"), "{page}");
}

#[tokio::test]
async fn scripts_travel_compressed_to_whoever_takes_it_and_are_the_same_for_all() {
    let (server, _) = server().await;
    let client = server.client().without_key();
    let (_, _, page) = client.get("/ui/").await;
    let page = page.as_str().unwrap().to_owned();
    let script = page.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let (status, headers, packed) =
        client.send_bytes("GET", script, &[("accept-encoding", "gzip, deflate")], "").await;
    assert_eq!((status, &headers["content-encoding"]), (200, &"gzip".parse().unwrap()));
    assert_eq!(headers["vary"], "Accept-Encoding");
    let (status, headers, plain) =
        client.send_bytes("GET", script, &[("accept-encoding", "identity")], "").await;
    assert_eq!((status, headers.get("content-encoding")), (200, None));
    let mut inflated = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut inflated).unwrap();
    assert_eq!(inflated, plain);
    assert!(packed.len() * 2 < plain.len(), "{} of {}", packed.len(), plain.len());
}

/// A server with readings, an open event, and somebody who may log in.
async fn plant() -> (Server, i64) {
    let (server, stream) = server().await;
    let args = ["user", "create", "ann", "--superuser", "--password-stdin"];
    server.data_dir.basalt_with(&args, &[], &format!("{PASSWORD}\n")).await.expect_success();
    let event = json!({"kind": "alarm", "level": "critical", "message": "too hot", "data": stream,
        "timestamp": NOON + 10, "url": "http://plant.test/manual"});
    let (status, _, made) = server.client().post("/api/event-log/", &event).await;
    assert_eq!(status, 201, "{made}");
    (server, stream)
}

#[tokio::test]
async fn a_person_uses_every_page_and_sees_what_sql_says() {
    let (server, stream) = plant().await;
    let axe = concat!(env!("CARGO_MANIFEST_DIR"), "/web/node_modules/axe-core/axe.min.js");
    let args = [&server.url, "ann", PASSWORD, &server.key, &stream.to_string(), axe];
    let seen = run_python("browse_ui.py", &args).await;

    let base = server.url.replace("127.0.0.1", "plant.test");
    let own = |url: &str| ["data:", "blob:", &format!("{base}/")].iter().any(|own| url.starts_with(own));
    let foreign: Vec<_> = list(&seen["requests"]).into_iter().filter(|url| !own(url)).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert_eq!(seen["complaints"], json!([]), "{seen}");
    assert_eq!(seen["findings"], json!([]), "what axe found");
    assert_eq!(seen["wide"], json!([]), "no page scrolls sideways");

    assert_eq!(seen["login"]["address"], format!("{base}/ui/"));
    assert!(seen["login"]["refused"].as_str().unwrap().contains("Invalid username or password."), "{seen}");
    let pages = ["Overview", "Live", "Trend", "Events", "Devices", "SQL", "GraphQL", "REST"];
    assert_eq!(seen["overview"]["pages"], json!(pages));
    assert_eq!(seen["live"]["before"], "12");
    assert_eq!(seen["devices"]["names"], json!(["a device", "b device"]));
    assert!(seen["find"]["address"].as_str().unwrap().contains("/ui/"), "{seen}");
    assert_eq!((&seen["leave"]["cookies"], &seen["leave"]["rows"]), (&json!([]), &json!(0)));
    check_trend(&server, stream, &seen["trend"]).await;

    let acknowledged = server.client().sql("SELECT acknowledged FROM events WHERE message = 'too hot'").await;
    assert_eq!(acknowledged, [json!({"acknowledged": true})]);
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
