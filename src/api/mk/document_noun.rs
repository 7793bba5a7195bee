//! Operations of the nouns whose rows are documents of the catalog. What is special to a noun says its [`DocumentNoun`].

use std::sync::Arc;

use axum::extract::State;
use futures::TryFutureExt;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::Endpoint;
use super::noun::list::MkNoun;
use super::noun::sort;
use super::operation_docs::NounWords;
use super::page::{Page, SortKey};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, no_content, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::domain::document::{Document, DocumentKind, DocumentSpec};
use crate::domain::{Kind, Principal, Result};

/// A noun whose rows are the documents of a kind. The defaults are those of documents that are stored as bodies give them.
pub trait DocumentNoun: MkNoun + 'static {
    /// Content of the documents.
    type Content: Into<DocumentSpec> + Send;

    /// Kind of the documents.
    const KIND: DocumentKind;
    /// Path of the list.
    const COLLECTION: &'static str;
    /// Path of one row.
    const ONE: &'static str;
    /// Words of the descriptions.
    const WORDS: NounWords;

    /// Returns the conversion of documents to rows. What all rows of a response share is read once.
    fn converter(app: &App, who: &Principal) -> Result<impl Fn(&Document) -> Result<Self>>;

    /// Reads a whole body and checks every rule.
    fn read(app: &App, who: &Principal, fields: Fields) -> Result<Self::Content, MkError>;

    /// Returns the documents that the parameters of a list leave.
    fn documents(app: &App, who: &Principal, _query: &Query) -> Result<Vec<Arc<Document>>, MkError> {
        Ok(app.documents.documents(who, Self::KIND)?)
    }

    /// Returns what a list is sorted by.
    fn sort_key(
        convert: &impl Fn(&Document) -> Result<Self>,
        document: &Document,
        property: &str,
    ) -> SortKey {
        documents::key(document, property, || convert(document).ok())
    }

    /// Puts a new content in the place of the stored one.
    fn put(stored: &mut DocumentSpec, new: Self::Content) {
        *stored = new.into();
    }

    /// Stores a new document.
    fn create(
        app: &App,
        caller: &MkCaller,
        new: Self::Content,
    ) -> impl Future<Output = Result<Arc<Document>>> + Send {
        app.documents.create_document(&caller.principal, new.into())
    }

    /// Replaces the content of a document.
    fn replace(
        app: &App,
        who: &Principal,
        id: Uuid,
        new: Self::Content,
    ) -> impl Future<Output = Result<Arc<Document>>> + Send {
        app.documents.update_document(who, (Self::KIND, id), None, |stored| Self::put(stored, new))
    }

    /// Deletes a document.
    fn delete(app: &App, who: &Principal, id: Uuid) -> impl Future<Output = Result<()>> + Send {
        app.documents.delete_document(who, Self::KIND, id).map_ok(drop)
    }
}

/// The operations, by the descriptions of list, creation, read, replacement and removal.
pub fn endpoints<N: DocumentNoun>(docs: [Doc; 5]) -> Vec<Endpoint> {
    let [list_doc, create_doc, get_doc, replace_doc, delete_doc] = N::WORDS.describe(docs);
    vec![
        Endpoint::get(N::COLLECTION, list::<N>, list_doc),
        Endpoint::post(N::COLLECTION, create::<N>, create_doc),
        Endpoint::get(N::ONE, one::<N>, get_doc),
        Endpoint::put(N::ONE, replace::<N>, replace_doc),
        Endpoint::delete(N::ONE, delete::<N>, delete_doc),
    ]
}

async fn list<N: DocumentNoun>(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let (who, page) = (&caller.principal, query.page(&sort::sortable::<N>())?);
    let documents = N::documents(&app, who, &query)?;
    let convert = N::converter(&app, who)?;
    let page = page.of(documents, |row, property| N::sort_key(&convert, row, property), |row| row.uuid);
    let mut content = Vec::with_capacity(page.content.len());
    for document in &page.content {
        match convert(document) {
            Ok(row) => content.push(ShownRow::new(row)),
            // It was deleted with its device a moment ago.
            Err(gone) if gone.kind == Kind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ok(Page { content, page: page.page }))
}

async fn create<N: DocumentNoun>(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let who = &caller.principal;
    app.documents.check_may_change_documents(who, N::KIND)?;
    let new = N::read(&app, who, body.fields(&app).await?)?;
    let document = N::create(&app, &caller, new).await?;
    Ok(created(N::COLLECTION, document.uuid, show::<N>(&app, who, &document)?))
}

async fn one<N: DocumentNoun>(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let document = documents::find(&app, &caller.principal, N::KIND, *id)?;
    let shown = show::<N>(&app, &caller.principal, &document);
    Ok(ok(shown.map_err(documents::named(N::KIND, *id))?))
}

async fn replace<N: DocumentNoun>(
    caller: MkCaller,
    State(app): State<Arc<App>>,
    id: PathId,
    body: JsonBody,
) -> Answer {
    let (who, named) = (&caller.principal, documents::named(N::KIND, *id));
    documents::find_to_change(&app, who, N::KIND, *id)?;
    let new = N::read(&app, who, body.fields(&app).await?)?;
    let document = N::replace(&app, who, *id, new).await.map_err(named)?;
    Ok(ok(show::<N>(&app, who, &document).map_err(named)?))
}

async fn delete<N: DocumentNoun>(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    N::delete(&app, &caller.principal, *id).await.map_err(documents::named(N::KIND, *id))?;
    Ok(no_content())
}

fn show<N: DocumentNoun>(app: &App, who: &Principal, document: &Document) -> Result<ShownRow> {
    let convert = N::converter(app, who)?;
    convert(document).map(ShownRow::new)
}
