//! Models that run while readings come: scores, events, crashes, readings that are late.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::{Duration, Instant};

use basalt::domain::time::SystemClock;
use basalt::domain::{Clock, Micros};
use serde_json::{Value, json};

use super::late::post_late;
use super::{
    EVENT_TIMEOUT, HOLD_SAMPLES, UploadForm, UploadedIds, WINDOW_SAMPLES, ingest, patch, queried, scores,
    shown, until_state, wave,
};
use crate::rest::stream_of;
use crate::support::{Client, Server, until};

/// Microseconds between two samples.
pub(super) const SAMPLE_INTERVAL_US: i64 = 100_000;

/// Below every score of a wave, and above all of them.
const LOW: f64 = 1e-9;
pub(super) const HIGH: f64 = 1e9;

/// A sensor: a reading for each tenth of a second, posted when it has come.
pub(super) struct Sensor {
    pub stream: i64,
    /// Places of what was posted, in intervals since 1970.
    pub posted: BTreeSet<i64>,
    pub next: i64,
}

fn place_now() -> i64 {
    SystemClock.now().0 / SAMPLE_INTERVAL_US
}

fn reading(place: i64) -> (i64, f64) {
    (place * SAMPLE_INTERVAL_US, wave(place % 3_000))
}

impl Sensor {
    /// Begins with the next tenth of a second.
    fn new(stream: i64) -> Sensor {
        Sensor { stream, posted: BTreeSet::new(), next: place_now() + 1 }
    }

    /// Begins again: nothing was measured in between.
    fn resume(&mut self) {
        self.next = place_now() + 1;
    }

    /// Waits for the next reading and posts it, with all that have come by then.
    async fn step(&mut self, client: &Client) {
        let wait = self.next * SAMPLE_INTERVAL_US - SystemClock.now().0;
        tokio::time::sleep(Duration::from_micros(u64::try_from(wait).unwrap_or(0))).await;
        let due: Vec<i64> = (self.next..=place_now().max(self.next)).collect();
        ingest(client, self.stream, due.iter().copied().map(reading)).await;
        self.next += due.len() as i64;
        self.posted.extend(due);
    }

    /// Posts so many readings at least.
    pub async fn steps(&mut self, client: &Client, count: usize) {
        let enough = self.posted.len() + count;
        while self.posted.len() < enough {
            self.step(client).await;
        }
    }

    /// Goes on until `probe` answers something.
    async fn until<T, F>(&mut self, client: &Client, what: &str, mut probe: impl FnMut() -> F) -> T
    where
        F: Future<Output = Option<T>>,
    {
        let deadline = Instant::now() + EVENT_TIMEOUT;
        loop {
            self.step(client).await;
            if let Some(found) = probe().await {
                return found;
            }
            assert!(Instant::now() < deadline, "not within {EVENT_TIMEOUT:?}: {what}");
        }
    }

    fn last(&self) -> i64 {
        self.posted.last().copied().expect("something was posted") * SAMPLE_INTERVAL_US
    }

    /// The ends of all windows up to the last reading: every sample has a value, or one that holds.
    pub fn windows(&self) -> Vec<i64> {
        let has = |at: i64| self.posted.range(at - HOLD_SAMPLES..=at).next().is_some();
        let (first, last) = (self.posted.first().copied(), self.posted.last().copied());
        let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
        let mut ends = Vec::new();
        let mut samples = 0;
        for at in first..=last {
            samples = if has(at) { samples + 1 } else { 0 };
            if samples >= WINDOW_SAMPLES {
                ends.push(at * SAMPLE_INTERVAL_US);
            }
        }
        ends
    }
}

/// A running model, and the sensor that it looks at, which has said nothing yet.
pub(super) async fn set_up(client: &Client, threshold: f64) -> (Sensor, UploadedIds) {
    let (_, source) = stream_of(client, "pump", "fp64").await;
    let form = UploadForm::for_source(source).text("interval", "0.1").text("name", "Motor");
    let motor = form.text("threshold", threshold).upload(client).await;
    until_state(client, motor.model, "running").await;
    (Sensor::new(source), motor)
}

