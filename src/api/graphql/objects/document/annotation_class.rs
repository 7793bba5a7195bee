//! Type of annotation classes of the schema.

use async_graphql::Object;

use super::pack::Pack;
use super::{TypedDocument, document_object, find, typed_document};
use crate::api::graphql::object::object;
use crate::api::graphql::paging;
use crate::domain::document::{self, AnnotationClassSpec};

/// Fields that a class is taken to have, for the complexity of a document; it may have 100.
const USUAL_FIELDS: usize = 16;

/// A class of annotations.
pub struct AnnotationClass(TypedDocument<AnnotationClassSpec>);

typed_document!(AnnotationClass, AnnotationClassSpec, annotation_class);

document_object! {
    #[Object]
    /// A class of annotations: what they may be about, and which values they have.
    impl AnnotationClass(self) {
        /// Key of 1 to 128 characters, unique in the organization.
        key: &str = &self.0.content()?.key;
        /// Name of the class, 1 to 255 characters.
        name: &str = &self.0.content()?.name;
        /// Color in which annotations are drawn, such as `#1A2B3C`; null for none.
        color: Option<&str> = self.0.content()?.color.as_deref();
        /// Scopes of annotations: `SITE`, `DEVICE`, `COMPONENT` and `SENSOR`, at least one of them.
        scopes: Vec<&'static str> = self.0.content()?.scopes.iter().map(|scope| scope.name()).collect();
        /// Fields of the values of an annotation, in the order of the class.
        #[graphql(complexity = "paging::cost_of(USUAL_FIELDS, child_complexity)")]
        fields: Vec<AnnotationField> = self.0.content()?.fields.iter().cloned().map(AnnotationField).collect();
    }
    with ctx {
        /// Pack by which the class was installed; null for none.
        pack: Option<Pack> = find(ctx, self.0.content()?.pack);
    }
}

/// A field of the values of annotations.
pub struct AnnotationField(pub document::AnnotationField);

object! {
    #[Object]
    /// A field of the values of annotations.
    impl AnnotationField(self) {
        /// Name of the field, unique in the class.
        name: &str = &self.0.name;
        /// Type of its values: `STRING`, `NUMBER`, `BOOLEAN` or `ENUM`.
        #[graphql(name = "type")]
        field_type: &'static str = self.0.field_type.name();
        /// Whether every annotation must have the field.
        required: bool = self.0.required;
        /// Values of an `ENUM`; empty for other types.
        options: &[String] = &self.0.options;
    }
}
