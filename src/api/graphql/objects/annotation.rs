//! Annotation types of the schema: annotations and pages of them.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::device::Device;
use super::stream::Stream;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::annotation;

/// What is said about a time of a site, a device, a component or a stream.
pub struct Annotation(pub annotation::Annotation);

/// What is said about a time of a site, a device, a component or a stream.
#[Object]
impl Annotation {
    /// UUID of the annotation.
    async fn uuid(&self) -> String {
        self.0.uuid.to_string()
    }

    /// UUID of its class.
    async fn class_id(&self) -> String {
        self.0.spec.class.to_string()
    }

    /// Key of its class.
    async fn class_key(&self) -> &str {
        &self.0.class_key
    }

    /// What `scopeId` is: `SITE`, `DEVICE`, `COMPONENT` or `SENSOR`, which is a stream.
    async fn scope_type(&self) -> &str {
        self.0.spec.scope_type.name()
    }

    /// UUID of the site, device, component or stream.
    async fn scope_id(&self) -> String {
        self.0.spec.scope.to_string()
    }

    /// Time, or begin of the time.
    async fn start_time(&self) -> DateTime {
        DateTime(self.0.spec.start)
    }

    /// End of the time, which does not belong to it; null for a point in time.
    async fn end_time(&self) -> Option<DateTime> {
        self.0.spec.end.map(DateTime)
    }

    /// Values of the fields of the class, as a JSON object.
    async fn values(&self) -> serde_json::Value {
        serde_json::Value::Object(self.0.spec.values.clone())
    }

    /// Where it is from: `MANUAL`, `RULE`, `REFERENCE`, `EXTERNAL` or `ML`.
    async fn source(&self) -> &str {
        self.0.spec.source.name()
    }

    /// How sure the source is, 0 to 1; null if it does not say.
    async fn confidence(&self) -> Option<f64> {
        self.0.spec.confidence
    }

    /// Free text; null if there is none.
    async fn note(&self) -> Option<&str> {
        self.0.spec.note.as_deref()
    }

    /// Who created it: a user, or `key_` and a key.
    async fn created_by(&self) -> &str {
        &self.0.created_by
    }

    /// Time of creation.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Time of the last change.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.0.updated_at)
    }

    /// Device of the annotation, also of a component or stream; null for a site, or if the caller may not read it.
    async fn device(&self, ctx: &Context<'_>) -> Result<Option<Device>> {
        let Some(device) = self.0.place.device else { return Ok(None) };
        Ok(rows::device(ctx, device)?.map(Device))
    }

    /// Stream of the annotation; null if it is about something else, or if the caller may not read it.
    async fn stream(&self, ctx: &Context<'_>) -> Result<Option<Stream>> {
        let Some(stream) = self.0.place.stream else { return Ok(None) };
        Ok(rows::stream(ctx, stream)?.map(Stream))
    }
}

/// A page of annotations, and the number of all.
#[derive(SimpleObject)]
pub struct AnnotationPage {
    /// Number of annotations that match, regardless of paging.
    pub total_count: BigInt,
    /// Annotations of this page.
    pub nodes: Vec<Annotation>,
}
