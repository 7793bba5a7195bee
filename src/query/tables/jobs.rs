//! `jobs`: long-running work, read from the catalog's database. An organization has few of them: they are one page.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;

use super::paged_scan::{PageSource, PagedTable};
use super::{ints, text, times};
use crate::domain::job::{ImportedFile, Job, JobFilter, JobState, JobSubject};
use crate::query::context::QueryContext;
use crate::store::schema::timestamp;

/// Returns the columns; `progress` is 0 to 1, and `result` is JSON.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name: &str, is_nullable| Field::new(name, DataType::Utf8, is_nullable);
        let time = |name: &str, is_nullable| Field::new(name, timestamp(), is_nullable);
        Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int32, false),
            text("uuid", false),
            text("kind", false),
            Field::new("device_id", DataType::Int32, true),
            Field::new("model_id", DataType::Int32, true),
            text("export", true),
            text("name", true),
            Field::new("size", DataType::Int64, true),
            text("unit", true),
            text("state", false),
            Field::new("progress", DataType::Float64, false),
            text("result", true),
            text("error", true),
            text("requested_by", false),
            time("created_at", false),
            time("started_at", true),
            time("ended_at", true),
        ]))
    });
    SCHEMA.clone()
}

/// The jobs whose subjects a principal sees.
pub type JobsTable = PagedTable<JobFilter>;

impl PageSource for JobFilter {
    const NAME: &'static str = "Jobs";
    type Row = Job;

    fn schema() -> SchemaRef {
        schema()
    }

    fn first_page(_: &[Expr]) -> Self {
        JobFilter::default()
    }

    async fn read(self, query_context: &QueryContext) -> crate::domain::Result<Vec<Job>> {
        query_context.jobs(self).await
    }

    fn is_last(_: &[Job]) -> bool {
        true
    }

    fn page_after(self, _: &Job) -> Self {
        self
    }

    fn batch(rows: &[Job]) -> Result<RecordBatch> {
        let optional = |get: fn(&Job) -> Option<String>| -> ArrayRef {
            Arc::new(StringArray::from_iter(rows.iter().map(get)))
        };
        let sizes = rows.iter().map(|job| i64::try_from(file(job)?.size?).ok());
        let columns: Vec<ArrayRef> = vec![
            ints(rows, |job| Some(job.id.0)),
            text(rows, |job| job.uuid.to_string()),
            text(rows, |job| job.kind.name().to_owned()),
            ints(rows, |job| model(job).map(|(device, _)| device)),
            ints(rows, |job| model(job).map(|(_, model)| model)),
            optional(|job| matches!(job.subject, JobSubject::Export(_)).then(|| job.uuid.to_string())),
            optional(|job| name(job).map(str::to_owned)),
            Arc::new(Int64Array::from_iter(sizes)),
            optional(|job| file(job).map(|file| file.unit.name().to_owned())),
            text(rows, |job| job.state.name().to_owned()),
            Arc::new(Float64Array::from_iter_values(rows.iter().map(|job| job.progress))),
            optional(|job| job.result.as_ref().map(ToString::to_string)),
            optional(|job| (job.state == JobState::Failed).then(|| job.error.clone())),
            text(rows, |job| job.requested_by.clone()),
            times(rows, |job| Some(job.created_at)),
            times(rows, |job| job.started_at),
            times(rows, |job| job.ended_at),
        ];
        Ok(RecordBatch::try_new(schema(), columns)?)
    }
}

fn file(job: &Job) -> Option<&ImportedFile> {
    match &job.subject {
        JobSubject::Import(file) => Some(file),
        JobSubject::Model { .. } | JobSubject::Export(_) | JobSubject::Backup(_) => None,
    }
}

/// Name of the imported file or of the backup.
fn name(job: &Job) -> Option<&str> {
    match &job.subject {
        JobSubject::Backup(name) => Some(name),
        _ => file(job).map(|file| file.name.as_str()),
    }
}

/// Ids of device and model.
fn model(job: &Job) -> Option<(i32, i32)> {
    match &job.subject {
        JobSubject::Model { model, device } => Some((device.0, model.0)),
        JobSubject::Export(_) | JobSubject::Import(_) | JobSubject::Backup(_) => None,
    }
}
