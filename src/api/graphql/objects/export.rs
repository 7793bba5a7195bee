//! Exports of the schema.

use async_graphql::{Context, Object};

use crate::api::graphql::context::app;
use crate::api::graphql::object::object;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::export;

/// A job that writes readings and annotations of a part of the plant to a ZIP file. The file is fetched by the link that
/// `GET /api/v1/exports/{uuid}` of the MK platform gives.
pub struct Export(pub export::Export);

object! {
    #[Object]
    /// A job that writes readings and annotations of a part of the plant to a ZIP file. The file is fetched by the link that
    /// `GET /api/v1/exports/{uuid}` of the MK platform gives.
    impl Export(self) {
        /// UUID of the export.
        uuid: String = self.0.uuid.to_string();
        /// Kind of object that `scopeId` names: `SITE`, `DEVICE`, `COMPONENT` or `SENSOR`, which is a stream.
        scope_type: &str = self.0.spec.scope_type.name();
        /// UUID of the site, device, component or stream.
        scope_id: String = self.0.spec.scope.to_string();
        /// Begin of the exported range, inclusive.
        from: DateTime = DateTime(self.0.spec.from);
        /// End of the exported range, exclusive.
        to: DateTime = DateTime(self.0.spec.to);
        /// Contents of the file: `READINGS`, `ANNOTATIONS` or both.
        includes: Vec<&str> = self.0.spec.includes.iter().map(|content| content.name()).collect();
        /// How far it is: `PENDING`, `RUNNING`, `READY`, `FAILED` or `EXPIRED`.
        status: &str = self.0.status.name();
        /// Why the export failed; null unless it did.
        error: Option<&str> = Some(self.0.error.as_str()).filter(|error| !error.is_empty());
        /// Requester: a user, or `key_` and a key.
        requested_by: &str = &self.0.requested_by;
        /// Size of the file in bytes; null before it is finished.
        size_bytes: Option<BigInt> = self.0.result.map(|result| BigInt::saturating(result.size_bytes));
        /// Number of readings in the file; null before it is finished.
        reading_count: Option<BigInt> = self.0.result.map(|result| BigInt::saturating(result.reading_count));
        /// Number of annotations in the file; null before it is finished.
        annotation_count: Option<BigInt> = self.0.result.map(|result| BigInt::saturating(result.annotation_count));
        /// Time of the request.
        created_at: DateTime = DateTime(self.0.created_at);
        /// Time at which it was ready or had failed; null before.
        completed_at: Option<DateTime> = self.0.completed_at.map(DateTime);
    }
    resolvers {
        /// Part of the file that is written, 0 to 1; null unless this server is writing it.
        async fn progress(&self, ctx: &Context<'_>) -> Option<f64> {
            app(ctx).exports.export_progress(&self.0).filter(|_| self.0.status == export::ExportStatus::Running)
        }
    }
}
