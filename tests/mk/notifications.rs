//! Notification channels: their rules, their secrets, their test; and deliveries to receivers of every kind.

use std::time::Duration;

use basalt::domain::Clock;
use basalt::domain::time::SystemClock;
use serde_json::{Value, json};

use super::mail_sink::MailSink;
use super::webhook_receiver::{Hook, Receiver};
use super::{Caller, KEY, NO_RATE, NOBODY, Platform, id};
use crate::support::{assert_members, column, eventually, rows, until};

const CHANNELS: &str = "/api/v1/notification-channels";
const SECRET: &str = "hush-5d1a-hush";
/// Longer than every attempt of a delivery with the time between them.
const LIMIT: Duration = Duration::from_secs(120);
/// Only the receivers on this address may be reached.
const OPEN: (&str, &str) = ("BASALT_PROCESS__ALLOW_PRIVATE", "127.0.0.1");

fn webhook(name: &str, url: &str) -> Value {
    json!({"name": name, "type": "WEBHOOK", "config": {"url": url, "secret": SECRET}})
}

fn email(name: &str, to: &[&str]) -> Value {
    json!({"name": name, "type": "EMAIL", "config": {"to": to}})
}

async fn channel(admin: &Caller, body: Value) -> String {
    id(&admin.create(CHANNELS, body).await)
}

/// Tests a channel; the reason why it failed, or nothing.
async fn test(admin: &Caller, channel: &str) -> String {
    let answer = admin.send("POST", &format!("{CHANNELS}/{channel}/test"), &Value::Null).await.ok();
    assert_eq!(answer["success"], json!(answer["error"].is_null()), "{answer}");
    answer["error"].as_str().unwrap_or_default().to_owned()
}

/// Makes a rule with these channels and breaks it; the alert.
async fn alert(admin: &Caller, channels: &[&str]) -> Value {
    let device = admin.make("devices", json!({"name": "Boiler"})).await;
    let sensor = json!({"deviceId": device, "key": "t", "name": "T", "valueType": "DOUBLE"});
    let sensor = admin.make("sensors", sensor).await;
    let rule = json!({
        "name": "Too hot", "sensorId": sensor, "evaluation": "VALUE", "operator": "GT", "threshold": 80,
        "severity": "CRITICAL", "notificationChannelIds": channels,
    });
    admin.create("/api/v1/alert-rules", rule).await;
    let reading = json!({"sensorId": sensor, "timestamp": SystemClock.now().to_iso(), "value": 93.5});
    assert_eq!(admin.status("POST", "/api/v1/readings", &reading).await, 202);
    until!("the alert", LIMIT;
        alert = admin.get("/api/v1/alerts").await.body["content"][0].clone(); alert.is_object())
}

/// The delivery of an alert by a channel.
async fn delivery(admin: &Caller, alert: &str, channel: &str) -> Value {
    let rows = admin.get(&format!("/api/v1/alerts/{alert}/notifications")).await.ok();
    let row = rows.as_array().and_then(|rows| rows.iter().find(|row| row["channelId"] == json!(channel)));
    row.cloned().unwrap_or_else(|| panic!("no delivery by {channel} in {rows}"))
}

/// Waits until the delivery has this status.
async fn ended(admin: &Caller, alert: &str, channel: &str, status: &str) -> Value {
    until!(&format!("{status} by {channel}"), LIMIT;
        row = delivery(admin, alert, channel).await; row["status"] == json!(status))
}