/// The scores of windows that end at the sensor's last reading or before: what comes after are values that hold.
pub(super) async fn stored(client: &Client, motor: UploadedIds, sensor: &Sensor) -> BTreeMap<i64, f64> {
    let mut all = scores(client, motor.data).await;
    all.retain(|end, _| *end <= sensor.last());
    all
}

/// Waits for the scores of everything that was posted; they are there once, and none besides.
pub(super) async fn until_scored(client: &Client, motor: UploadedIds, sensor: &Sensor) -> BTreeMap<i64, f64> {
    let expected = sensor.windows();
    let found = until!("every window has its score", EVENT_TIMEOUT;
        found = stored(client, motor, sensor).await; found.len() >= expected.len());
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), expected);
    found
}

async fn anomalies(client: &Client) -> Vec<Value> {
    let events = client.get("/api/event-log/?limit=1000").await.ok();
    let events = events.as_array().expect("a list").iter();
    events.filter(|event| event["kind"] == "anomaly").cloned().collect()
}

/// The only anomaly there is, once it is as it should be.
async fn the_anomaly(client: &Client, is_over: bool) -> Option<Value> {
    let mut found = anomalies(client).await;
    assert!(found.len() <= 1, "{found:?}");
    found.pop().filter(|event| event["payload"]["ended_at"].is_null() != is_over)
}

async fn two_anomalies(client: &Client) -> Option<()> {
    (anomalies(client).await.len() == 2).then_some(())
}

#[tokio::test]
async fn scores_come_with_the_readings_that_complete_a_window_whatever_next_week_has() {
    let (_server, client) = Server::with_client(&[]).await;
    let (mut sensor, motor) = set_up(&client, HIGH).await;
    sensor.steps(&client, WINDOW_SAMPLES as usize - 1).await;
    if sensor.posted.len() < WINDOW_SAMPLES as usize {
        assert_eq!(scores(&client, motor.data).await, BTreeMap::new(), "a window is not whole yet");
    }
    sensor.steps(&client, 12).await;
    let found = until_scored(&client, motor, &sensor).await;
    let first = sensor.posted.first().expect("something was posted") + WINDOW_SAMPLES - 1;
    assert_eq!(found.keys().next(), Some(&(first * SAMPLE_INTERVAL_US)), "the first after 32 samples");

    let rows = queried(&client, motor.model, sensor.stream).await;
    let queried: BTreeMap<i64, f64> = rows.into_iter().filter_map(|(at, score)| Some((at, score?))).collect();
    assert_eq!(found, queried, "a query says the same, to the last bit");

    let status = until!("the status tells of all windows", EVENT_TIMEOUT;
        status = shown(&client, motor.model).await["status"].take(); status["windows"].as_u64() >= Some(found.len() as u64));
    assert_eq!((&status["state"], &status["is_anomalous"]), (&json!("running"), &json!(false)), "{status}");
    assert_eq!((&status["late"], &status["behind"]), (&json!(0), &json!(0)), "{status}");
    assert!(status["position"].is_string() && status["lag_s"].is_number(), "{status}");
    assert!(status["last_score"].is_number() && status["last_error"].is_null(), "{status}");
    assert_eq!(anomalies(&client).await, [Value::Null; 0], "nothing was above the threshold");
    // rest.md A3.
    sensor.steps(&client, 3).await;
    let next_week = SystemClock.now().0 + 7 * 86_400 * 1_000_000;
    ingest(&client, sensor.stream, [(next_week, 1.0)]).await;
    sensor.steps(&client, WINDOW_SAMPLES as usize).await;
    until_scored(&client, motor, &sensor).await;
}

/// A sender whose clock is ahead: the server is killed before the times of its readings have come.
#[tokio::test]
async fn killed_before_the_times_of_readings_have_come_it_skips_none() {
    let (mut server, client) = Server::with_client(&[]).await;
    let (mut sensor, motor) = set_up(&client, HIGH).await;
    let ahead: Vec<i64> = (sensor.next..sensor.next + WINDOW_SAMPLES - 2).collect();
    ingest(&client, sensor.stream, ahead.iter().copied().map(reading)).await;
    sensor.next += ahead.len() as i64;
    sensor.posted.extend(ahead);
    server.crash().await;
    until_state(&client, motor.model, "running").await;
    sensor.steps(&client, 6).await;
    until_scored(&client, motor, &sensor).await;
}

