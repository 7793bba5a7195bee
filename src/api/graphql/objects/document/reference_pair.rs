//! Type of reference pairs of the schema.

use async_graphql::{Context, Object, Result};
use serde_json::Value;

use super::component::Component;
use super::{DocumentHead, TypedDocument, find, typed_document};
use crate::api::graphql::scalars::DateTime;
use crate::domain::document::ReferencePairSpec;

/// Two components that are compared.
pub struct ReferencePair(TypedDocument<ReferencePairSpec>);

typed_document!(ReferencePair, ReferencePairSpec, reference_pair);

/// A reference pair: for a time, one component is compared with another one. It is deleted with either component.
#[Object]
impl ReferencePair {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document().clone())
    }

    /// Name of the pair, at most 255 characters; null for none.
    async fn name(&self) -> Result<Option<&str>> {
        Ok(self.0.content()?.name.as_deref())
    }

    /// Component that is observed.
    async fn primary_component(&self, ctx: &Context<'_>) -> Result<Option<Component>> {
        find(ctx, self.0.content()?.primary)
    }

    /// Component that it is compared with.
    async fn reference_component(&self, ctx: &Context<'_>) -> Result<Option<Component>> {
        find(ctx, self.0.content()?.reference)
    }

    /// Begin of the time in which they are compared.
    async fn valid_from(&self) -> Result<DateTime> {
        Ok(DateTime(self.0.content()?.valid_from))
    }

    /// End of that time, which does not belong to it; null while it lasts.
    async fn valid_to(&self) -> Result<Option<DateTime>> {
        Ok(self.0.content()?.valid_to.map(DateTime))
    }

    /// User-defined data of the pair, as one JSON object.
    async fn metadata(&self) -> Result<Value> {
        Ok(Value::Object(self.0.content()?.metadata.clone()))
    }
}