#[tokio::test]
async fn every_mistake_of_a_channel_is_told_at_once() {
    let (_platform, admin) = Platform::with_admin().await;
    let address = "must be an e-mail address such as ops@plant.example";
    for (body, expected) in rows![
        json!({}),
            vec!["config: must not be null".to_owned(), "name: must not be blank".to_owned(), "type: must not be null".to_owned()];
        json!({"name": "a", "type": "SMS", "config": {}}), vec!["type: must be one of EMAIL, WEBHOOK".to_owned()];
        json!({"name": "a", "type": "EMAIL", "config": {}}), vec!["config.to: must not be null".to_owned()];
        email("a", &[]), vec!["config.to: size must be between 1 and 50".to_owned()];
        email(" ", &["a@b.c", "x"]), vec![format!("config.to[1]: {address}"), "name: must not be blank".to_owned()];
        json!({"name": "a", "type": "WEBHOOK", "config": {}}),
            vec!["config.secret: must not be blank".to_owned(), "config.url: must not be blank".to_owned()];
        webhook("a", "ftp://b.example"),
            vec!["config.url: must be a URL that begins with http:// or https://, without a user name and with a port up to 65535".to_owned()];
        webhook(&"x".repeat(256), "http://b.example"), vec!["name: size must be between 1 and 255".to_owned()];
    ] {
        admin.send("POST", CHANNELS, &body).await.has_field_errors(400, &expected);
    }
    for malformed in [
        json!({"name": "a", "type": "EMAIL", "config": []}),
        json!({"name": "a", "type": "EMAIL", "config": {"to": "a@b.c"}}),
        json!({"name": "a", "type": "EMAIL", "config": {"to": ["a@b.c"]}, "enabled": "yes"}),
    ] {
        admin.send("POST", CHANNELS, &malformed).await.has(400, json!({"detail": "Malformed request body"}));
    }
    let first = channel(&admin, email("a", &["a@b.c"])).await;
    assert_eq!(admin.status("POST", CHANNELS, &email("a", &["d@e.f"])).await, 409);
    channel(&admin, email("b", &["a@b.c"])).await;
    assert_eq!(admin.status("PUT", &format!("{CHANNELS}/{first}"), &email("b", &["a@b.c"])).await, 409);
    assert_eq!(admin.status("PUT", &format!("{CHANNELS}/{NOBODY}"), &email("c", &["a@b.c"])).await, 404);
    assert_eq!(admin.status("GET", &format!("{CHANNELS}?sort=config"), &Value::Null).await, 400);
    admin.delete_once(&format!("{CHANNELS}/{first}")).await;
}

#[tokio::test]
async fn a_secret_is_kept_and_shown_nowhere() {
    let platform = Platform::start_with(&[NO_RATE, OPEN]).await;
    let (admin, receiver) = (&platform.admin, Receiver::start("127.0.0.1").await);
    let url = format!("{}/good", receiver.origin);
    let once = [("idempotency-key", "one")];
    let made = admin.send_with("POST", CHANNELS, &once, &webhook("hook", &url)).await.created();
    assert_eq!((&made["config"], &made["enabled"]), (&json!({"url": url}), &json!(true)));
    let path = format!("{CHANNELS}/{}", id(&made));
    assert_eq!(test(admin, &id(&made)).await, "");
    assert!(receiver.hooks("/good")[0].is_signed_with(SECRET));
    assert_eq!(receiver.hooks("/good")[0].json()["type"], json!("channel.test"));
    // A replacement without a secret keeps it, one with a secret changes it, and of an e-mail nothing is left.
    let kept = json!({"name": "renamed", "type": "WEBHOOK", "config": {"url": url}, "enabled": false});
    admin.send("PUT", &path, &kept).await.has(200, json!({"name": "renamed", "enabled": false}));
    assert_eq!(test(admin, &id(&made)).await, "", "what is not enabled can be tested");
    assert!(receiver.hooks("/good")[1].is_signed_with(SECRET));
    let other = json!({"name": "hook", "type": "WEBHOOK", "config": {"url": url, "secret": "hush-other"}});
    assert_eq!(admin.status("PUT", &path, &other).await, 200);
    assert_eq!(test(admin, &id(&made)).await, "");
    assert!(receiver.hooks("/good")[2].is_signed_with("hush-other"));
    assert_eq!(admin.status("PUT", &path, &email("hook", &["a@b.c"])).await, 200);
    assert_eq!(admin.status("PUT", &path, &kept).await, 400, "there is none to keep");
    assert_eq!(admin.status("PUT", &path, &webhook("hook", &url)).await, 200);

    let mut shown = String::new();
    for place in [path.as_str(), CHANNELS, "/api/v3/api-docs"] {
        shown.push_str(&admin.get(place).await.body.to_string());
    }
    let again = admin.send_with("POST", CHANNELS, &once, &webhook("hook", &url)).await.body;
    shown.push_str(&again.to_string());
    for query in [
        "SELECT * FROM audit_log",
        "SELECT * FROM documents",
        "SELECT table_name FROM information_schema.tables",
    ] {
        shown.push_str(&json!(platform.client.try_sql(query).await.body).to_string());
    }
    let bodies = json!(platform.client.sql("SELECT body FROM documents").await).to_string();
    assert!(bodies.contains("127.0.0.1") && !bodies.contains("/good"), "only the host of a URL: {bodies}");
    shown.push_str(&platform.client.get("/api/openapi.json").await.body.to_string());
    shown.push_str(&platform.client.get("/metrics").await.body.to_string());
    shown.push_str(&platform.server.log());
    assert!(shown.contains("notification"), "something was looked at");
    assert!(!shown.contains("hush-"), "a secret is shown");
}

