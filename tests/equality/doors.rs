//! Writes of readings through the native doors and DataStone, each read at once by its own vocabulary.

use std::collections::BTreeSet;

use basalt::domain::Micros;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::content::plain;
use super::model::{Model, SECOND};
use super::plant::{NOON, Plant, text};
use super::views::{View, iso};
use super::{blynk_doors, control, facts};
use crate::graphql;
use crate::support::rows;

/// An interface for writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteInterface {
    DataStone,
    Ingest,
    GraphQl,
    BlynkUpdate,
    BlynkUpdateMany,
    BlynkTable,
    BlynkImport,
    Facts,
    Control,
}

impl WriteInterface {
    pub const ALL: [WriteInterface; 9] = rows![
        WriteInterface::DataStone; WriteInterface::Ingest; WriteInterface::GraphQl; WriteInterface::BlynkUpdate;
        WriteInterface::BlynkUpdateMany; WriteInterface::BlynkTable; WriteInterface::BlynkImport;
        WriteInterface::Facts; WriteInterface::Control;
    ];

    /// Writes something at random, reads it by the door's own vocabulary, and tells the model.
    pub async fn write(self, plant: &Plant, model: &mut Model, rng: &mut StdRng) {
        match self {
            WriteInterface::DataStone => datastone(plant, model, rng).await,
            WriteInterface::Ingest => ingest(plant, model, rng).await,
            WriteInterface::GraphQl => write_values(plant, model, rng).await,
            WriteInterface::BlynkUpdate => blynk_doors::update(plant, model, rng).await,
            WriteInterface::BlynkUpdateMany => blynk_doors::update_many(plant, model, rng).await,
            WriteInterface::BlynkTable => blynk_doors::table(plant, model, rng).await,
            WriteInterface::BlynkImport => blynk_doors::import(plant, model, rng).await,
            WriteInterface::Facts => facts::post(plant, model, rng).await,
            WriteInterface::Control => control::answer(plant, model, rng).await,
        }
    }
}

/// Few distinct times, so that doors meet: within a second and around the ends of a window of counts and of a day.
pub fn time(rng: &mut StdRng) -> i64 {
    let start = [0, 0, 0, 595, 43_195][rng.random_range(0..5)];
    let within = [0, 0, 0, 1, 1500, 250_000, 999_999][rng.random_range(0..7)];
    NOON + (start + rng.random_range(0..10)) * SECOND + within
}

async fn datastone(plant: &Plant, model: &mut Model, rng: &mut StdRng) {
    let place = rng.random_range(0..model.streams.len());
    let stream = model.streams[place].clone();
    let value = stream.kind.random(rng);
    let given = rng.random_bool(0.8).then(|| time(rng));
    let mut body = json!({ "value": value });
    if let Some(ts) = given {
        body["timestamp"] = json!(iso(ts));
    }
    let path = format!("/api/data/{}/value/", stream.id);
    let (status, answer) = plant.client.post(&path, &body).await.outcome();
    assert!(status == 200 || status == 201, "{body}: {answer}");
    let ts = Micros::parse(text(&answer["timestamp"])).expect("a time").0;
    let is_replaced = model.readings.contains_key(&(place, ts));
    assert_eq!((status, ts), (if is_replaced { 200 } else { 201 }, given.unwrap_or(ts)), "{body}: {answer}");
    let expected = json!({"data": stream.id, "timestamp": iso(ts), "value": plain(&value)});
    assert_eq!(plain(&answer), expected, "{body}");
    model.write(place, ts, &value);
    View::DataStone.check(plant, model, place, ts).await;
}

/// A few values of any streams. Now and then one replaces another of the same request.
fn random_rows(model: &Model, rng: &mut StdRng) -> Vec<(usize, i64, Value)> {
    let mut rows: Vec<(usize, i64, Value)> = Vec::new();
    for _ in 0..rng.random_range(1..5) {
        let again = rows.last().filter(|_| rng.random_bool(0.2)).map(|(stream, ts, _)| (*stream, *ts));
        let (stream, ts) = again.unwrap_or_else(|| (rng.random_range(0..model.streams.len()), time(rng)));
        rows.push((stream, ts, model.streams[stream].kind.random(rng)));
    }
    rows
}

/// Tells the model of rows in their order, and reads each.
async fn note(plant: &Plant, model: &mut Model, rows: Vec<(usize, i64, Value)>, own: View) {
    rows.iter().for_each(|(stream, ts, value)| model.write(*stream, *ts, value));
    let places: BTreeSet<(usize, i64)> = rows.into_iter().map(|(stream, ts, _)| (stream, ts)).collect();
    for (stream, ts) in places {
        own.check(plant, model, stream, ts).await;
    }
}

async fn ingest(plant: &Plant, model: &mut Model, rng: &mut StdRng) {
    let rows = random_rows(model, rng);
    let line = |(stream, ts, value): &(usize, i64, Value)| {
        let stream = &model.streams[*stream];
        let (number, text) = stream.kind.row(value);
        let mut line = json!({"stream_id": stream.id, "ts": iso(*ts)});
        // A large integer is sent with all its digits.
        match number {
            Value::Null => line["text"] = text,
            number => line["value"] = if text.is_null() { number } else { value.clone() },
        }
        format!("{line}\n")
    };
    let body: String = rows.iter().map(line).collect();
    plant.client.ingest("application/x-ndjson", body.clone()).await.is(200, &json!({"rows": rows.len()}));
    note(plant, model, rows, View::Sql).await;
}

async fn write_values(plant: &Plant, model: &mut Model, rng: &mut StdRng) {
    let rows = random_rows(model, rng);
    let input = |(stream, ts, value): &(usize, i64, Value)| {
        let stream = &model.streams[*stream];
        let (value, text) = stream.kind.row(value);
        json!({"stream": stream.id.to_string(), "ts": iso(*ts), "value": value, "text": text})
    };
    let input: Vec<Value> = rows.iter().map(input).collect();
    let mutation = "mutation($input: [ValueInput!]!) { writeValues(input: $input) { rows replayed errors { field message } } }";
    let written = graphql::data(&plant.client, mutation, json!({ "input": input })).await;
    let expected = json!({"writeValues": {"rows": rows.len(), "replayed": false, "errors": []}});
    assert_eq!(written, expected, "{input:?}");
    note(plant, model, rows, View::GraphQl).await;
}
