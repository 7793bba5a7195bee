//! One reading as each vocabulary shows it.

use basalt::domain::Micros;
use serde_json::{Value, json};

use super::content::{Kind, plain};
use super::model::{Model, SECOND, Stream};
use super::plant::Plant;
use crate::blynk::HISTORY;
use crate::graphql;
use crate::opensynaptic::list;
use crate::support::rows;

/// An interface for reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    DataStone,
    Sql,
    GraphQl,
    Blynk,
    /// Packets of OpenSynaptic.
    Sensors,
    /// Messages of GraphQL.
    Messages,
    /// Instathings, in the cloud.
    Cloud,
    /// Instathings, on-premise.
    Onpremise,
}

impl View {
    pub const ALL: [View; 8] = rows![
        View::DataStone; View::Sql; View::GraphQl; View::Blynk; View::Sensors; View::Messages; View::Cloud;
        View::Onpremise;
    ];

    /// How a value is shown here.
    pub fn expected(self, kind: Kind, value: &Value) -> Value {
        match self {
            View::DataStone | View::Cloud | View::Onpremise => plain(value),
            View::Sql | View::GraphQl => json!(kind.columns(value)),
            View::Blynk => kind.blynk(value),
            View::Sensors | View::Messages => kind.sensor(value),
        }
    }

    /// The value shown of a stream at a time; null for none. Of several times in the unit that a vocabulary tells
    /// apart it is the first.
    pub async fn read(self, plant: &Plant, model: &Model, stream: usize, ts: i64) -> Value {
        let stream = &model.streams[stream];
        let row = match self {
            View::DataStone => rest_row(plant, stream, ts).await["value"].clone(),
            View::Sql => sql_row(plant, stream, ts).await,
            View::GraphQl => graphql_row(plant, stream, ts).await,
            View::Blynk => blynk_row(plant, model, stream, ts).await["value"].clone(),
            View::Sensors => sensor(plant, model, stream, ts).await["normalized_value"].clone(),
            View::Messages => message_sensor(plant, model, stream, ts).await["value"].clone(),
            View::Cloud => cloud_member(plant, model, stream, ts).await,
            View::Onpremise => onpremise_member(plant, model, stream, ts).await,
        };
        plain(&row)
    }

    /// Checks that the model's value of a stream and time is shown at once.
    pub async fn check(self, plant: &Plant, model: &Model, stream: usize, ts: i64) {
        let kind = model.streams[stream].kind;
        let expected = model.readings.get(&(stream, ts)).map_or(Value::Null, |v| self.expected(kind, v));
        let found = self.read(plant, model, stream, ts).await;
        let name = &model.streams[stream].name;
        assert_eq!(found, expected, "{self:?} right after a write to {name} at {}", iso(ts));
    }
}

pub fn iso(ts: i64) -> String {
    Micros(ts).to_iso()
}

/// The value and the text of a row of SQL or GraphQL, as [`Kind::columns`] has them.
pub fn columns(kind: Kind, row: &Value) -> Value {
    json!([plain(&row["value"]), kind.read_text(&row["text"])])
}

async fn rest_row(plant: &Plant, stream: &Stream, ts: i64) -> Value {
    let ts = iso(ts);
    plant.get(&format!("/api/data/{}/value/?from={ts}&to={ts}", stream.id)).await[0].clone()
}

async fn sql_row(plant: &Plant, stream: &Stream, ts: i64) -> Value {
    let query = format!(
        "SELECT value, text FROM readings WHERE stream_id = {} AND CAST(ts AS BIGINT) = {ts}",
        stream.id
    );
    let rows = plant.client.sql(&query).await;
    rows.first().map_or(Value::Null, |row| columns(stream.kind, row))
}

async fn graphql_row(plant: &Plant, stream: &Stream, ts: i64) -> Value {
    let query = "query($s: Int, $from: DateTime, $to: DateTime) { stream(rowId: $s) { values(from: $from, to: $to) { nodes { value text } } } }";
    let variables = json!({"s": stream.id, "from": iso(ts), "to": iso(ts + 1)});
    let found = graphql::data(&plant.client, query, variables).await;
    let row = &found["stream"]["values"]["nodes"][0];
    if row.is_null() { Value::Null } else { columns(stream.kind, row) }
}

async fn blynk_row(plant: &Plant, model: &Model, stream: &Stream, ts: i64) -> Value {
    let (device, ms) = (model.devices[stream.device].id, ts.div_euclid(1000));
    let query = format!("deviceId={device}&dataStreamId={}&from={ms}&to={ms}", stream.channel);
    let page = plant.blynk.get(&format!("{HISTORY}?{query}")).await.ok();
    page["content"].as_array().expect("a list").last().cloned().unwrap_or_default()
}

async fn sensor(plant: &Plant, model: &Model, stream: &Stream, ts: i64) -> Value {
    let second = ts.div_euclid(SECOND);
    let device = model.devices[stream.device].external_id.replace(' ', "%20");
    let name = stream.name.replace(' ', "%20");
    let query = format!("device_id={device}&sensor_id={name}&since={second}&until={second}");
    list(&plant.stranger(), &format!("/api/data/sensors?{query}")).await["sensors"][0].clone()
}

async fn message_sensor(plant: &Plant, model: &Model, stream: &Stream, ts: i64) -> Value {
    let query = "query($d: ID, $from: DateTime, $to: DateTime) { messages(device: $d, from: $from, to: $to) { nodes { sensors { sensorId value } } } }";
    let device = model.devices[stream.device].id.to_string();
    let variables = json!({"d": device, "from": iso(ts), "to": iso(ts + 1)});
    let found = graphql::data(&plant.client, query, variables).await;
    let sensors = found["messages"]["nodes"][0]["sensors"].as_array().cloned().unwrap_or_default();
    sensors.into_iter().find(|sensor| sensor["sensorId"] == *stream.name).unwrap_or_default()
}

async fn cloud_member(plant: &Plant, model: &Model, stream: &Stream, ts: i64) -> Value {
    let (key, ms) = (&model.devices[stream.device].key, ts.div_euclid(1000));
    let path = format!("/device/v1/devices/{key}/data?start={ms}&end={ms}");
    let page = plant.cloud("GET", &path, &Value::Null).await.ok();
    member(&page, stream)
}

async fn onpremise_member(plant: &Plant, model: &Model, stream: &Stream, ts: i64) -> Value {
    let (key, ms) = (&model.devices[stream.device].key, ts.div_euclid(1000));
    let path = format!("/device/v1/devices/{key}/data?start={ms}&end={ms}");
    let page = plant.onpremise().get(&path).await.ok();
    member(&page, stream)
}

/// The value in the payload of the only message: by the name of its stream, or as the first sensor of a fact.
fn member(page: &Value, stream: &Stream) -> Value {
    let payload = &page["data"][0]["data"];
    payload.get(&stream.name).or_else(|| payload.get("s1_v")).cloned().unwrap_or_default()
}
