//! Alert rules and their alerts: readings of every door raise them, once, also when the server is killed.

use std::time::Duration;

use basalt::domain::time::{MICROS_PER_SECOND, SystemClock};
use basalt::domain::{Clock, Micros};
use serde_json::{Value, json};

use super::{Caller, NO_RATE, NOBODY, Platform, id, problem};
use crate::support::{free_port, row_vec, until, with};
use crate::tools::mqtt::{Connect, MqttClient, Version};

const RULES: &str = "/api/v1/alert-rules";
const ALERTS: &str = "/api/v1/alerts";
const READINGS: &str = "/api/v1/readings";
/// Long enough for anything that is going to happen at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sensor, and the times of its readings: each is a second after the one before, and all are of the last hour.
pub struct SensorFixture {
    pub device: String,
    pub sensor: String,
    next: Micros,
}

impl SensorFixture {
    pub async fn new(admin: &Caller, name: &str, value_type: &str) -> SensorFixture {
        let device = admin.make("devices", json!({ "name": name })).await;
        let body = json!({"deviceId": device, "key": "t", "name": "T", "valueType": value_type});
        let sensor = admin.make("sensors", body).await;
        let next =
            Micros(SystemClock.now().0 / MICROS_PER_SECOND * MICROS_PER_SECOND - 1800 * MICROS_PER_SECOND);
        SensorFixture { device, sensor, next }
    }

    /// The time of the next reading.
    pub fn tick(&mut self) -> Micros {
        self.next = Micros(self.next.0 + MICROS_PER_SECOND);
        self.next
    }

    pub async fn rule(&self, admin: &Caller, more: Value) -> Value {
        let body = with(
            json!({"name": "hot", "sensorId": self.sensor, "operator": "GT", "threshold": 80,
                   "severity": "WARNING", "cooldownSeconds": 0}),
            more,
        );
        admin.create(RULES, body).await
    }

    pub async fn report(&mut self, admin: &Caller, value: Value) -> Micros {
        let at = self.tick();
        let reading = json!({"sensorId": self.sensor, "timestamp": at.to_iso(), "value": value});
        admin.send("POST", READINGS, &reading).await.has(202, json!({"accepted": 1}));
        at
    }
}

/// The alerts of a rule, the first one first.
pub async fn alerts_of(admin: &Caller, rule: &str) -> Vec<Value> {
    let page = admin.get(&format!("{ALERTS}?ruleId={rule}&size=1000&sort=triggeredAt,asc")).await.ok();
    page["content"].as_array().expect("a list").clone()
}

/// The times at which alerts were raised; `None` is none.
fn raised_at(alerts: &[Value]) -> Vec<Option<Micros>> {
    alerts.iter().map(|alert| alert["triggeredAt"].as_str().and_then(Micros::parse)).collect()
}

/// Waits until a rule has so many alerts and returns them.
pub async fn wait_for(admin: &Caller, rule: &str, count: usize) -> Vec<Value> {
    until!(&format!("{count} alerts"), PATIENCE; alerts = alerts_of(admin, rule).await; alerts.len() >= count)
}

/// Resolves an alert; the rule may raise another then.
async fn resolve(admin: &Caller, alert: &Value) -> Value {
    let alert = admin.send("POST", &format!("{ALERTS}/{}/resolve", id(alert)), &Value::Null).await;
    alert.has(200, json!({"status": "RESOLVED"}))
}

#[tokio::test]
async fn readings_of_every_door_raise_alerts() {
    let address = format!("127.0.0.1:{}", free_port());
    let platform = Platform::start_with(&[NO_RATE, ("BASALT_MQTT__LISTEN", &address)]).await;
    let (admin, client) = (&platform.admin, &platform.client);
    let mut press = SensorFixture::new(admin, "Press", "DOUBLE").await;
    let rule = id(&press.rule(admin, json!({})).await);
    let stream = client.sql("SELECT id FROM streams WHERE name = 't'").await[0]["id"].as_i64().unwrap();
    let hello = Connect::new(Version::V5, "press", &platform.server.key);
    let mut mqtt = MqttClient::connect(&address, &hello).await;
    for (nth, interface) in ["mk", "ingest", "datastone", "mqtt"].into_iter().enumerate() {
        let value = 81.5 + nth as f64;
        let at = if interface == "mk" { press.report(admin, json!(value)).await } else { press.tick() };
        match interface {
            "mk" => {}
            "ingest" => {
                let line =
                    format!("{{\"stream_id\":{stream},\"ts\":\"{}\",\"value\":{value}}}\n", at.to_iso());
                client.ingest("application/x-ndjson", line).await.ok();
            }
            "datastone" => {
                let body = json!({"timestamp": at.to_iso(), "value": value});
                client.post(&format!("/api/data/{stream}/value/"), &body).await.created();
            }
            _ => {
                let payload = json!({"ts": at.0 / MICROS_PER_SECOND, "value": value}).to_string();
                assert_eq!(mqtt.publish("basalt/Press/t", payload, 1).await, Ok(0));
            }
        }
        let alerts = wait_for(admin, &rule, nth + 1).await;
        let alert = &alerts[nth];
        let expected = json!({"value": value, "status": "ACTIVE", "severity": "WARNING", "ruleId": rule,
            "ruleName": "hot", "sensorId": press.sensor, "deviceId": press.device, "note": null});
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&alert[name], value, "{interface}: {name} of {alert}");
        }
        assert_eq!(Micros::parse(alert["triggeredAt"].as_str().unwrap()), Some(at), "{interface}: {alert}");
        resolve(admin, alert).await;
    }
}

