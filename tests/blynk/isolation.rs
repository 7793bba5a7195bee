//! A client of one organization reaches nothing of another.

use serde_json::{Value, json};

use super::{BATCH, BATCH_UPDATE, Plant, TokenClient, error, good_requests, no_device};

#[tokio::test]
async fn what_belongs_to_another_organization_does_not_exist() {
    let plant = Plant::start().await;
    plant.server.basalt(&["org", "create", "other"]).await.expect_success();
    let credentials = plant.issue(&["--org", "other"]).await;
    let foreign = TokenClient::of(&plant.client, &credentials).await;
    plant.post(plant.stream, 0, json!(7)).await;
    let absent = 999;
    for (at, (path, body)) in good_requests(plant.device).into_iter().enumerate() {
        let method = if body.is_null() { "GET" } else { "POST" };
        let (status, answer) = foreign.send(method, &path, &body.to_string()).await.outcome();
        let expected = match at {
            1 => (200, json!([])),
            5 => (400, error("No valid device found.")),
            _ => (404, no_device(plant.device)),
        };
        assert_eq!((status, answer), expected, "{path}");
        // The answer is that for a device which nobody has.
        let (path, body) = &good_requests(absent)[at];
        let (status, answer) = foreign.send(method, path, &body.to_string()).await.outcome();
        let expected = if expected.0 == 404 { (404, no_device(absent)) } else { expected };
        assert_eq!((status, answer), expected, "{path}");
    }
    // Beside a device of its own, the other is not found.
    let key = plant
        .server
        .create_key(&["--org", "other", "--scope", "device:write", "--scope", "data:write"])
        .await;
    let theirs = plant.client.with_key(&key);
    let own = super::device(&theirs, json!({"name": "own"})).await;
    super::stream(&theirs, json!({"name": "Motor RPM", "device": own})).await;
    let body = json!({"fields": ["deviceId", "Motor_RPM"], "updates": [[own, 1], [plant.device, 2]]});
    foreign.post(BATCH_UPDATE, &body).await.is(200, &json!({"deviceNotFound": 1}));
    let both = foreign.get(&format!("{BATCH}?deviceIds={},{own}", plant.device)).await.body;
    assert_eq!(both.as_array().map(Vec::len), Some(1), "{both}");
    assert_eq!(both[0]["dataStreams"][0]["value"], json!(1), "{both}");
    assert_eq!(plant.values(plant.stream).await, [json!(7.0)]);
}

#[tokio::test]
async fn refused_requests_are_in_the_audit_log() {
    let plant = Plant::start().await;
    plant.user("ann").await;
    let viewer = plant.of_role("viewer").await;
    for (path, body) in &good_requests(plant.device)[..4] {
        let method = if body.is_null() { "GET" } else { "POST" };
        viewer.send(method, path, &body.to_string()).await;
    }
    TokenClient::new(&plant.client, "guess").get(&good_requests(1)[0].0).await;
    let rows =
        plant.client.sql("SELECT DISTINCT outcome FROM audit_log WHERE outcome <> 'ok' ORDER BY 1").await;
    let outcomes: Vec<&Value> = rows.iter().map(|row| &row["outcome"]).collect();
    assert!(
        outcomes.contains(&&json!("forbidden")) && outcomes.contains(&&json!("not_found")),
        "{outcomes:?}"
    );
}
