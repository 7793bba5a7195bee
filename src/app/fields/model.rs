//! The fields of a model: those of an upload, and those that can change later.

use std::sync::Arc;

use serde_json::Value;

use super::drf_scalar;
use super::field_type::ANY_NUMBER;
use super::reader::FieldReader;
use super::visitor::Presence::{Optional, Required};
use crate::app::ai::ModelService;
use crate::app::ai::upload::UploadRequest;
use crate::domain::model::{Model, ModelSettings};
use crate::domain::{DeviceId, ModelId, Principal, Result, StreamId};

/// Reads every field of an upload except the two files.
pub fn read_upload(fields: &mut FieldReader, request: &mut UploadRequest) {
    // All settings by name: one that is missing here does not compile.
    let ModelSettings { kind, sources, interval_s, score, output, threshold, clear_ratio, min_windows } =
        &mut request.settings;
    fields.read("model_type", Required, (), kind);
    if let Some(input) = fields.any("source") {
        match read_sources(input) {
            Ok(input) => *sources = input,
            Err(message) => fields.add_error("source", message),
        }
    }
    fields.read("threshold", Optional, ANY_NUMBER, threshold);
    fields.read("interval", Optional, ANY_NUMBER, interval_s);
    fields.read("score", Optional, (), score);
    fields.read("output", Optional, 0..=63, output);
    fields.read("clear_ratio", Optional, ANY_NUMBER, clear_ratio);
    fields.read("min_windows", Optional, 1..=10_000, min_windows);
    fields.text_or_null("name", &mut request.name);
    fields.row_or_null("device_id", DeviceId, &mut request.device);
    fields.row_or_null("data_id", StreamId, &mut request.stream);
}

/// One id, or several, comma-separated.
fn read_sources(input: Value) -> Result<Vec<StreamId>, String> {
    let text = drf_scalar::text(input)?;
    let ids = text.split(',').map(|id| drf_scalar::row_id(&Value::from(id.trim())).map(StreamId));
    ids.collect()
}

/// Reads the fields of a model that can change.
fn read_model(fields: &mut FieldReader, enabled: &mut bool, settings: &mut ModelSettings) {
    fields.read("enabled", Optional, (), enabled);
    fields.read("threshold", Optional, ANY_NUMBER, &mut settings.threshold);
    fields.read("clear_ratio", Optional, ANY_NUMBER, &mut settings.clear_ratio);
    fields.read("min_windows", Optional, 1..=10_000, &mut settings.min_windows);
}

impl ModelService {
    /// Changes the given fields of a model.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn update_model_from_fields(
        &self,
        principal: &Principal,
        id: ModelId,
        patch: FieldReader,
    ) -> Result<Arc<Model>> {
        let current = self.model_to_change(principal, id)?;
        let (mut fields, mut enabled, mut changed) =
            (patch.clone(), current.enabled, current.version.settings.clone());
        read_model(&mut fields, &mut enabled, &mut changed);
        let mut problems = changed.problems();
        // Sources invisible to the caller are missing from the settings checked here, so their problems do not count.
        problems.retain(|problem| problem.field != "source");
        fields.finish(problems)?;
        // Merged again onto the row stored by then: concurrent updates of different fields must both last.
        let merge = move |enabled: &mut bool, settings: &mut ModelSettings| {
            read_model(&mut patch.clone(), enabled, settings);
        };
        self.update_model(principal, id, merge).await
    }
}
