//! Current values and history.

use serde_json::{Value, json};

use super::{BATCH, DATASTREAMS, HISTORY, NOON, Plant, device, error, no_datastream, no_device, stream};
use crate::support::{row_vec, rows};

#[tokio::test]
async fn datastreams_of_a_device_come_by_their_ids() {
    let plant = Plant::start().await;
    let id = device(&plant.client, json!({"name": "node"})).await;
    let note =
        stream(&plant.client, json!({"name": "My note", "device": id, "type": "text", "pin": 40})).await;
    let body = json!({"name": "Count", "device": id, "type": "uint64", "label": "Pieces"});
    let count = stream(&plant.client, body).await;
    let state = stream(&plant.client, json!({"name": "On", "device": id, "type": "bit"})).await;
    stream(&plant.client, json!({"name": "Silent", "device": id})).await;
    plant.post(note, 0, json!("hello")).await;
    plant.post(count, 1, json!(u64::MAX)).await;
    plant.post(state, 2, json!(true)).await;
    let view = |id: i64, pin: i64, label: &str, alias: &str, value: Value, ms: i64| {
        json!({
            "dataStreamId": id, "pin": format!("v{pin}"), "dataStreamLabel": label, "dataStreamAlias": alias,
            "value": value, "updatedAt": NOON + ms
        })
    };
    let note = view(1, 40, "My_note", "My note", json!("hello"), 0);
    let count = view(2, 2, "Pieces", "Count", json!(u64::MAX), 1);
    let on = view(3, 3, "On", "On", json!(1), 2);
    let silent =
        json!({"dataStreamId": 4, "pin": "v4", "dataStreamLabel": "Silent", "dataStreamAlias": "Silent"});
    let path = |query: &str| format!("{DATASTREAMS}?deviceId={id}{query}");
    let get = |query: &str, expected: Value| (path(query), Value::Null, 200, expected);
    let rows = row_vec![
        get("", json!([note, count, on, silent]));
        get("&dataStreamIds=", json!([note, count, on, silent]));
        get("&dataStreamIds=3", json!([on]));
        get("&dataStreamIds=3,1", json!([note, on]));
        get("&dataStreamIds=3&dataStreamIds=1&dataStreamIds=3", json!([note, on]));
        get("&dataStreamIds=99,1", json!([note]));
        get("&dataStreamIds=-1", json!([]));
        path("&dataStreamIds=x"), Value::Null, 400, error("Parameter dataStreamIds has wrong format.");
        DATASTREAMS.to_owned(), Value::Null, 400, error("Parameter deviceId is required.");
        format!("{DATASTREAMS}?deviceId=abc"), Value::Null, 400, error("Parameter deviceId has wrong format.");
        format!("{DATASTREAMS}?deviceId=0"), Value::Null, 404, no_device(0);
        format!("{DATASTREAMS}?deviceId=-1"), Value::Null, 404, no_device(-1);
        format!("{DATASTREAMS}?deviceId=999"), Value::Null, 404, no_device(999);
        format!("{BATCH}?deviceIds={id},999,{}&dataStreamIds=1", plant.device), Value::Null, 200,
            json!([
                {"deviceId": id, "dataStreams": [note]},
                {"deviceId": plant.device, "dataStreams": [{
                    "dataStreamId": 1, "pin": "v1", "dataStreamLabel": "Motor_RPM", "dataStreamAlias": "Motor RPM"
                }]}
            ]);
        format!("{BATCH}?deviceIds=999"), Value::Null, 200, json!([]);
        BATCH.to_owned(), Value::Null, 400, error("Parameter deviceIds is required.");
        format!("{BATCH}?deviceIds=1,2,3,4,5,6,7,8,9,10,11"), Value::Null, 400, error("Maximum 10 devices are allowed.");
    ];
    plant.blynk.check(rows).await;
}