#[tokio::test]
async fn an_anomaly_is_one_event_from_its_begin_to_its_end() {
    let (_server, client) = Server::with_client(&[]).await;
    let (mut sensor, motor) = set_up(&client, LOW).await;
    let open = sensor.until(&client, "an event", || the_anomaly(&client, false)).await;
    let first =
        (sensor.posted.first().expect("something was posted") + WINDOW_SAMPLES - 1) * SAMPLE_INTERVAL_US;
    let found = scores(&client, motor.data).await;
    let expected = json!({
        "model": motor.model, "version": 1, "threshold": LOW, "peak": found[&first],
        "started_at": Micros(first).to_iso(), "ended_at": null,
    });
    let what = (&open["device"], &open["data"], &open["level"], &open["timestamp"]);
    let (device, data, level) = (json!(motor.device), json!(motor.data), json!("warning"));
    assert_eq!(what, (&device, &data, &level, &expected["started_at"]), "{open}");
    assert!(open["message"].as_str().is_some_and(|message| message.starts_with("Motor")), "{open}");
    assert_eq!(open["payload"], expected, "{open}");

    sensor.steps(&client, 10).await;
    assert_eq!(the_anomaly(&client, false).await.map(|event| event["id"].clone()), Some(open["id"].clone()));
    assert_eq!(shown(&client, motor.model).await["status"]["is_anomalous"], true);

    patch(&client, motor.model, json!({ "threshold": HIGH })).await;
    let over = sensor.until(&client, "its end", || the_anomaly(&client, true)).await;
    assert_eq!((&over["id"], &over["timestamp"]), (&open["id"], &open["timestamp"]), "the same event");
    assert_eq!(over["payload"]["started_at"], open["payload"]["started_at"]);
    let ended = over["payload"]["ended_at"].as_str().and_then(Micros::parse).expect("a time").0;
    let found = scores(&client, motor.data).await;
    assert!(found.contains_key(&ended), "it ends with a window: {over}");
    let peak = found.range(first..ended).map(|(_, score)| *score).fold(0.0, f64::max);
    assert_eq!(over["payload"]["peak"], json!(peak), "the highest score while it went on");

    sensor.steps(&client, 10).await;
    until_scored(&client, motor, &sensor).await;
    assert_eq!(anomalies(&client).await, [over], "and none after it");
    assert_eq!(shown(&client, motor.model).await["status"]["is_anomalous"], false);

    // Another one is another event.
    patch(&client, motor.model, json!({ "threshold": LOW })).await;
    sensor.until(&client, "a second event", || two_anomalies(&client)).await;
    // Nobody watches for its end once the model is deleted.
    client.delete(&format!("/api/ai/model/{}/", motor.model)).await.expect(204);
    until!("the end of the second", EVENT_TIMEOUT;
        anomalies(&client).await.iter().all(|event| event["payload"]["ended_at"].is_string()));
}

#[tokio::test]
async fn killed_in_the_middle_it_skips_and_repeats_nothing() {
    let (mut server, client) = Server::with_client(&[]).await;
    let (mut sensor, motor) = set_up(&client, LOW).await;
    let open = sensor.until(&client, "an event", || the_anomaly(&client, false)).await;
    // The last readings may have been judged by then, or not.
    sensor.steps(&client, 7).await;
    server.kill();
    let before = sensor.last();
    server.start_again().await;
    sensor.resume();
    // A start as fast as this would leave no gap.
    sensor.next = sensor.next.max(before / SAMPLE_INTERVAL_US + HOLD_SAMPLES + 2);
    sensor.steps(&client, WINDOW_SAMPLES as usize + 3).await;
    let found = until_scored(&client, motor, &sensor).await;
    let has_more = found.keys().any(|end| *end > before + HOLD_SAMPLES * SAMPLE_INTERVAL_US);
    assert!(has_more, "windows of afterwards");
    let event = the_anomaly(&client, false).await;
    assert_eq!(event.map(|event| event["id"].clone()), Some(open["id"].clone()), "the same one goes on");

    patch(&client, motor.model, json!({ "threshold": HIGH })).await;
    let over = sensor.until(&client, "its end", || the_anomaly(&client, true)).await;
    assert_eq!(over["payload"]["started_at"], open["payload"]["started_at"]);
    until_scored(&client, motor, &sensor).await;
    assert_eq!(anomalies(&client).await.len(), 1);
}