#[tokio::test]
async fn an_alert_is_acknowledged_and_resolved_in_every_vocabulary() {
    let platform = Platform::start().await;
    let (admin, client) = (&platform.admin, &platform.client);
    let mut press = SensorFixture::new(admin, "Press", "DOUBLE").await;
    let rule = id(&press.rule(admin, json!({"severity": "CRITICAL"})).await);
    press.report(admin, json!(99)).await;
    let alert = id(&wait_for(admin, &rule, 1).await[0]);
    let step =
        async |name: &str, body: Value| admin.send("POST", &format!("{ALERTS}/{alert}/{name}"), &body).await;
    let first = step("acknowledge", json!({"note": "I go there"})).await;
    let first = first.has(200, json!({"status": "ACKNOWLEDGED", "note": "I go there"}));
    assert!(first["acknowledgedBy"].as_str().is_some_and(|name| name.starts_with("key_")), "{first}");
    step("acknowledge", json!({"note": "again"})).await.about("a repeat").is(200, &first);
    let over = step("resolve", Value::Null).await;
    let over = over.has(200, json!({"status": "RESOLVED", "note": "I go there"}));
    step("resolve", json!({})).await.about("a repeat").is(200, &over);
    step("acknowledge", json!({})).await.expect(409);
    let long = ["note: size must be between 0 and 4000"];
    step("resolve", json!({"note": "x".repeat(4001)})).await.has_field_errors(400, &long);
    let event = admin.get(&format!("/api/v1/events/{alert}")).await.body;
    assert_eq!((&event["source"], &event["type"]), (&json!("ALERT_RULE"), &json!("alert")), "{event}");
    let lifecycle = admin.get(&format!("/api/v1/events/{alert}/lifecycle")).await.body;
    assert_eq!(lifecycle, event["lifecycle"]);
    assert_eq!(lifecycle["resolvedAt"], over["resolvedAt"]);
    client.get("/api/event-log/").await.has(200, json!({"/0/kind": "alert", "/0/level": "critical"}));
    let rows = client.sql("SELECT uuid, status, rule_name, source FROM events").await;
    let expected = json!({"uuid": alert, "status": "RESOLVED", "rule_name": "hot", "source": "ALERT_RULE"});
    assert_eq!(rows, [expected]);

    press.report(admin, json!(99)).await;
    let second = &wait_for(admin, &rule, 2).await[1];
    let row = client.sql("SELECT id FROM events WHERE status = 'ACTIVE'").await[0]["id"].as_i64().unwrap();
    let query = format!(
        "mutation {{ updateEvent(rowId: {row}, input: {{acknowledged: true}}) {{ errors {{ message }} }} }}"
    );
    client.post("/graphql", &json!({"query": query})).await.has(200, json!({"/data/updateEvent/errors": []}));
    admin.get(&format!("{ALERTS}/{}", id(second))).await.has(200, json!({"status": "ACKNOWLEDGED"}));
    // An alert that is deleted is not open any more.
    client.delete(&format!("/api/event-log/{row}/")).await.expect(204);
    press.report(admin, json!(99)).await;
    let third = wait_for(admin, &rule, 2).await;
    assert_eq!(third[1]["status"], json!("ACTIVE"), "{third:?}");
    assert_eq!(admin.status("DELETE", &format!("{RULES}/{rule}"), &Value::Null).await, 204);
    let page = admin.get(&format!("{ALERTS}?status=ACTIVE")).await.body;
    let left = &page["content"][0];
    assert_eq!((&left["ruleId"], &left["ruleName"]), (&Value::Null, &json!("hot")), "{page}");
}

