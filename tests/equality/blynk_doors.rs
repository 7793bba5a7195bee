//! Writes through Blynk, each read at once by Blynk. Updates have the time at which they came, which only a read tells.

use std::collections::BTreeMap;

use basalt::domain::Clock;
use basalt::domain::time::SystemClock;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::content::{Kind, plain};
use super::doors::time;
use super::model::Model;
use super::plant::Plant;
use super::views::View;
use crate::blynk::{BATCH_UPDATE, DATASTREAMS, IMPORT, UPDATE, UPDATE_MANY};

/// Id of a datastream, and of a device, that there is not.
const NOTHING: i64 = 9_999;

/// Values that have to be current, by stream.
type Updates = BTreeMap<usize, Value>;

/// Updates one datastream.
pub async fn update(plant: &Plant, model: &mut Model, rng: &mut StdRng) {
    let place = rng.random_range(0..model.streams.len());
    let stream = &model.streams[place];
    let (given, kept) = update_value(model, place, rng);
    let device = model.devices[stream.device].id;
    let body = json!({"deviceId": device, "dataStreamId": stream.channel, "value": given});
    let since = SystemClock.now().0;
    expect_done(plant, UPDATE, &body).await;
    note(plant, model, Updates::from([(place, kept)]), since).await;
}

/// Updates datastreams of a device. What does not fit is skipped; of several values for one the last counts.
pub async fn update_many(plant: &Plant, model: &mut Model, rng: &mut StdRng) {
    let device = rng.random_range(0..model.devices.len());
    let own = streams_of(model, device);
    let (mut entries, mut updates) = (Vec::new(), Updates::new());
    for _ in 0..rng.random_range(1..6) {
        let place = own[rng.random_range(0..own.len())];
        let channel = model.streams[place].channel;
        entries.push(match rng.random_range(0..8) {
            0 => json!({"dataStreamId": NOTHING, "value": 1}),
            1 => json!({"dataStreamId": channel, "value": {"no": "kind takes an object"}}),
            2 => json!({"dataStreamId": channel, "value": null}),
            _ => {
                let (given, kept) = update_value(model, place, rng);
                updates.insert(place, kept);
                json!({"dataStreamId": channel, "value": given})
            }
        });
    }
    let body = json!({"deviceId": model.devices[device].id, "dataStreams": entries});
    let since = SystemClock.now().0;
    expect_done(plant, UPDATE_MANY, &body).await;
    note(plant, model, updates, since).await;
}

/// Updates columns of devices as a table, with rows that are skipped and cells that are.
pub async fn table(plant: &Plant, model: &mut Model, rng: &mut StdRng) {
    let names = [["Motor RPM", "Note"], ["Count", "Motor RPM"], ["Level", "Running"]];
    let names = names[rng.random_range(0..names.len())];
    let mut fields = vec![json!("deviceId")];
    fields.extend(names.map(|name| json!(name.replace(' ', "_"))));
    let (mut rows, mut updates, mut counters) = (Vec::new(), Updates::new(), json!({}));
    for number in 0..rng.random_range(1..6) {
        if number > 0 && rng.random_bool(0.25) {
            let (row, reason) = [
                (json!([model.devices[0].id]), "invalidRowSize"),
                (json!([null, 1, 1]), "nullDeviceId"),
                (json!(["x", 1, 1]), "nonNumericDeviceId"),
                (json!([NOTHING, 1, 1]), "deviceNotFound"),
            ][rng.random_range(0..4)]
            .clone();
            counters[reason] = json!(counters[reason].as_i64().unwrap_or(0) + 1);
            rows.push(row);
            continue;
        }
        // The first device has every label; another may lack one.
        let devices = if number == 0 { 2 } else { model.devices.len() };
        let device = rng.random_range(0..devices);
        let mut row = vec![json!(model.devices[device].id)];
        for name in names {
            row.push(match model.stream(device, name).filter(|_| rng.random_bool(0.8)) {
                Some(place) => {
                    let (given, kept) = update_value(model, place, rng);
                    updates.insert(place, kept);
                    given
                }
                None => [Value::Null, json!(["no", "kind", "takes", "it"])][rng.random_range(0..2)].clone(),
            });
        }
        rows.push(json!(row));
    }
    let body = json!({"fields": fields, "updates": rows});
    let since = SystemClock.now().0;
    let (status, answer) = plant.blynk.post(BATCH_UPDATE, &body).await.outcome();
    let expected = if counters == json!({}) { (204, Value::Null) } else { (200, counters) };
    assert_eq!((status, answer), expected, "{body}");
    note(plant, model, updates, since).await;
}

/// Imports past values, in whole milliseconds; of one time the last counts. They are not bounded by the current time.
pub async fn import(plant: &Plant, model: &mut Model, rng: &mut StdRng) {
    let place = rng.random_range(0..model.streams.len());
    let (mut points, mut written) = (Vec::new(), Vec::new());
    for _ in 0..rng.random_range(1..5) {
        let (given, kept) = update_value(model, place, rng);
        let ms = time(rng).div_euclid(1000);
        points.push(json!({"value": given, "ts": ms}));
        written.push((ms * 1000, kept));
    }
    let stream = &model.streams[place];
    let device = model.devices[stream.device].id;
    let body = json!({"deviceId": device, "dataStreamId": stream.channel, "values": points});
    expect_done(plant, IMPORT, &body).await;
    written.iter().for_each(|(ts, value)| model.write(place, *ts, value));
    for (ts, _) in written {
        View::Blynk.check(plant, model, place, ts).await;
    }
}

async fn expect_done(plant: &Plant, path: &str, body: &Value) {
    plant.blynk.post(path, body).await.is(204, &Value::Null);
}

/// A value as it is sent, and as it is kept: within the bounds of its stream.
fn update_value(model: &Model, place: usize, rng: &mut StdRng) -> (Value, Value) {
    let stream = &model.streams[place];
    let value = stream.kind.random(rng);
    let given = match stream.kind {
        Kind::Bit if rng.random_bool(0.5) => value.clone(),
        kind => kind.blynk(&value),
    };
    let kept = match (stream.bounds, value.as_f64()) {
        (Some((min, max)), Some(number)) => json!(number.clamp(min, max)),
        _ => value,
    };
    (given, kept)
}

fn streams_of(model: &Model, device: usize) -> Vec<usize> {
    (0..model.streams.len()).filter(|place| model.streams[*place].device == device).collect()
}

/// Reads updates, which have one time that lies between `since` and now. Tells the model.
async fn note(plant: &Plant, model: &mut Model, updates: Updates, since: i64) {
    let until = SystemClock.now().0;
    let mut times = Vec::new();
    for (place, value) in &updates {
        let stream = &model.streams[*place];
        let device = model.devices[stream.device].id;
        let path = format!("{DATASTREAMS}?deviceId={device}&dataStreamIds={}", stream.channel);
        let found = plant.blynk.get(&path).await.ok();
        assert_eq!(plain(&found[0]["value"]), stream.kind.blynk(value), "{path}: {found}");
        times.push(found[0]["updatedAt"].as_i64().expect("a time"));
    }
    let Some(ms) = times.first().copied() else { return };
    assert!(times.iter().all(|time| *time == ms), "one request has one time: {times:?}");
    let ceiling = until.div_euclid(1000) + 1;
    assert!((since.div_euclid(1000)..=ceiling).contains(&ms), "{since} to {until}: {ms}");
    updates.iter().for_each(|(place, value)| model.write(*place, ms * 1000, value));
}
