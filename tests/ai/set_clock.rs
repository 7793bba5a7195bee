//! A model while the clock of its server is set. In process, where the clock is the test's.

use basalt::app::access::KeyRequest;
use basalt::domain::Clock;
use tokio_util::sync::CancellationToken;

use super::live::{HIGH, SAMPLE_INTERVAL_US, set_up};
use super::{EVENT_TIMEOUT, NOON, WINDOW_SAMPLES, ingest, scores, shown, wave};
use crate::in_process::{StepClock, TestEnv, serve};
use crate::support::{Client, eventually, until};

const HOUR: i64 = 3_600_000_000;

/// Posts a reading of the next tenth of a second, when it has come.
async fn post_next(client: &Client, clock: &StepClock, stream: i64) {
    clock.advance(SAMPLE_INTERVAL_US);
    let place = clock.now().0 / SAMPLE_INTERVAL_US;
    ingest(client, stream, [(place * SAMPLE_INTERVAL_US, wave(place % 3_000))]).await;
}

/// rest.md A3: whatever arrived after the clock was set back was late, until the clock was where it had been.
#[tokio::test]
async fn scores_go_on_when_the_clock_of_the_server_is_set_back() {
    let (env, _dir, db) = TestEnv::open_new(1).await;
    let (app, clock) = (db.app(), &env.clock);
    let request = KeyRequest { name: "sensor".to_owned(), ..KeyRequest::default() };
    let (_, key) = app.access.create_key(&env.owner, &request).await.unwrap();
    let models = tokio::spawn(app.models.clone().run_models(CancellationToken::new()));
    let client = serve(app).await.with_key(&key);
    let (sensor, motor) = set_up(&client, HIGH).await;
    let windows = async || shown(&client, motor.model).await["status"]["windows"].as_u64().unwrap();
    for _ in 0..WINDOW_SAMPLES + 8 {
        post_next(&client, clock, sensor.stream).await;
    }
    until!("the scores of all but one at most", EVENT_TIMEOUT; windows().await >= 8);

    clock.jump(-HOUR);
    let before = windows().await;
    // Those that come while the model begins anew may be before its begin.
    eventually("scores after the clock was set back", EVENT_TIMEOUT, || async {
        post_next(&client, clock, sensor.stream).await;
        (windows().await >= before + 6).then_some(())
    })
    .await;
    let found: Vec<i64> = scores(&client, motor.data).await.into_keys().filter(|end| *end < NOON).collect();
    assert!(found.len() >= 4 && found.is_sorted_by(|a, b| b - a == SAMPLE_INTERVAL_US), "{found:?}");
    models.abort();
}