#[tokio::test]
async fn every_operator_raises_what_it_says() {
    let (_platform, admin) = Platform::with_admin().await;
    let rows = [
        ("DOUBLE", "GT", json!(80), json!(80), json!(80.5)),
        ("DOUBLE", "GTE", json!(80), json!(79.5), json!(80)),
        ("DOUBLE", "LT", json!(80), json!(80), json!(79.5)),
        ("DOUBLE", "LTE", json!(80), json!(80.5), json!(80)),
        ("DOUBLE", "EQ", json!(0.3), json!(0.300_000_01), json!(0.3)),
        ("DOUBLE", "NEQ", json!(80), json!(80), json!(81)),
        ("BIGINT", "GT", json!(5), json!(5), json!(6)),
        ("BOOLEAN", "IS_TRUE", Value::Null, json!(false), json!(true)),
        ("BOOLEAN", "IS_FALSE", Value::Null, json!(true), json!(false)),
        ("TEXT", "CONTAINS", json!("fault"), json!("ok"), json!("a fault")),
        ("TEXT", "EQ", json!("fault"), json!("a fault"), json!("fault")),
    ];
    for (nth, (value_type, operator, threshold, quiet, loud)) in rows.into_iter().enumerate() {
        let mut device = SensorFixture::new(&admin, &format!("d{nth}"), value_type).await;
        let more = json!({"name": format!("rule {nth}"), "operator": operator, "threshold": threshold});
        let rule = id(&device.rule(&admin, more).await);
        device.report(&admin, quiet.clone()).await;
        let at = device.report(&admin, loud.clone()).await;
        let alerts = wait_for(&admin, &rule, 1).await;
        assert_eq!(raised_at(&alerts), [Some(at)], "{value_type} {operator}: {alerts:?}");
        let is_same = match &loud {
            Value::Number(number) => alerts[0]["value"].as_f64() == number.as_f64(),
            other => alerts[0]["value"] == *other,
        };
        assert!(is_same, "{loud}: {alerts:?}");
    }
}

#[tokio::test]
async fn cooldown_windows_and_resolution_are_of_the_time_of_readings() {
    let (_platform, admin) = Platform::with_admin().await;
    let mut press = SensorFixture::new(&admin, "Press", "DOUBLE").await;
    let rule = id(&press.rule(&admin, json!({"cooldownSeconds": 4, "autoResolve": true})).await);
    let mean = json!({"name": "mean", "evaluation": "AVG", "windowSeconds": 3, "autoResolve": true});
    let mean = id(&press.rule(&admin, mean).await);
    let mut times = Vec::new();
    for value in [90, 10, 90, 90, 90, 10] {
        times.push(press.report(&admin, json!(value)).await);
    }
    let alerts = until!("both are resolved", PATIENCE;
        alerts = alerts_of(&admin, &rule).await; alerts.len() == 2 && alerts[1]["status"] == "RESOLVED");
    assert_eq!(raised_at(&alerts), [Some(times[0]), Some(times[4])], "{alerts:?}");
    assert!(alerts.iter().all(|alert| alert["resolvedBy"] == "system"), "{alerts:?}");
    // Means of three: 90, 50, 63.3, 63.3, 90, 63.3.
    let means = wait_for(&admin, &mean, 2).await;
    assert_eq!(raised_at(&means), [Some(times[0]), Some(times[4])], "{means:?}");
    assert!(means.iter().all(|alert| alert["value"] == 90.0), "{means:?}");
}