#[tokio::test]
async fn a_test_says_why_it_failed_and_receivers_learn_that_an_alert_is_over() {
    let platform = Platform::start_with(&[NO_RATE, OPEN]).await;
    let admin = &platform.admin;
    let (receiver, closed) = (Receiver::start("127.0.0.1").await, Receiver::start("127.0.0.2").await);
    let origin = &receiver.origin;
    let rows = [
        (format!("{origin}/bad?token=path-secret"), "the receiver answered 500"),
        (format!("{origin}/hang?token=path-secret"), "the receiver took more than 5 s"),
        (format!("{origin}/redirect?to={}/good", closed.origin), "not allowed"),
        (format!("{}/good", closed.origin), "not allowed"),
        ("http://[::1]/".to_owned(), "not allowed"),
    ];
    for (number, (url, expected)) in rows.into_iter().enumerate() {
        let made = channel(admin, webhook(&number.to_string(), &url)).await;
        let error = test(admin, &made).await;
        assert!(error.contains(expected) && !error.contains("path-secret"), "{url}: {error}");
    }
    assert!(closed.hooks("/").is_empty(), "a closed address was reached");
    let mail = channel(admin, email("mail", &["ops@plant.example"])).await;
    let error = test(admin, &mail).await;
    assert!(error.contains("smtp.host"), "{error}");

    let (admin, receiver) = (&platform.admin, Receiver::start("127.0.0.1").await);
    let hook = channel(admin, webhook("hook", &format!("{}/good", receiver.origin))).await;
    let fired = id(&alert(admin, &[&hook]).await);
    let note = json!({"note": "fan replaced"});
    admin.send("POST", &format!("/api/v1/alerts/{fired}/resolve"), &note).await.ok();
    let resolution =
        eventually("both notifications", LIMIT, || async { receiver.hooks("/good").get(1).cloned() }).await;
    assert!(resolution.is_signed_with(SECRET));
    let expected = json!({
        "type": "alert.resolved", "/alert/id": fired, "/alert/status": "RESOLVED", "/alert/note": "fan replaced",
    });
    assert_members(&resolution.json(), &expected);
    let rows = admin.get(&format!("/api/v1/alerts/{fired}/notifications")).await.ok();
    assert_eq!(column(&rows, "type"), ["alert.fired", "alert.resolved"]);
    assert_eq!(resolution.header("x-delivery-id"), id(&rows[1]));
}

