//! Documents of the MK platform: what every kind shows. Each kind is a type of the schema in a file of its own.
//!
//! To add a kind: its file here, and its row in `queries/documents.rs`.

pub mod annotation_class;
pub mod artefact;
pub mod binding;
pub mod camera;
pub mod capture_rule;
pub mod component;
pub mod dashboard;
pub mod device_group;
pub mod device_topology;
pub mod firmware;
pub mod notification_channel;
pub mod pack;
pub mod profile;
pub mod reference_pair;
pub mod site;

use std::sync::Arc;

use async_graphql::{Context, Object, OutputType, Result};
use uuid::Uuid;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::object::object;
use crate::api::graphql::scalars::DateTime;
use crate::app::App;
use crate::domain::document::{Document, DocumentKind};
use crate::domain::{Error, Principal};

/// A kind of document as a type of the schema.
pub trait DocumentNode: OutputType + Sized {
    /// The kind.
    const KIND: DocumentKind;

    /// The object of a document that the caller sees; `None` for one of another kind.
    fn of(app: &App, who: &Principal, document: Arc<Document>) -> Option<Self>;

    /// The document.
    fn document(&self) -> &Arc<Document>;
}

/// A document whose content is of one type.
pub struct TypedDocument<S> {
    document: Arc<Document>,
    content: fn(&Document) -> Option<&S>,
}

impl<S> TypedDocument<S> {
    /// Keeps a document; `None` for one whose content is of another type.
    pub fn new(document: Arc<Document>, content: fn(&Document) -> Option<&S>) -> Option<Self> {
        content(&document)?;
        Some(Self { document, content })
    }

    /// The document.
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }

    /// Its content.
    ///
    /// # Errors
    /// None for what `new` has made.
    pub fn content(&self) -> Result<&S, Error> {
        (self.content)(&self.document).ok_or_else(|| Error::internal("a document is of another kind"))
    }
}

/// Makes a type of the schema out of a document whose content is of one type.
macro_rules! typed_document {
    ($node:ident, $content:ty, $get:ident) => {
        impl $crate::api::graphql::objects::document::DocumentNode for $node {
            const KIND: $crate::domain::document::DocumentKind =
                $crate::domain::document::DocumentKind::$node;

            fn of(
                _: &$crate::app::App,
                _: &$crate::domain::Principal,
                document: std::sync::Arc<$crate::domain::document::Document>,
            ) -> Option<Self> {
                let get = $crate::domain::document::Document::$get;
                $crate::api::graphql::objects::document::TypedDocument::<$content>::new(document, get)
                    .map($node)
            }

            fn document(&self) -> &std::sync::Arc<$crate::domain::document::Document> {
                self.0.document()
            }
        }
    };
}
pub(super) use typed_document;

/// Defines a document of the schema: it begins with what every document shows, the fields of its `impl` are those of
/// `results` in `object!`, and the sections behind it are the others of `object!`.
macro_rules! document_object {
    (
        $hash:tt $object_attribute:tt
        $(#[$($about:tt)*])*
        impl $object:ident($self:ident) { $($fields:tt)* }
        $($sections:tt)*
    ) => {
        $crate::api::graphql::object::object! {
            $hash $object_attribute
            $(#[$($about)*])*
            impl $object($self) {}
            results { $($fields)* }
            $($sections)*
            resolvers {
                #[graphql(flatten)]
                async fn head(&self) -> $crate::api::graphql::objects::document::DocumentHead {
                    let document = $crate::api::graphql::objects::document::DocumentNode::document(self);
                    $crate::api::graphql::objects::document::DocumentHead(document.clone())
                }
            }
        }
    };
}
pub(super) use document_object;

/// Fields of every document.
pub struct DocumentHead(pub Arc<Document>);

object! {
    #[Object]
    impl DocumentHead(self) {
        /// UUID assigned on creation, which the API of the MK platform calls `id`; it never changes.
        uuid: String = self.0.uuid.to_string();
        /// Row number, as shown by SQL; unique among the documents of all kinds.
        row_id: i32 = self.0.id.0;
        /// Number of the document's current state: 1 on creation, one more with each change.
        document_version: i32 = self.0.version;
        /// Time of creation.
        created_at: DateTime = DateTime(self.0.created_at);
        /// Time of the last change of its fields.
        updated_at: DateTime = DateTime(self.0.updated_at);
    }
}

/// Returns the document that a field refers to; `None` for none, and if it does not exist or the caller may not read it.
///
/// # Errors
/// `Forbidden` without the scope to read devices.
pub fn find<N: DocumentNode>(ctx: &Context<'_>, uuid: impl Into<Option<Uuid>>) -> Result<Option<N>> {
    let Some(uuid) = uuid.into() else { return Ok(None) };
    let (app, who) = (app(ctx), caller(ctx));
    let found = none_if_not_found(app.documents.document(who, N::KIND, uuid))?;
    Ok(found.and_then(|document| N::of(app, who, document)))
}

/// Returns the documents of a list that exist and that the caller may read, in its order.
///
/// # Errors
/// The errors of [`find`].
pub fn find_all<N: DocumentNode>(ctx: &Context<'_>, uuids: &[Uuid]) -> Result<Vec<N>> {
    let found = uuids.iter().filter_map(|uuid| find(ctx, *uuid).transpose());
    found.collect()
}

/// Returns every document of a kind that the caller may read.
///
/// # Errors
/// The errors of [`find`].
pub fn all<N: DocumentNode>(ctx: &Context<'_>) -> Result<Vec<N>> {
    let (app, who) = (app(ctx), caller(ctx));
    let rows = app.documents.documents(who, N::KIND)?.into_iter();
    Ok(rows.filter_map(|document| N::of(app, who, document)).collect())
}
