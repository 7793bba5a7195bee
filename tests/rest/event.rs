//! Endpoints 33 to 39. What is fetched comes from a socket of the test.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Row, check_rows, with_stream};
use crate::support::{Client, Server, rows, with};

const PAGE: &str = "<title>Door</title><p id=price data-value=12.5> 12.50 </p><i>a</i><i>b</i>";

pub(super) fn event(kind: &str, timestamp: &str) -> Value {
    json!({"id": "*", "device": null, "data": null, "kind": kind, "level": "info", "timestamp": timestamp, "message": "",
           "url": "", "payload": {}, "acknowledged": false, "note": null, "acknowledged_at": null,
           "acknowledged_by": null, "created_at": "*"})
}

pub(super) async fn made(client: &Client, body: Value) -> i64 {
    client.create("/api/event-log/", &body).await
}

#[tokio::test]
async fn an_event_lives_from_post_to_delete() {
    let (_server, client, device, data) = with_stream("s", "fp64").await;
    let sent = json!({"device": device, "data": data, "kind": "alarm", "level": "warning", "timestamp": 1_777_377_600,
                      "message": " Door open ", "url": "http://10.0.0.5/status.html", "payload": {"a": [1]}, "id": 77});
    let id = made(&client, sent).await;
    let one = format!("/api/event-log/{id}/");
    let at = "2026-04-28T12:00:00Z";
    let body = json!({"id": id, "device": device, "data": data, "level": "warning", "message": "Door open",
               "url": "http://10.0.0.5/status.html", "payload": {"a": [1]}});
    let whole = with(event("alarm", at), body);
    let patched = with(whole.clone(), json!({"level": "critical", "data": null}));
    let put = json!({"kind": "note", "timestamp": "2026-04-28T12:00:00.5+00:00"});
    check_rows![&client;
        "read_back", "GET", one.clone(), Value::Null, 200, whole.clone();
        "without_the_slash", "GET", format!("/api/event-log/{id}"), Value::Null, 200, whole;
        "patch_merges", "PATCH", one.clone(), json!({"level": "critical", "data": null}), 200, patched.clone();
        "patch_of_nothing", "PATCH", one.clone(), json!({}), 200, patched;
        "put_resets", "PUT", one.clone(), put, 200, event("note", "2026-04-28T12:00:00.500000Z");
        "put_needs_its_kind", "PUT", one.clone(), json!({}), 400, json!({"kind": ["This field is required."]});
        "put_is_now", "PUT", one.clone(), json!({"kind": "now"}), 200, event("now", "*");
        "delete", "DELETE", one.clone(), Value::Null, 204, Value::Null;
        "delete_again", "DELETE", one.clone(), Value::Null, 404, json!({"detail": "Not found."});
        "gone", "GET", one, Value::Null, 404, json!({"detail": "Not found."});
    ];
    let id = made(&client, json!({"device": device, "kind": "kept"})).await;
    client.delete(&format!("/api/device/{device}/")).await.expect(204);
    let left = client.get(&format!("/api/event-log/{id}/")).await.body;
    assert!(super::matches(&left, &event("kept", "*")), "an event outlives its device: {left}");

    let datetime = "Datetime has wrong format. Use one of these formats instead: \
                    YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].";
    let slug = "Enter a valid \"slug\" consisting of letters, numbers, underscores or hyphens.";
    let bad =
        |name, body, expected| -> Row { (name, "POST", "/api/event-log/".to_owned(), body, 400, expected) };
    let url = |text: &str| json!({"kind": "a", "url": text});
    let no_url = json!({"url": ["Enter a valid URL."]});
    check_rows![&client;
        bad(
            "all_at_once",
            json!({"kind": "a b", "level": "loud", "timestamp": "soon", "device": 99, "data": "x", "payload": [],
                   "message": "x".repeat(4001)}),
            json!({
                "kind": [slug],
                "level": ["\"loud\" is not a valid choice."],
                "timestamp": [datetime],
                "device": ["Invalid pk \"99\" - object does not exist."],
                "data": ["Incorrect type. Expected pk value, received str."],
                "payload": ["Expected a dictionary of items but got type \"list\"."],
                "message": ["Ensure this field has no more than 4000 characters."]
            }),
        );
        bad("no_kind", json!({"kind": " "}), json!({"kind": ["This field may not be blank."]}));
        bad("another_scheme", url("ftp://x/"), no_url.clone());
        bad("a_file", url("file:///etc/passwd"), no_url.clone());
        bad("no_host", url("http:///x"), no_url);
        "filters", "GET", "/api/event-log/?device=x&from=soon&limit=10001".into(), Value::Null, 400,
            json!({"device": ["A valid integer is required."], "from": [datetime],
                   "limit": ["Ensure this value is less than or equal to 10000."]});
    ];
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_complete() {
    let (_server, client, device, _) = with_stream("s", "fp64").await;
    let mut ids = Vec::new();
    // More than is read at once, two of each second.
    for n in 0..230 {
        let body = match n % 3 {
            0 => json!({"kind": "alarm", "timestamp": 1000 + n / 2, "device": device}),
            1 => json!({"kind": "note", "timestamp": 1000 + n / 2}),
            _ => json!({"kind": "other", "timestamp": 1000 + n / 2}),
        };
        ids.push(made(&client, body).await);
    }
    let newest: Vec<i64> = (0..115).rev().flat_map(|s| [ids[2 * s], ids[2 * s + 1]]).collect();
    let of = |kinds: &[usize]| -> Vec<i64> {
        (0..230).filter(|n| kinds.contains(&(n % 3))).map(|n| ids[n]).collect()
    };
    let of_device = format!("from=0&device={device}");
    for (name, query, expected) in [
        ("newest_first", "", newest[..100].to_vec()),
        ("past_what_is_read_at_once", "limit=230", newest.clone()),
        ("a_page", "limit=3&offset=150", newest[150..153].to_vec()),
        ("a_range_is_whole_and_oldest_first", "from=1000", ids.clone()),
        ("both_ends_count", "from=1001&to=1002", ids[2..6].to_vec()),
        ("a_range_with_a_limit", "from=1000&limit=120&offset=5", ids[5..125].to_vec()),
        ("backwards", "from=1002&to=1001", vec![]),
        ("of_a_kind", "from=0&kind=alarm", of(&[0])),
        ("of_kinds", "from=0&kind=alarm,%20other", of(&[0, 2])),
        ("of_none", "from=0&kind=nothing", vec![]),
        ("of_a_device", &of_device, of(&[0])),
        ("of_no_device", "from=0&device=999", vec![]),
        ("empty_values_are_absent", "from=&limit=&kind=", newest[..100].to_vec()),
    ] {
        let found = client.get(&format!("/api/event-log/?{query}")).await.about(&name).column("id");
        assert_eq!(found, expected, "{name}");
    }
}

/// Answers by path until the test ends; its address.
pub async fn pages(ip: &str) -> String {
    let listener = TcpListener::bind((ip, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let read = socket.read(&mut request).await.unwrap_or(0);
                let request = String::from_utf8_lossy(&request[..read]).into_owned();
                let path = request.split(' ').nth(1).unwrap_or("/").to_owned();
                let _ = socket.write_all(answer(&path).as_bytes()).await;
            });
        }
    });
    address
}