#[tokio::test]
async fn receivers_that_hang_redirect_or_fail_delay_nobody_and_are_tried_again() {
    let platform = Platform::start_with(&[NO_RATE, OPEN]).await;
    let admin = &platform.admin;
    let (receiver, closed) = (Receiver::start("127.0.0.1").await, Receiver::start("127.0.0.2").await);
    let mut ids = Vec::new();
    for path in ["/hang", "/bad", "/redirect", "/flaky", "/good", "/good?off"] {
        let target = if path == "/redirect" { format!("?to={}/good", closed.origin) } else { String::new() };
        ids.push(channel(admin, webhook(path, &format!("{}{path}{target}", receiver.origin))).await);
    }
    let [hang, bad, redirect, flaky, good, off] = &ids[..] else { panic!("{ids:?}") };
    let mut disabled = webhook("/good?off", &format!("{}/good?off", receiver.origin));
    disabled["enabled"] = json!(false);
    assert_eq!(admin.status("PUT", &format!("{CHANNELS}/{off}"), &disabled).await, 200);
    let named: Vec<_> = ids.iter().map(String::as_str).collect();
    let fired = alert(admin, &named).await;
    let fired_id = id(&fired);

    let row = ended(admin, &fired_id, good, "SENT").await;
    assert_members(&row, &json!({"channelType": "WEBHOOK", "attempts": 1, "error": null}));
    assert!(row["sentAt"].is_string(), "{row}");
    let hook = &receiver.hooks("/good")[0];
    let notification = hook.json();
    assert_eq!((&notification["type"], &notification["alert"]["id"]), (&json!("alert.fired"), &fired["id"]));
    for member in
        ["ruleName", "severity", "message", "value", "triggeredAt", "sensorId", "deviceId", "status"]
    {
        assert_eq!(notification["alert"][member], fired[member], "{member}");
    }
    assert!(hook.is_signed_with(SECRET) && hook.header("x-delivery-id") == id(&row), "{hook:?}");

    let row = ended(admin, &fired_id, flaky, "SENT").await;
    assert_eq!((&row["attempts"], &row["error"]), (&json!(2), &Value::Null));
    let ids: Vec<_> =
        receiver.hooks("/flaky").iter().map(|hook| hook.header("x-delivery-id").to_owned()).collect();
    assert_eq!(ids, [id(&row), id(&row)], "a repeat can be told");
    let row = ended(admin, &fired_id, off, "FAILED").await;
    assert_eq!((&row["attempts"], &row["error"]), (&json!(1), &json!("the channel is not enabled")));
    assert!(receiver.hooks("/good?off").is_empty(), "{row}");
    let row = ended(admin, &fired_id, bad, "FAILED").await;
    assert_eq!((&row["attempts"], &row["error"]), (&json!(4), &json!("the receiver answered 500")));
    let row = ended(admin, &fired_id, redirect, "FAILED").await;
    assert_eq!((&row["attempts"], receiver.hooks("/redirect").len()), (&json!(4), 4));
    assert!(closed.hooks("/").is_empty(), "a closed address was reached");
    let row_of_hang = ended(admin, &fired_id, hang, "FAILED").await;
    assert_eq!(row_of_hang["error"], json!("the receiver took more than 5 s"));
    assert!(row["error"].as_str().is_some_and(|error| error.contains("not allowed")), "{row}");

    // What a rule names may go; what was sent by it stays in the log.
    assert_eq!(admin.status("DELETE", &format!("{CHANNELS}/{good}"), &Value::Null).await, 204);
    assert_eq!(delivery(admin, &fired_id, good).await["channelType"], Value::Null);
    let rules = admin.get("/api/v1/alert-rules").await.body;
    let named = rules["content"][0]["notificationChannelIds"].as_array().cloned().unwrap_or_default();
    assert!(!named.is_empty() && !named.contains(&json!(good)), "{rules}");
    let metrics = platform.client.get("/metrics").await.body.to_string();
    assert!(metrics.contains("basalt_notification_attempts_total"), "{metrics}");
}

