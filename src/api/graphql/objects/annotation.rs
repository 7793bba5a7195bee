//! Annotation types of the schema: annotations and pages of them.

use async_graphql::{Object, SimpleObject};

use super::device::Device;
use super::stream::Stream;
use crate::api::graphql::object::object;
use crate::api::graphql::rows;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::annotation;

/// Statement about a time of a site, a device, a component or a stream.
pub struct Annotation(pub annotation::Annotation);

object! {
    #[Object]
    /// Statement about a time of a site, a device, a component or a stream.
    impl Annotation(self) {
        /// UUID of the annotation.
        uuid: String = self.0.uuid.to_string();
        /// UUID of its class.
        class_id: String = self.0.spec.class.to_string();
        /// Key of its class.
        class_key: &str = &self.0.class_key;
        /// Kind of object that `scopeId` names: `SITE`, `DEVICE`, `COMPONENT` or `SENSOR`, which is a stream.
        scope_type: &str = self.0.spec.scope_type.name();
        /// UUID of the site, device, component or stream.
        scope_id: String = self.0.spec.scope.to_string();
        /// Time, or begin of the time.
        start_time: DateTime = DateTime(self.0.spec.start);
        /// End of the time, which does not belong to it; null for a point in time.
        end_time: Option<DateTime> = self.0.spec.end.map(DateTime);
        /// Values of the fields of the class, as a JSON object.
        values: serde_json::Value = serde_json::Value::Object(self.0.spec.values.clone());
        /// Its origin: `MANUAL`, `RULE`, `REFERENCE`, `EXTERNAL` or `ML`.
        source: &str = self.0.spec.source.name();
        /// How sure the source is, 0 to 1; null if it does not say.
        confidence: Option<f64> = self.0.spec.confidence;
        /// Free text; null if there is none.
        note: Option<&str> = self.0.spec.note.as_deref();
        /// Caller who created it: a user, or `key_` and a key.
        created_by: &str = &self.0.created_by;
        /// Time of creation.
        created_at: DateTime = DateTime(self.0.created_at);
        /// Time of the last change.
        updated_at: DateTime = DateTime(self.0.updated_at);
    }
    with ctx {
        /// Device of the annotation, also of a component or stream; null for a site, or if the caller may not read it.
        device: Option<Device> = Ok(rows::device(ctx, self.0.place.device)?.map(Device));
        /// Stream of the annotation; null if it is about something else, or if the caller may not read it.
        stream: Option<Stream> = Ok(rows::stream(ctx, self.0.place.stream)?.map(Stream));
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
