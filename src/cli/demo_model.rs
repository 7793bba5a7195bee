//! Model of the demo's furnace, from examples/anomaly/furnace, which also holds its training data and command.

use std::time::Duration;

use serde_json::Value;

use crate::app::App;
use crate::app::ai::upload::{UploadRequest, UploadedFile};
use crate::domain::device::DeviceFilter;
use crate::domain::model::{ModelKind, ModelSettings};
use crate::domain::stream::StreamFilter;
use crate::domain::{Error, Principal, Result, StreamId};
use crate::sim::fault::{FaultKind, FaultSchedule, PlantFault, Sensor};

const MODEL: &[u8] = include_bytes!("../../examples/anomaly/furnace/model.tflite");
const SCALER: &[u8] = include_bytes!("../../examples/anomaly/furnace/scaler.joblib");
const MODEL_INFO_JSON: &str = include_str!("../../examples/anomaly/furnace/model.json");

/// The device that the model runs as.
pub const MODEL_NAME: &str = "Furnace watch";

/// The device whose streams the model watches.
const SOURCE_DEVICE: &str = "Furnace PLC";

/// Source streams in the order of the scaler's features.
const SOURCE_STREAMS: [&str; 2] = ["furnace.temperature", "furnace.power"];

/// Returns the default fault: the thermometer drifts by 30 K, 30 s after the start and every five minutes.
pub fn demo_fault() -> PlantFault {
    let seconds = Duration::from_secs;
    let when = FaultSchedule { start: seconds(30), length: seconds(20), every: Some(seconds(300)) };
    PlantFault { kind: FaultKind::Drift(Sensor::Chamber, 30.0), schedule: when }
}

fn named(name: &str) -> DeviceFilter {
    DeviceFilter { name: Some(name.to_owned()), ..DeviceFilter::default() }
}

/// Whether the model is there.
pub fn exists(app: &App, owner: &Principal) -> Result<bool> {
    Ok(!app.devices.devices(owner, &named(MODEL_NAME))?.is_empty())
}

/// Uploads the model as a user would, unless it exists.
pub async fn prepare(app: &App, owner: &Principal) -> Result<()> {
    if exists(app, owner)? {
        return Ok(());
    }
    // An owner who renamed or deleted the furnace does not want the model.
    let Some(furnace) = app.devices.devices(owner, &named(SOURCE_DEVICE))?.first().cloned() else {
        return Ok(());
    };
    let filter = StreamFilter { device: Some(furnace.id), ..StreamFilter::default() };
    let streams = app.streams.streams(owner, &filter)?;
    let stream_of =
        |name: &&str| streams.iter().find(|stream| stream.spec.name == **name).map(|stream| stream.id);
    let sources: Vec<StreamId> = SOURCE_STREAMS.iter().filter_map(stream_of).collect();
    if sources.len() < SOURCE_STREAMS.len() {
        return Ok(());
    }
    let threshold = read_threshold()?;
    let settings =
        ModelSettings { threshold: Some(threshold), ..ModelSettings::new(ModelKind::CnnAe, sources) };
    let file = |name: &str, bytes: &[u8]| UploadedFile { name: name.to_owned(), bytes: bytes.to_vec() };
    let request = UploadRequest {
        model: file("furnace.tflite", MODEL),
        scaler: file("furnace.joblib", SCALER),
        settings,
        name: Some(MODEL_NAME.to_owned()),
        device: None,
        stream: None,
    };
    app.models.upload_model(owner, request).await?;
    Ok(())
}

/// Returns the threshold that the training suggests.
fn read_threshold() -> Result<f64> {
    let info: Value = serde_json::from_str(MODEL_INFO_JSON)
        .map_err(|e| Error::internal("the demo's model does not say what it is").with_source(e))?;
    info["threshold"].as_f64().ok_or_else(|| Error::internal("the demo's model has no threshold"))
}