#[tokio::test]
async fn a_delivery_that_waits_is_made_after_a_crash() {
    let mut platform = Platform::start_with(&[NO_RATE, OPEN]).await;
    let receiver = Receiver::start("127.0.0.1").await;
    let admin = platform.admin.clone();
    let hook = channel(&admin, webhook("hook", &format!("{}/flaky", receiver.origin))).await;
    let fired = id(&alert(&admin, &[&hook]).await);
    eventually("the first attempt", LIMIT, || async { receiver.hooks("/flaky").pop() }).await;
    platform.server.crash().await;
    let admin = Caller::new(&platform.server.client(), KEY);
    let row = ended(&admin, &fired, &hook, "SENT").await;
    let hooks = receiver.hooks("/flaky");
    let is_same = |hook: &Hook| hook.header("x-delivery-id") == id(&row);
    assert!(hooks.len() >= 2 && hooks.iter().all(is_same), "{hooks:?}");
}

#[tokio::test]
async fn an_alert_arrives_by_e_mail() {
    let mut sink = MailSink::start(&[]).await;
    let port = sink.port.to_string();
    let env = [
        NO_RATE,
        ("BASALT_SMTP__HOST", "127.0.0.1"),
        ("BASALT_SMTP__PORT", port.as_str()),
        ("BASALT_SMTP__FROM", "basalt@plant.example"),
        ("BASALT_SMTP__SECURITY", "none"),
    ];
    let platform = Platform::start_with(&env).await;
    let admin = &platform.admin;
    let mail = channel(admin, email("mail", &["ops@plant.example", "night@plant.example"])).await;
    let refused = channel(admin, email("refused", &["refused@plant.example"])).await;
    let error = test(admin, &refused).await;
    assert!(error.contains("550") && error.contains("no such mailbox"), "{error}");
    let fired = alert(admin, &[&mail]).await;
    let row = ended(admin, &id(&fired), &mail, "SENT").await;
    assert_eq!((&row["channelType"], &row["attempts"]), (&json!("EMAIL"), &json!(1)));
    let arrived = sink.mail().await;
    assert_eq!(arrived["from"], json!("basalt@plant.example"));
    assert_eq!(arrived["to"], json!(["ops@plant.example", "night@plant.example"]));
    assert_eq!(arrived["headers"]["subject"], json!("[CRITICAL] Too hot"));
    assert_eq!(arrived["headers"]["message-id"], json!(format!("<{}@plant.example>", id(&row))));
    let text = arrived["text"].as_str().unwrap_or_default();
    assert!(text.contains("93.5") && text.contains(&id(&fired)), "{text}");
}

#[tokio::test]
async fn a_mail_server_with_tls_and_a_login_is_spoken_to() {
    let file = |name: &str| format!("{}/tests/data/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let (cert, key) = (file("server.pem"), file("server.key"));
    let password = "hush-mail-5d1a";
    let args = ["--cert", &cert, "--key", &key, "--user", "basalt", "--password", password];
    let mut sink = MailSink::start(&args).await;
    let port = sink.port.to_string();
    let env = [
        NO_RATE,
        ("BASALT_SMTP__HOST", "127.0.0.1"),
        ("BASALT_SMTP__PORT", port.as_str()),
        ("BASALT_SMTP__FROM", "basalt@plant.example"),
        ("BASALT_SMTP__USERNAME", "basalt"),
    ];
    for (secret, trusted, expected) in
        [(password, true, ""), (password, false, "certificate"), ("hush-wrong", true, "535")]
    {
        let mut env = [&env[..], &[("BASALT_SMTP__PASSWORD", secret)]].concat();
        if trusted {
            env.push(("BASALT_SMTP__CA_CERT", cert.as_str()));
        }
        let platform = Platform::start_with(&env).await;
        let mail = channel(&platform.admin, email("mail", &["ops@plant.example"])).await;
        let error = test(&platform.admin, &mail).await;
        assert!(error.contains(expected) && error.is_empty() == expected.is_empty(), "{error}");
        assert!(!error.contains("hush-") && !platform.server.log().contains("hush-"), "{error}");
    }
    let arrived = sink.mail().await;
    assert_eq!((&arrived["login"], &arrived["tls"]), (&json!(true), &json!(true)));
    assert_eq!(arrived["headers"]["subject"], json!("Test of the notification channel mail"));
}