#[tokio::test]
async fn killed_before_its_first_window_it_skips_nothing_either() {
    let (mut server, client) = Server::with_client(&[]).await;
    let (mut sensor, motor) = set_up(&client, HIGH).await;
    sensor.steps(&client, 3).await;
    server.kill();
    // Whole windows end while nobody judges them.
    let past = sensor.next + WINDOW_SAMPLES + 10;
    until!("windows have ended", EVENT_TIMEOUT; place_now() > past);
    server.start_again().await;
    // The sensor has kept what it measured meanwhile, and posts it at once.
    sensor.steps(&client, WINDOW_SAMPLES as usize + 20).await;
    until_scored(&client, motor, &sensor).await;
}

#[tokio::test]
async fn stopped_in_order_it_goes_on_where_it_was() {
    let (mut server, client) = Server::with_client(&[]).await;
    let (mut sensor, motor) = set_up(&client, HIGH).await;
    sensor.steps(&client, WINDOW_SAMPLES as usize + 8).await;
    let before = sensor.next;
    server.restart().await;
    // What was measured meanwhile comes at once.
    until!("something was", EVENT_TIMEOUT; place_now() > before);
    sensor.steps(&client, 10).await;
    let found = until_scored(&client, motor, &sensor).await;
    let ends: Vec<i64> = found.keys().copied().collect();
    let is_whole = ends.windows(2).all(|pair| pair[1] - pair[0] == SAMPLE_INTERVAL_US);
    assert!(is_whole, "nothing is missing: {ends:?}");
}

#[tokio::test]
async fn disabled_it_scores_nothing() {
    let (_server, client) = Server::with_client(&[]).await;
    let (mut sensor, motor) = set_up(&client, LOW).await;
    sensor.until(&client, "an event", || the_anomaly(&client, false)).await;
    patch(&client, motor.model, json!({"enabled": false})).await;
    // Nobody watches it any more: that is its end, and tells that the change has been taken up.
    let over = sensor.until(&client, "its end", || the_anomaly(&client, true)).await;
    assert_eq!(shown(&client, motor.model).await["status"]["state"], "disabled");
    let before = scores(&client, motor.data).await;
    sensor.steps(&client, 20).await;
    assert_eq!(scores(&client, motor.data).await, before, "no new scores");
    assert_eq!(anomalies(&client).await, std::slice::from_ref(&over), "and no event");

    patch(&client, motor.model, json!({"enabled": true})).await;
    until_state(&client, motor.model, "running").await;
    let enabled = sensor.last();
    let found = sensor
        .until(&client, "scores again", || async {
            let found = scores(&client, motor.data).await;
            found.keys().next_back().is_some_and(|end| *end > enabled).then_some(found)
        })
        .await;
    let first = found.keys().find(|end| !before.contains_key(*end)).copied().expect("new scores");
    // It begins with the present: up to the readings that came while it was being enabled.
    let last_before = before.keys().next_back().copied().expect("scores of before");
    assert!(first - last_before > 15 * SAMPLE_INTERVAL_US, "the time in between is not judged");
    sensor.until(&client, "another event", || two_anomalies(&client)).await;
}

#[tokio::test]
async fn late_readings_are_judged_in_the_end() {
    let (_server, client) = Server::with_client(&[]).await;
    let (mut sensor, motor) = set_up(&client, HIGH).await;
    sensor.steps(&client, WINDOW_SAMPLES as usize + 6).await;
    // Two samples are missing, and what comes late is far from the value that held.
    let late = sensor.next;
    let [before, says] = post_late(&client, &mut sensor, motor, 12.5).await;
    let changed = |end: &i64| *end >= late * SAMPLE_INTERVAL_US;
    for (end, score) in &says {
        assert_eq!(before[end] != *score, changed(end), "the window that ends at {}", Micros(*end));
    }
    until!("the windows have the scores of what is known now", EVENT_TIMEOUT;
        stored(&client, motor, &sensor).await == says);
    let status = shown(&client, motor.model).await["status"].take();
    assert_eq!(status["late"], 2, "{status}");
    assert_eq!(anomalies(&client).await, [Value::Null; 0]);
}
