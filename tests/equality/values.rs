//! Readings against the model: lists of DataStone, SQL, GraphQL and Blynk, and the newest of each stream.

use std::collections::BTreeMap;

use futures::StreamExt;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::content::plain;
use super::model::{Model, Stream};
use super::plant::Plant;
use super::views::{columns, iso};
use crate::blynk::{BATCH, DATASTREAMS, HISTORY};
use crate::graphql;

/// Rows of a page of Blynk at most.
const SIZE: usize = 1000;
/// Streams that are asked for at once.
const PARALLEL: usize = 4;
/// A time after every write, milliseconds.
const END_MS: i64 = 4_102_444_800_000;

/// Checks every list of readings.
pub async fn check(plant: &Plant, model: &Model, rng: &mut StdRng) {
    check_sql(plant, model).await;
    check_all_values(plant, model).await;
    let mut page = || -> (usize, usize) { (rng.random_range(0..4), rng.random_range(1..9)) };
    let streams: Vec<_> = model.streams.iter().enumerate().map(|(place, one)| (place, one, page())).collect();
    let current = current_values(plant, model).await;
    let current = &current;
    let checked =
        futures::stream::iter(streams).for_each_concurrent(PARALLEL, |(place, stream, page)| async move {
            let values = model.values(place);
            check_datastone(plant, stream, &values).await;
            check_graphql(plant, stream, &values, current.get(&place)).await;
            check_history(plant, model, (stream, &values[..]), page).await;
        });
    checked.await;
    check_last_values(plant, model, current).await;
    check_current(plant, model, current).await;
}

/// Time and value of a stream's current reading, by the stream's place.
type CurrentValues = BTreeMap<usize, (i64, Value)>;

/// The current readings as SQL has them, each of which was written. Which ones are current is another question:
/// tests/store/current_values.rs.
async fn current_values(plant: &Plant, model: &Model) -> CurrentValues {
    let rows = plant.client.sql("SELECT stream_id, CAST(ts AS BIGINT) AS us FROM latest").await;
    let mut current = CurrentValues::new();
    for row in rows {
        let place = model.streams.iter().position(|stream| json!(stream.id) == row["stream_id"]);
        let (place, ts) =
            (place.expect("a stream that somebody created"), row["us"].as_i64().expect("a time"));
        let written = model.values(place).into_iter().find(|(written, _)| *written == ts);
        current.insert(place, (ts, written.expect("somebody wrote it").1.clone()));
    }
    let with_values = (0..model.streams.len()).filter(|place| !model.values(*place).is_empty());
    assert!(with_values.eq(current.keys().copied()), "each stream with values has a current one");
    current
}

async fn check_sql(plant: &Plant, model: &Model) {
    let query =
        "SELECT stream_id, CAST(ts AS BIGINT) AS us, value, text, quality FROM readings ORDER BY 1, 2";
    let rows = plant.client.sql(query).await;
    let mut expected: Vec<Value> = Vec::new();
    for ((place, ts), value) in &model.readings {
        let stream = &model.streams[*place];
        expected.push(json!([stream.id, ts, stream.kind.columns(value), "good"]));
    }
    expected.sort_by_key(|row| (row[0].as_i64(), row[1].as_i64()));
    let shown = |row: &Value| {
        let stream = model.streams.iter().find(|stream| json!(stream.id) == row["stream_id"]);
        let kind = stream.unwrap_or_else(|| panic!("a stream that nobody created: {row}")).kind;
        json!([row["stream_id"], row["us"], columns(kind, row), row["quality"]])
    };
    let found: Vec<Value> = rows.iter().map(shown).collect();
    assert_eq!(found, expected, "SQL");
}

/// The list of DataStone over all streams: the oldest first, then by stream.
async fn check_all_values(plant: &Plant, model: &Model) {
    let row = |((place, ts), value): (&(usize, i64), &Value)| {
        let id = model.streams[*place].id;
        let row = json!({"id": format!("{id}-{ts}"), "data": id, "timestamp": iso(*ts), "value": value});
        ((*ts, id), row)
    };
    let mut expected: Vec<_> = model.readings.iter().map(row).collect();
    expected.sort_by_key(|(key, _)| *key);
    let expected: Vec<Value> = expected.into_iter().map(|(_, row)| row).collect();
    assert_eq!(plain(&plant.get("/api/value/?from=0").await), json!(expected), "/api/value/");
}

async fn check_datastone(plant: &Plant, stream: &Stream, values: &[(i64, &Value)]) {
    let row = |(ts, value): &(i64, &Value)| json!({"data": stream.id, "timestamp": iso(*ts), "value": value});
    let mut expected: Vec<Value> = values.iter().map(row).collect();
    let path = format!("/api/data/{}/value/", stream.id);
    assert_eq!(plain(&plant.get(&format!("{path}?from=0")).await), json!(expected), "{path} {}", stream.name);
    expected.reverse();
    expected.truncate(7);
    assert_eq!(plain(&plant.get(&format!("{path}?limit=7")).await), json!(expected), "{path}: the newest");
}