fn answer(path: &str) -> String {
    let head = |status: &str, headers: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n")
    };
    if let Some(location) = path.strip_prefix("/to/") {
        return head("302 Found", &format!("location: http://{location}\r\n"), 0);
    }
    match path {
        "/page" => head("200 OK", "content-type: text/html; charset=utf-8\r\n", PAGE.len()) + PAGE,
        "/large" => head("200 OK", "", 3 << 20) + &"x".repeat(3 << 20),
        _ => head("500 No", "", 0),
    }
}

async fn process(client: &Client, url: &str, body: Value) -> (i64, u16, Value) {
    let id = made(client, json!({"kind": "a", "url": url, "payload": {"kept": 1}})).await;
    let (status, answer) = client.post(&format!("/api/event-log/{id}/process/"), &body).await.outcome();
    (id, status, answer)
}

#[tokio::test]
async fn an_event_is_processed() {
    let (_server, client) = Server::with_client(&[("BASALT_PROCESS__ALLOW_PRIVATE", "127.0.0.1")]).await;
    let (own, closed) = (pages("127.0.0.1").await, pages("127.0.0.2").await);
    let page = format!("http://{own}/page");
    for (name, body, results) in [
        ("all_of_it", json!({}), json!([PAGE])),
        ("nulls_are_absent", json!({"selector": null, "attr": null}), json!([PAGE])),
        ("a_text", json!({"selector": "#price"}), json!(["12.50"])),
        ("an_attribute", json!({"selector": "#price", "attr": "data-value"}), json!(["12.5"])),
        ("several", json!({"selector": "i"}), json!(["a", "b"])),
        ("none", json!({"selector": "video"}), json!([])),
    ] {
        let (id, status, answer) = process(&client, &page, body.clone()).await;
        let expected = json!({"id": id, "url": page, "status": 200, "content_type": "text/html",
                              "selector": body["selector"], "attr": body["attr"], "results": results});
        assert_eq!((status, &answer), (200, &expected), "{name}");
        let stored = client.get(&format!("/api/event-log/{id}/")).await.body;
        assert_eq!(stored["payload"], json!({"kept": 1, "processed": expected}), "{name}");
    }
    let not_allowed = json!({"url": ["Address is not allowed."]});
    let failed = json!({"detail": "Fetch failed."});
    for (name, url, body, expected_status, expected) in rows![
        "no_url", "".to_owned(), json!({}), 400, json!({"url": ["This event log has no URL."]});
        "no_selector", page.clone(), json!({"selector": "##"}), 400, json!({"selector": ["Invalid CSS selector."]});
        "no_text", page.clone(), json!({"selector": ["p"]}), 400, json!({"selector": ["Not a valid string."]});
        "an_error", format!("http://{own}/no"), json!({}), 502, json!({"detail": "Upstream returned 500."});
        "too_large", format!("http://{own}/large"), json!({}), 502, failed.clone();
        "nobody_there", "http://127.0.0.1:1/".to_owned(), json!({}), 502, failed.clone();
        "no_such_name", "http://nothing.invalid/".to_owned(), json!({}), 502, failed.clone();
        "closed", format!("http://{closed}/page"), json!({}), 400, not_allowed.clone();
        "a_redirect_to_open", format!("http://{own}/to/{own}/page"), json!({"selector": "i"}), 200, json!("*");
        "a_redirect_to_closed", format!("http://{own}/to/{closed}/page"), json!({}), 400, not_allowed.clone();
        "a_redirect_to_private", format!("http://{own}/to/10.0.0.1/"), json!({}), 400, not_allowed.clone();
        "a_redirect_to_metadata", format!("http://{own}/to/169.254.169.254/"), json!({}), 400, not_allowed;
    ] {
        let (id, status, answer) = process(&client, &url, body).await;
        let is_expected = super::matches(&answer, &expected);
        assert!(status == expected_status && is_expected, "{name}: {status} {answer}");
        if status != 200 {
            let stored = client.get(&format!("/api/event-log/{id}/")).await.body;
            assert_eq!(stored["payload"], json!({"kept": 1}), "{name}: nothing is kept");
        }
    }
    let answer = client.post("/api/event-log/999/process/", &json!([])).await;
    answer.about("the event comes before the body").is(404, &json!({"detail": "Not found."}));
}

#[tokio::test]
async fn nothing_of_the_machine_is_fetched_unless_configured() {
    let (_server, client) = Server::with_client(&[]).await;
    let port = pages("127.0.0.1").await.rsplit_once(':').unwrap().1.to_owned();
    for host in rows![
        "127.0.0.1"; "localhost"; "LOCALHOST"; "127.1"; "2130706433"; "0x7f000001"; "[::1]"; "0.0.0.0";
        "[::ffff:127.0.0.1]"; "[64:ff9b::7f00:1]"; "100.64.0.1"; "224.0.0.1";
    ] {
        let (_, status, answer) = process(&client, &format!("http://{host}:{port}/page"), json!({})).await;
        assert_eq!((status, answer), (400, json!({"url": ["Address is not allowed."]})), "{host}");
    }
}