/// rest.md A1, plant.md A1.
#[tokio::test]
async fn one_reading_of_next_week_silences_no_alerts_and_imports_and_disabled_rules_raise_none() {
    let (_platform, admin) = Platform::with_admin().await;
    let mut press = SensorFixture::new(&admin, "Press", "DOUBLE").await;
    let rule = id(&press.rule(&admin, json!({"autoResolve": true})).await);
    let ahead = Micros(SystemClock.now().0 + 7 * 86_400 * MICROS_PER_SECOND);
    let reading = json!({"sensorId": press.sensor, "timestamp": ahead.to_iso(), "value": 99});
    assert_eq!(admin.status("POST", READINGS, &reading).await, 202);
    let at = press.report(&admin, json!(98)).await;
    press.report(&admin, json!(10)).await;
    let alerts = until!("it is resolved", PATIENCE;
        alerts = alerts_of(&admin, &rule).await; alerts.first().is_some_and(|alert| alert["status"] == "RESOLVED"));
    assert_eq!(raised_at(&alerts), [Some(at)], "{alerts:?}");

    let mut oven = SensorFixture::new(&admin, "Oven", "DOUBLE").await;
    let rule = id(&oven.rule(&admin, json!({"name": "imports"})).await);
    let old = Micros(SystemClock.now().0 - 7200 * MICROS_PER_SECOND);
    let reading = json!({"sensorId": oven.sensor, "timestamp": old.to_iso(), "value": 99});
    assert_eq!(admin.status("POST", READINGS, &reading).await, 202);
    for (switch, enabled, value) in [("disable", false, 98), ("enable", true, 97)] {
        let answer = admin.send("POST", &format!("{RULES}/{rule}/{switch}"), &Value::Null).await;
        answer.has(200, json!({"enabled": enabled}));
        oven.report(&admin, json!(value)).await;
    }
    let alerts = wait_for(&admin, &rule, 1).await;
    assert_eq!((alerts.len(), &alerts[0]["value"]), (1, &json!(97.0)), "{alerts:?}");
    // The rule goes with its sensor, and the alert stays.
    admin.send("DELETE", &format!("/api/v1/sensors/{}", oven.sensor), &Value::Null).await.expect(204);
    admin.get(&format!("{RULES}/{rule}")).await.expect(404);
    let alert = admin.get(&format!("{ALERTS}/{}", id(&alerts[0]))).await;
    alert.has(200, json!({"ruleId": null, "sensorId": null}));
}

#[tokio::test]
async fn silence_raises_an_alert_and_data_resolves_it() {
    let platform = Platform::start().await;
    let admin = &platform.admin;
    let mut press = SensorFixture::new(admin, "Press", "DOUBLE").await;
    let more = json!({"evaluation": "NO_DATA", "windowSeconds": 1, "autoResolve": true});
    let rule = press.rule(admin, more).await;
    assert_eq!((&rule["operator"], &rule["threshold"]), (&Value::Null, &Value::Null), "{rule}");
    let rule = id(&rule);
    let alerts = wait_for(admin, &rule, 1).await;
    assert_eq!((&alerts[0]["value"], &alerts[0]["message"]), (&Value::Null, &json!("hot: no data for 1 s")));
    press.report(admin, json!(1)).await;
    until!("it is resolved", PATIENCE; alerts_of(admin, &rule).await[0]["status"] == "RESOLVED");
    wait_for(admin, &rule, 2).await;
}

#[tokio::test]
async fn a_rule_says_everything_that_is_wrong_at_once() {
    let (_platform, admin) = Platform::with_admin().await;
    let press = SensorFixture::new(&admin, "Press", "DOUBLE").await;
    let text = SensorFixture::new(&admin, "Label", "TEXT").await;
    let rows: Vec<(Value, Vec<&str>)> = row_vec![
        json!({}),
            vec!["name: must not be blank", "operator: must not be null", "sensorId: must not be null", "severity: must not be null"];
        json!({"name": "a", "sensorId": NOBODY, "operator": "GT", "severity": "HIGH", "cooldownSeconds": -1}),
            vec!["cooldownSeconds: must be between 0 and 604800", "sensorId: does not exist",
                 "severity: must be one of INFO, WARNING, CRITICAL", "threshold: must not be null"];
        json!({"name": "a", "sensorId": press.sensor, "operator": "IS_TRUE", "severity": "INFO",
                "evaluation": "AVG", "notificationChannelIds": [NOBODY]}),
            vec!["notificationChannelIds[0]: does not exist",
                 "operator: must be one of GT, GTE, LT, LTE, EQ, NEQ for AVG of a DOUBLE sensor",
                 "windowSeconds: must not be null"];
        json!({"name": "a", "sensorId": text.sensor, "operator": "CONTAINS", "threshold": 5, "severity": "INFO"}),
            vec!["threshold: must be a text"];
        json!({"name": "a", "sensorId": text.sensor, "evaluation": "MIN", "windowSeconds": 0,
                "operator": "GT", "threshold": 5, "severity": "INFO"}),
            vec!["evaluation: must be one of VALUE, COUNT, NO_DATA for a TEXT sensor", "windowSeconds: must be between 1 and 86400"];
    ];
    for (body, expected) in rows {
        admin.send("POST", RULES, &body).await.has_field_errors(400, &expected);
    }
    let malformed = problem(400, "Bad Request", "Malformed request body", RULES);
    admin.send("POST", RULES, &json!({"threshold": true})).await.is(400, &malformed);
    press.rule(&admin, json!({})).await;
    let again = json!({"name": "hot", "sensorId": press.sensor, "operator": "LT", "threshold": 1, "severity": "INFO"});
    assert_eq!(admin.status("POST", RULES, &again).await, 409);
}
