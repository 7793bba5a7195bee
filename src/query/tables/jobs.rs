//! `jobs`: long-running work, read from the catalog's database. An organization has few of them: they are one page.

use arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;

use super::paged_scan::PageSource;
use super::row_table::{ColumnDef, column};
use super::{floats, ints, longs, optional_text, text, times};
use crate::domain::job::{ImportedFile, Job, JobFilter, JobState, JobSubject};
use crate::query::context::QueryContext;
use crate::store::schema::timestamp;

impl PageSource for JobFilter {
    const NAME: &'static str = "Jobs";
    type Row = Job;

    /// Returns the columns; `progress` is 0 to 1, and `result` is JSON.
    fn columns() -> Vec<ColumnDef<Job>> {
        vec![
            column("id", DataType::Int32, false, |rows: &[Job]| ints(rows, |job| Some(job.id.0))),
            column("uuid", DataType::Utf8, false, |rows| text(rows, |job| job.uuid.to_string())),
            column("kind", DataType::Utf8, false, |rows| text(rows, |job| job.kind.name().to_owned())),
            column("device_id", DataType::Int32, true, |rows| ints(rows, |job| model(job).map(|ids| ids.0))),
            column("model_id", DataType::Int32, true, |rows| ints(rows, |job| model(job).map(|ids| ids.1))),
            column("export", DataType::Utf8, true, |rows| {
                let is_export = |job: &Job| matches!(job.subject, JobSubject::Export(_));
                optional_text(rows, |job| is_export(job).then(|| job.uuid.to_string()))
            }),
            column("name", DataType::Utf8, true, |rows| optional_text(rows, name)),
            column("size", DataType::Int64, true, |rows| {
                longs(rows, |job| i64::try_from(file(job)?.size?).ok())
            }),
            column("unit", DataType::Utf8, true, |rows| {
                optional_text(rows, |job| file(job).map(|file| file.unit.name()))
            }),
            column("state", DataType::Utf8, false, |rows| text(rows, |job| job.state.name().to_owned())),
            column("progress", DataType::Float64, false, |rows| floats(rows, |job| Some(job.progress))),
            column("result", DataType::Utf8, true, |rows| {
                optional_text(rows, |job| job.result.as_ref().map(ToString::to_string))
            }),
            column("error", DataType::Utf8, true, |rows| {
                optional_text(rows, |job| (job.state == JobState::Failed).then_some(job.error.as_str()))
            }),
            column("requested_by", DataType::Utf8, false, |rows| text(rows, |job| job.requested_by.clone())),
            column("created_at", timestamp(), false, |rows| times(rows, |job| Some(job.created_at))),
            column("started_at", timestamp(), true, |rows| times(rows, |job| job.started_at)),
            column("ended_at", timestamp(), true, |rows| times(rows, |job| job.ended_at)),
        ]
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
