//! The model of the demo's furnace: examples/anomaly/furnace, with what it was trained on and by which command.

use std::time::Duration;

use serde_json::Value;

use crate::app::App;
use crate::app::ai::upload::{UploadRequest, UploadedFile};
use crate::domain::device::DeviceFilter;
use crate::domain::model::{ModelKind, ModelSettings};
use crate::domain::stream::StreamFilter;
use crate::domain::{Error, Principal, Result, StreamId};
use crate::sim::fault::{Fault, Sensor, What, When};

const MODEL: &[u8] = include_bytes!("../../examples/anomaly/furnace/model.tflite");
const SCALER: &[u8] = include_bytes!("../../examples/anomaly/furnace/scaler.joblib");
const TOLD: &str = include_str!("../../examples/anomaly/furnace/model.json");

/// The device that the model runs as.
pub const NAME: &str = "Furnace watch";

/// The device whose streams it looks at.
const FURNACE: &str = "Furnace PLC";

/// In the order of the scaler's features.
const SOURCES: [&str; 2] = ["furnace.temperature", "furnace.power"];

/// What goes wrong unless somebody asks for other faults: the thermometer drifts by 30 K, 30 s after the start and every
/// five minutes.
pub fn fault() -> Fault {
    let seconds = Duration::from_secs;
    let when = When { start: seconds(30), length: seconds(20), every: Some(seconds(300)) };
    Fault { what: What::Drift(Sensor::Chamber, 30.0), when }
}

/// Uploads the model as a user would, unless it is there.
pub async fn prepare(app: &App, owner: &Principal) -> Result<()> {
    let known = |name: &str| DeviceFilter { name: Some(name.to_owned()), ..DeviceFilter::default() };
    if !app.devices(owner, &known(NAME))?.is_empty() {
        return Ok(());
    }
    // Whoever renamed or deleted the furnace wants no watch over it.
    let Some(furnace) = app.devices(owner, &known(FURNACE))?.first().cloned() else { return Ok(()) };
    let filter = StreamFilter { device: Some(furnace.id), ..StreamFilter::default() };
    let streams = app.streams(owner, &filter)?;
    let named =
        |name: &&str| streams.iter().find(|stream| stream.spec.name == **name).map(|stream| stream.id);
    let sources: Vec<StreamId> = SOURCES.iter().filter_map(named).collect();
    if sources.len() < SOURCES.len() {
        return Ok(());
    }
    let threshold = threshold()?;
    let settings =
        ModelSettings { threshold: Some(threshold), ..ModelSettings::new(ModelKind::CnnAe, sources) };
    let file = |name: &str, bytes: &[u8]| UploadedFile { name: name.to_owned(), bytes: bytes.to_vec() };
    let request = UploadRequest {
        model: file("furnace.tflite", MODEL),
        scaler: file("furnace.joblib", SCALER),
        settings,
        name: Some(NAME.to_owned()),
        device: None,
        stream: None,
    };
    app.upload_model(owner, request).await?;
    Ok(())
}

/// As its training suggests.
fn threshold() -> Result<f64> {
    let told: Value = serde_json::from_str(TOLD)
        .map_err(|e| Error::internal("the demo's model does not say what it is").because(e))?;
    told["threshold"].as_f64().ok_or_else(|| Error::internal("the demo's model has no threshold"))
}