/// The list of streams with the last value of each.
async fn check_last_values(plant: &Plant, model: &Model, current: &CurrentValues) {
    let rows = plant.get("/api/data/").await;
    let found = rows.as_array().expect("a list").iter();
    let found: Vec<Value> =
        found.map(|row| json!([row["id"], plain(&row["last_value"]), row["last_timestamp"]])).collect();
    let row = |(place, stream): (usize, &Stream)| match current.get(&place) {
        Some((ts, value)) => json!([stream.id, value, iso(*ts)]),
        None => json!([stream.id, null, null]),
    };
    let mut expected: Vec<Value> = model.streams.iter().enumerate().map(row).collect();
    expected.sort_by_key(|row| row[0].as_i64());
    assert_eq!(found, expected, "the last values of DataStone");
}

async fn check_graphql(
    plant: &Plant,
    stream: &Stream,
    values: &[(i64, &Value)],
    current: Option<&(i64, Value)>,
) {
    let query = "query($s: Int) { stream(rowId: $s) { latest { ts value text } values(first: 2000) { totalCount nodes { ts value text } } } }";
    let found = graphql::data(&plant.client, query, json!({ "s": stream.id })).await;
    let row = |row: &Value| json!([row["ts"], columns(stream.kind, row)]);
    let page = &found["stream"]["values"];
    let rows: Vec<Value> = page["nodes"].as_array().expect("nodes").iter().map(row).collect();
    let expected: Vec<Value> =
        values.iter().map(|(ts, value)| json!([iso(*ts), stream.kind.columns(value)])).collect();
    assert_eq!((&rows, &page["totalCount"]), (&expected, &json!(values.len())), "{}", stream.name);
    let latest = Some(&found["stream"]["latest"]).filter(|latest| !latest.is_null()).map(row);
    let current = current.map(|(ts, value)| json!([iso(*ts), stream.kind.columns(value)]));
    assert_eq!(latest, current, "the latest of {}", stream.name);
}

/// The history of Blynk: the newest first, whole and a page of it.
async fn check_history(
    plant: &Plant,
    model: &Model,
    (stream, values): (&Stream, &[(i64, &Value)]),
    page: (usize, usize),
) {
    let row = |(ts, value): &(i64, &Value)| json!({"createdAt": ts.div_euclid(1000), "value": stream.kind.blynk(value)});
    let expected: Vec<Value> = values.iter().rev().map(row).collect();
    let device = model.devices[stream.device].id;
    for (page, size) in [(0, SIZE), page] {
        let query = format!("deviceId={device}&dataStreamId={}&from=0&to={END_MS}", stream.channel);
        let path = format!("{HISTORY}?{query}&page={page}&size={size}");
        let (status, found) = plant.blynk.get(&path).await.outcome();
        let content: Vec<Value> = expected.iter().skip(page * size).take(size).cloned().collect();
        let expected = json!({"content": content, "totalElements": expected.len()});
        assert_eq!((status, plain(&found)), (200, expected), "{path}");
    }
}

/// The current values of Blynk, of each device and of all at once.
async fn check_current(plant: &Plant, model: &Model, current: &CurrentValues) {
    let mut batch = Vec::new();
    for (device, row) in model.devices.iter().enumerate() {
        let of_device = |(place, stream): (usize, &Stream)| {
            let mut view = json!({
                "dataStreamId": stream.channel, "pin": format!("v{}", stream.channel),
                "dataStreamLabel": stream.name.replace(' ', "_"), "dataStreamAlias": stream.name,
            });
            if let Some((ts, value)) = current.get(&place) {
                view["value"] = stream.kind.blynk(value);
                view["updatedAt"] = json!(ts.div_euclid(1000));
            }
            view
        };
        let own = model.streams.iter().enumerate().filter(|(_, stream)| stream.device == device);
        let expected: Vec<Value> = own.map(of_device).collect();
        let found = plant.blynk.get(&format!("{DATASTREAMS}?deviceId={}", row.id)).await;
        let found = found.about(&row.external_id).ok();
        assert_eq!(plain(&found), json!(expected), "{}", row.external_id);
        batch.push(json!({"deviceId": row.id, "dataStreams": expected}));
    }
    let ids: Vec<String> = model.devices.iter().map(|device| device.id.to_string()).collect();
    let found = plant.blynk.get(&format!("{BATCH}?deviceIds={}", ids.join(","))).await;
    let found = found.about("all devices").ok();
    assert_eq!(plain(&found), json!(batch), "all devices");
}
