//! `/reference-pairs`: components that are compared with others for a time.

use std::sync::Arc;

use super::body::Fields;
use super::document_noun::{DocumentNoun, endpoints};
use super::documents;
use super::endpoint::Section;
use super::noun::list::{FieldVisitor, MkNoun, omittable, required};
use super::noun::reader::read_row;
use super::noun::schemas;
use super::noun::stamp::Stamp;
use super::openapi_document::{id, paged};
use super::operation_docs::NounWords;
use super::problem::MkError;
use super::query::Query;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::mk::reference_pairs::ReferencePairFields;
use crate::domain::document::{Document, DocumentKind, DocumentSpec, ReferencePairSpec};
use crate::domain::{Principal, Result};

/// The operations.
pub fn section() -> Section {
    let docs = [
        paged(Doc::new("listReferencePairs", "List reference pairs")).query(
            "componentId",
            id(),
            "Only pairs with this component, on either side.",
        ),
        Doc::new("createReferencePair", "Create a reference pair")
            .about("Two pairs of the same components, in either order, have no time in common: 409."),
        Doc::new("getReferencePair", "Get a reference pair"),
        Doc::new("replaceReferencePair", "Replace a reference pair"),
        Doc::new("deleteReferencePair", "Delete a reference pair"),
    ];
    Section {
        name: "Reference pairs",
        about: "Components that are compared with others for a time. A pair is deleted with either component.",
        endpoints: endpoints::<ReferencePairRow>(docs),
        schemas: vec![
            schemas::view::<ReferencePairRow>("ReferencePair"),
            schemas::body::<ReferencePairRow>("ReferencePairBody"),
        ],
    }
}

/// A pair as shown.
#[derive(Default)]
pub struct ReferencePairRow {
    stamp: Stamp,
    pair: ReferencePairFields,
}

impl MkNoun for ReferencePairRow {
    fn blank() -> Self {
        ReferencePairRow::default()
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let ReferencePairFields { name, primary, reference, valid_from, valid_to, metadata } = &mut self.pair;
        self.stamp.visit_id(visitor);
        let title = || nullable(schema::text(0, 255));
        visitor.visit(omittable("name", "Name of the pair for people; null without one.", title), name);
        visitor.visit(required("primaryComponentId", "Component that is observed.", id), primary);
        let about = "Component that the observed one is compared with, another one.";
        visitor.visit(required("referenceComponentId", about, id), reference);
        let about = "Begin of the time in which the components are compared, ISO-8601.";
        visitor.visit(required("validFrom", about, schema::time), valid_from);
        let about = "End of the time, which does not belong to it, ISO-8601; null while it lasts.";
        visitor.visit(omittable("validTo", about, || nullable(schema::time())), valid_to);
        let about = "Data of the user's own about the pair, at most 16 KiB as JSON.";
        visitor.visit(omittable("metadata", about, schema::map), metadata);
        self.stamp.visit_times(visitor);
    }
}

impl ReferencePairRow {
    fn new(row: &Document) -> Result<Self> {
        let pair = documents::content(row.reference_pair())?;
        let pair = ReferencePairFields {
            name: pair.name,
            primary: pair.primary,
            reference: pair.reference,
            valid_from: pair.valid_from,
            valid_to: pair.valid_to,
            metadata: pair.metadata,
        };
        Ok(ReferencePairRow { stamp: Stamp::of(row), pair })
    }
}

impl DocumentNoun for ReferencePairRow {
    type Content = ReferencePairSpec;
    const KIND: DocumentKind = DocumentKind::ReferencePair;
    const COLLECTION: &'static str = "/api/v1/reference-pairs";
    const ONE: &'static str = "/api/v1/reference-pairs/{id}";
    const WORDS: NounWords = NounWords::new("ReferencePair", "pair", "pairs");

    fn converter(_: &App, _: &Principal) -> Result<impl Fn(&Document) -> Result<Self>> {
        Ok(ReferencePairRow::new)
    }

    fn read(app: &App, who: &Principal, mut fields: Fields) -> Result<ReferencePairSpec, MkError> {
        let pair = read_row::<ReferencePairRow>(&mut fields).pair;
        let (spec, problems) = app.documents.reference_pair(who, pair)?;
        fields.finish(problems)?;
        Ok(spec)
    }

    fn documents(app: &App, who: &Principal, query: &Query) -> Result<Vec<Arc<Document>>, MkError> {
        let component = query.uuid("componentId")?;
        let mut rows = app.documents.documents(who, Self::KIND)?;
        if let Some(component) = component {
            rows.retain(|row| row.reference_pair().is_some_and(|pair| pair.has_component(component)));
        }
        Ok(rows)
    }

    fn put(stored: &mut DocumentSpec, new: ReferencePairSpec) {
        if let DocumentSpec::ReferencePair(stored) = stored {
            *stored = stored.replaced_by(new);
        }
    }
}
