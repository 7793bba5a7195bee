//! Exports of the schema.

use async_graphql::{Context, Object};

use crate::api::graphql::context::app;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::export;

/// A job that writes readings and annotations of a part of the plant to a ZIP file. The file is fetched by the link that
/// `GET /api/v1/exports/{uuid}` of the MK platform gives.
pub struct Export(pub export::Export);

/// A job that writes readings and annotations of a part of the plant to a ZIP file. The file is fetched by the link that
/// `GET /api/v1/exports/{uuid}` of the MK platform gives.
#[Object]
impl Export {
    /// UUID of the export.
    async fn uuid(&self) -> String {
        self.0.uuid.to_string()
    }

    /// What `scopeId` is: `SITE`, `DEVICE`, `COMPONENT` or `SENSOR`, which is a stream.
    async fn scope_type(&self) -> &str {
        self.0.spec.scope_type.name()
    }

    /// UUID of the site, device, component or stream.
    async fn scope_id(&self) -> String {
        self.0.spec.scope.to_string()
    }

    /// Begin of the exported range, inclusive.
    async fn from(&self) -> DateTime {
        DateTime(self.0.spec.from)
    }

    /// End of the exported range, exclusive.
    async fn to(&self) -> DateTime {
        DateTime(self.0.spec.to)
    }

    /// Contents of the file: `READINGS`, `ANNOTATIONS` or both.
    async fn includes(&self) -> Vec<&str> {
        self.0.spec.includes.iter().map(|content| content.name()).collect()
    }

    /// How far it is: `PENDING`, `RUNNING`, `READY`, `FAILED` or `EXPIRED`.
    async fn status(&self) -> &str {
        self.0.status.name()
    }

    /// Part of the file that is written, 0 to 1; null unless this server is writing it.
    async fn progress(&self, ctx: &Context<'_>) -> Option<f64> {
        app(ctx).export_progress(&self.0).filter(|_| self.0.status == export::ExportStatus::Running)
    }

    /// Why the export failed; null unless it did.
    async fn error(&self) -> Option<&str> {
        Some(self.0.error.as_str()).filter(|error| !error.is_empty())
    }

    /// Who requested it: a user, or `key_` and a key.
    async fn requested_by(&self) -> &str {
        &self.0.requested_by
    }

    /// Size of the file in bytes; null before it is finished.
    async fn size_bytes(&self) -> Option<BigInt> {
        self.0.result.map(|result| big(result.size_bytes))
    }

    /// Number of readings in the file; null before it is finished.
    async fn reading_count(&self) -> Option<BigInt> {
        self.0.result.map(|result| big(result.reading_count))
    }

    /// Number of annotations in the file; null before it is finished.
    async fn annotation_count(&self) -> Option<BigInt> {
        self.0.result.map(|result| big(result.annotation_count))
    }

    /// Time of the request.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Time at which it was ready or had failed; null before.
    async fn completed_at(&self) -> Option<DateTime> {
        self.0.completed_at.map(DateTime)
    }
}

fn big(number: u64) -> BigInt {
    BigInt(i64::try_from(number).unwrap_or(i64::MAX))
}