#[tokio::test]
async fn a_history_has_pages_and_a_range_and_names_what_is_wrong() {
    let plant = Plant::start().await;
    for n in 1..=7 {
        plant.post(plant.stream, n, json!(n)).await;
    }
    let base = format!("deviceId={}&dataStreamId=1", plant.device);
    let all = format!("{base}&from={}&to={}", NOON, NOON + 10);
    let page = |values: &[i64], total: u64| {
        let content: Vec<_> = values.iter().map(|n| json!({"createdAt": NOON + n, "value": n})).collect();
        json!({"content": content, "totalElements": total})
    };
    let range = |from: i64, to: i64| format!("{base}&from={}&to={}", NOON + from, NOON + to);
    let rows = rows![
        all.clone(), page(&[7, 6, 5, 4, 3, 2, 1], 7);
        format!("{all}&size=3"), page(&[7, 6, 5], 7);
        format!("{all}&size=3&page=1"), page(&[4, 3, 2], 7);
        format!("{all}&size=3&page=2"), page(&[1], 7);
        format!("{all}&size=3&page=3"), page(&[], 7);
        format!("{all}&size=7&page=1"), page(&[], 7);
        format!("{all}&size=7"), page(&[7, 6, 5, 4, 3, 2, 1], 7);
        format!("{all}&page=2147483647&size=1000"), page(&[], 7);
        format!("{all}&page=&size="), page(&[7, 6, 5, 4, 3, 2, 1], 7);
        format!("{all}&size=2&size=1"), page(&[7], 7);
        range(3, 5), page(&[5, 4, 3], 3);
        range(3, 3), page(&[3], 1);
        range(8, 9), page(&[], 0);
        format!("{base}&from=-9223372036854775808&to=9223372036854775807&size=1"), page(&[7], 7);
        format!("{base}&from=9223372036854775807&to=9223372036854775807"), page(&[], 0);
        format!("deviceId={}&pin=v1&from={NOON}&to={}", plant.device, NOON + 10), page(&[7, 6, 5, 4, 3, 2, 1], 7);
        format!("{all}&pin=v99"), page(&[7, 6, 5, 4, 3, 2, 1], 7);
    ];
    for place in ["in memory", "in the lake"] {
        for (query, expected) in &rows {
            let body = plant.blynk.get(&format!("{HISTORY}?{query}")).await;
            assert_eq!(&body.about(&format!("{place}: {query}")).ok(), expected, "{place}: {query}");
        }
        plant.server.basalt(&["compact"]).await.expect_success();
    }

    let id = plant.device;
    let all = format!("{HISTORY}?deviceId={id}&dataStreamId=1&from=1&to=2");
    let wrong = |name: &str| error(&format!("Parameter {name} has wrong format."));
    let missing = |name: &str| error(&format!("Parameter {name} is required."));
    let get = |path: String, status: u16, expected: Value| (path, Value::Null, status, expected);
    let rows = vec![
        get(format!("{HISTORY}?dataStreamId=1&from=1&to=2"), 400, missing("deviceId")),
        get(format!("{HISTORY}?deviceId={id}&from=1&to=2"), 400, missing("dataStreamId")),
        get(format!("{HISTORY}?deviceId={id}&dataStreamId=1&to=2"), 400, missing("from")),
        get(format!("{HISTORY}?deviceId={id}&dataStreamId=1&from=1"), 400, missing("to")),
        get(format!("{all}&from=3"), 400, wrong("from")),
        get(format!("{all}&page=-1"), 400, wrong("page")),
        get(format!("{all}&page=one"), 400, wrong("page")),
        get(format!("{all}&size=0"), 400, wrong("size")),
        get(format!("{all}&size=1001"), 400, wrong("size")),
        get(format!("{all}&size=-1"), 400, wrong("size")),
        get(format!("{HISTORY}?deviceId=999&dataStreamId=1&from=1&to=2"), 404, no_device(999)),
        get(format!("{HISTORY}?deviceId={id}&dataStreamId=9&from=1&to=2"), 404, no_datastream("9")),
        get(format!("{HISTORY}?deviceId={id}&dataStreamId=0&from=1&to=2"), 404, no_datastream("0")),
        get(format!("{HISTORY}?deviceId={id}&pin=v9&from=1&to=2"), 404, no_datastream("v9")),
    ];
    plant.blynk.check(rows).await;
}
