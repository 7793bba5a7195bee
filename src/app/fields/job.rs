//! The fields of an import, and of what its sender reports.

use serde_json::{Map, Value};

use super::drf_scalar;
use super::field_type::ANY_LENGTH;
use super::reader::FieldReader;
use super::visitor::Presence::{Optional, Required};
use crate::app::jobs::Jobs;
use crate::domain::job::{
    ImportReport, ImportUnit, ImportedFile, Job, JobEnd, JobKind, JobState, MAX_ERROR_CHARS, MAX_NAME_CHARS,
    MAX_RESULT_BYTES,
};
use crate::domain::validation::{check_range, check_text, json_bytes};
use crate::domain::{FieldError, JobId, Principal, Result};

/// Largest size of a file: the largest number that every JSON parser reads as it is.
pub const MAX_SIZE: i64 = 1 << 53;

impl Jobs {
    /// Creates the job of an import: `kind`, `name`, and `size` and `unit` where given.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Jobs::create_import`].
    pub async fn create_import_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<Job> {
        let mut kind = JobKind::Import;
        fields.read("kind", Required, (), &mut kind);
        if kind != JobKind::Import {
            fields.add_error("kind", drf_scalar::not_a_choice(kind.name()));
        }
        let mut name = String::new();
        fields.read("name", Required, 1..=MAX_NAME_CHARS, &mut name);
        let size: Option<i64> = fields.read_or("size", 0..=MAX_SIZE, None);
        let unit = fields.read_or("unit", (), ImportUnit::Bytes);
        let mut problems = Vec::new();
        check_text(&mut problems, "name", &name, 1, MAX_NAME_CHARS);
        fields.finish(problems)?;
        let size = size.and_then(|size| u64::try_from(size).ok());
        self.create_import(principal, ImportedFile { name, size, unit }).await
    }

    /// Takes a report about an import: `progress`, `state`, `result` and `error`, each where given.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Jobs::report_import`].
    pub async fn report_import_from_fields(
        &self,
        principal: &Principal,
        id: JobId,
        mut fields: FieldReader,
    ) -> Result<Job> {
        let progress: Option<f64> = fields.read_or("progress", 0.0..=1.0, None);
        let mut state = JobState::Running;
        fields.read("state", Optional, (), &mut state);
        let result: Map<String, Value> = fields.read_or("result", (), Map::new());
        let error: String = fields.read_or("error", ANY_LENGTH, String::new());
        let end = match state {
            JobState::Running => None,
            JobState::Done => Some(JobEnd::Done(Value::Object(result.clone()))),
            JobState::Failed => Some(JobEnd::Failed(error.clone())),
            JobState::Queued | JobState::Cancelled => {
                fields.add_error("state", drf_scalar::not_a_choice(state.name()));
                None
            }
        };
        fields.finish(report_problems(progress, &result, &error))?;
        self.report_import(principal, id, ImportReport { progress, end }).await
    }
}

fn report_problems(progress: Option<f64>, result: &Map<String, Value>, error: &str) -> Vec<FieldError> {
    let mut found = Vec::new();
    if let Some(progress) = progress {
        check_range(&mut found, "progress", progress, 0.0, 1.0);
    }
    if json_bytes(result) > MAX_RESULT_BYTES {
        let message = format!("Ensure this field has no more than {MAX_RESULT_BYTES} bytes of JSON.");
        found.push(FieldError::new("result", message));
    }
    check_text(&mut found, "error", error, 0, MAX_ERROR_CHARS);
    found
}
