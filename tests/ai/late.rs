//! Readings that come late, and a server that ends before they are in the scores.

use std::collections::BTreeMap;

use super::live::{HIGH, SAMPLE_INTERVAL_US, Sensor, set_up, stored, until_scored};
use super::{EVENT_TIMEOUT, UploadedIds, WINDOW_SAMPLES, ingest, queried};
use crate::support::{Client, Server, until};

/// Posts two readings that were left out, long after their time: the score of every window before, and what it has to be
/// then.
pub(super) async fn post_late(
    client: &Client,
    sensor: &mut Sensor,
    motor: UploadedIds,
    value: f64,
) -> [BTreeMap<i64, f64>; 2] {
    let late = [sensor.next, sensor.next + 1];
    sensor.next += 2;
    sensor.steps(client, 12).await;
    let before = until_scored(client, motor, sensor).await;
    ingest(client, sensor.stream, late.map(|place| (place * SAMPLE_INTERVAL_US, value))).await;
    sensor.posted.extend(late);
    let rows = queried(client, motor.model, sensor.stream).await;
    let says: BTreeMap<i64, f64> = rows.into_iter().filter_map(|(at, score)| Some((at, score?))).collect();
    assert_eq!(says.keys().copied().collect::<Vec<_>>(), sensor.windows());
    [before, says]
}

/// The server is ended while late readings wait, in one of these ways, and started again: every window has the score of what
/// is known, once.
async fn restarted(is_killed: bool) {
    let (mut server, client) = Server::with_client(&[]).await;
    let (mut sensor, motor) = set_up(&client, HIGH).await;
    sensor.steps(&client, WINDOW_SAMPLES as usize + 6).await;
    let [_, says] = post_late(&client, &mut sensor, motor, 12.5).await;
    assert_ne!(stored(&client, motor, &sensor).await, says, "they are not taken up at once");
    if is_killed {
        server.crash().await;
    } else {
        server.restart().await;
    }
    until!("every window has the score of what is known", EVENT_TIMEOUT;
        stored(&client, motor, &sensor).await == says);
    // And it goes on.
    sensor.steps(&client, 3).await;
}

#[tokio::test]
async fn late_readings_are_judged_also_when_the_server_is_stopped_before() {
    restarted(false).await;
}

#[tokio::test]
async fn late_readings_are_judged_also_when_the_server_is_killed_before() {
    restarted(true).await;
}

#[tokio::test]
async fn what_came_late_is_remembered_over_several_restarts_and_more_of_it() {
    let (mut server, client) = Server::with_client(&[]).await;
    let (mut sensor, motor) = set_up(&client, HIGH).await;
    sensor.steps(&client, WINDOW_SAMPLES as usize + 6).await;
    post_late(&client, &mut sensor, motor, 12.5).await;
    server.restart().await;
    server.crash().await;
    // What was measured meanwhile comes first, and something late again behind it.
    let [_, says] = post_late(&client, &mut sensor, motor, 26.5).await;
    server.restart().await;
    until!("every window has the score of what is known", EVENT_TIMEOUT;
        stored(&client, motor, &sensor).await == says);
}
