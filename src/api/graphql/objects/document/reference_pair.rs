//! Type of reference pairs of the schema.

use async_graphql::Object;
use serde_json::Value;

use super::component::Component;
use super::{TypedDocument, document_object, find, typed_document};
use crate::api::graphql::scalars::DateTime;
use crate::domain::document::ReferencePairSpec;

/// Two components that are compared.
pub struct ReferencePair(TypedDocument<ReferencePairSpec>);

typed_document!(ReferencePair, ReferencePairSpec, reference_pair);

document_object! {
    #[Object]
    /// A reference pair: for a time, one component is compared with another one. It is deleted with either component.
    impl ReferencePair(self) {
        /// Name of the pair, at most 255 characters; null for none.
        name: Option<&str> = self.0.content()?.name.as_deref();
        /// Begin of the time in which they are compared.
        valid_from: DateTime = DateTime(self.0.content()?.valid_from);
        /// End of that time, which does not belong to it; null while it lasts.
        valid_to: Option<DateTime> = self.0.content()?.valid_to.map(DateTime);
        /// User-defined data of the pair, as one JSON object.
        metadata: Value = Value::Object(self.0.content()?.metadata.clone());
    }
    with ctx {
        /// Component that is observed.
        primary_component: Option<Component> = find(ctx, self.0.content()?.primary);
        /// Component that it is compared with.
        reference_component: Option<Component> = find(ctx, self.0.content()?.reference);
    }
}
