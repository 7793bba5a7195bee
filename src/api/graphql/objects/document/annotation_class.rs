//! Type of annotation classes of the schema.

use async_graphql::{Context, Object, Result, SimpleObject};

use super::pack::Pack;
use super::{DocumentHead, TypedDocument, find, typed_document};
use crate::api::graphql::paging;
use crate::domain::document::{self, AnnotationClassSpec};

/// Fields that a class is taken to have, for the complexity of a document; it may have 100.
const USUAL_FIELDS: usize = 16;

/// A class of annotations.
pub struct AnnotationClass(TypedDocument<AnnotationClassSpec>);

typed_document!(AnnotationClass, AnnotationClassSpec, annotation_class);

/// A class of annotations: what they may be about, and which values they have.
#[Object]
impl AnnotationClass {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document().clone())
    }

    /// Key of 1 to 128 characters, unique in the organization.
    async fn key(&self) -> Result<&str> {
        Ok(&self.0.content()?.key)
    }

    /// Name of the class, 1 to 255 characters.
    async fn name(&self) -> Result<&str> {
        Ok(&self.0.content()?.name)
    }

    /// Color in which annotations are drawn, such as `#1A2B3C`; null for none.
    async fn color(&self) -> Result<Option<&str>> {
        Ok(self.0.content()?.color.as_deref())
    }

    /// What may be annotated: `SITE`, `DEVICE`, `COMPONENT` and `SENSOR`, at least one of them.
    async fn scopes(&self) -> Result<Vec<&'static str>> {
        Ok(self.0.content()?.scopes.iter().map(|scope| scope.name()).collect())
    }

    /// Fields of the values of an annotation, in the order of the class.
    #[graphql(complexity = "paging::cost_of(USUAL_FIELDS, child_complexity)")]
    async fn fields(&self) -> Result<Vec<AnnotationField>> {
        Ok(self.0.content()?.fields.iter().map(AnnotationField::from).collect())
    }

    /// Pack by which the class was installed; null for none.
    async fn pack(&self, ctx: &Context<'_>) -> Result<Option<Pack>> {
        match self.0.content()?.pack {
            Some(uuid) => find(ctx, uuid),
            None => Ok(None),
        }
    }
}

/// A field of the values of annotations.
#[derive(SimpleObject)]
pub struct AnnotationField {
    /// Name of the field, unique in the class.
    name: String,
    /// Type of its values: `STRING`, `NUMBER`, `BOOLEAN` or `ENUM`.
    #[graphql(name = "type")]
    field_type: &'static str,
    /// Whether every annotation must have the field.
    required: bool,
    /// Values of an `ENUM`; empty for other types.
    options: Vec<String>,
}

impl From<&document::AnnotationField> for AnnotationField {
    fn from(field: &document::AnnotationField) -> Self {
        Self {
            name: field.name.clone(),
            field_type: field.field_type.name(),
            required: field.required,
            options: field.options.clone(),
        }
    }
}
