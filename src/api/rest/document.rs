//! Common parts of the nouns that are documents of the catalog and named by UUIDs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, RawQuery, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Serialize;
use uuid::Uuid;

use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::schema::{self, FieldSchema, read_only, write_only};
use crate::app::App;
use crate::domain::document::{Document, DocumentKind};
use crate::domain::{Error, Result};

/// The `{uuid}` of a path. Anything that is no UUID is answered with 404.
pub struct PathUuid(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for PathUuid {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let text = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let text = text.map_err(|_| Error::not_found())?.0;
        Ok(PathUuid(Uuid::try_parse(&text).map_err(|_| Error::not_found())?))
    }
}

/// A kind of document in a response.
pub trait DocumentView: Serialize + Sized {
    /// The kind that is shown.
    const KIND: DocumentKind;

    /// Returns the response for a document of the kind.
    ///
    /// # Errors
    /// `Internal` for a document of another kind.
    fn new(row: &Document) -> Result<Self>;
}

/// Error for a document whose kind is not the one that its view shows.
pub fn other_kind_error() -> Error {
    Error::internal("a document is of another kind")
}

/// `GET` of a collection: the documents of a kind that the caller sees, the oldest first.
pub async fn list<V: DocumentView>(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<V>>, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let page = query.page();
    query.finish()?;
    let rows = app.documents.documents(&caller, V::KIND)?;
    let shown = rows.iter().skip(page.offset).take(page.limit).map(|row| V::new(row));
    Ok(Json(shown.collect::<Result<_>>()?))
}

/// `GET` of one document.
pub async fn retrieve<V: DocumentView>(
    caller: Caller,
    State(app): State<Arc<App>>,
    PathUuid(uuid): PathUuid,
) -> Result<Json<V>, RestError> {
    Ok(Json(V::new(&*app.documents.document(&caller, V::KIND, uuid)?)?))
}

/// `DELETE` of one document.
pub async fn destroy<V: DocumentView>(
    caller: Caller,
    State(app): State<Arc<App>>,
    PathUuid(uuid): PathUuid,
) -> Result<StatusCode, RestError> {
    app.documents.delete_document(&caller, V::KIND, uuid).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The fields that only responses have, before and behind the settable ones; `version` also in changes.
pub fn with_head(settable: Vec<FieldSchema>) -> Vec<FieldSchema> {
    let mut shown = vec![
        read_only("id", schema::row_id()),
        read_only("uuid", schema::string()),
        read_only("version", schema::integer(1, i32::MAX.into())),
    ];
    shown.extend(settable);
    shown.extend(["created_at", "updated_at"].map(|name| read_only(name, schema::time())));
    shown
}

/// The fields of a change: those that are settable, and the version that the change is meant for.
pub fn with_version(mut settable: Vec<FieldSchema>) -> Vec<FieldSchema> {
    let about = "Version that the change is meant for: 409 if the row has another one by now.";
    let version = schema::described(schema::nullable(schema::integer(1, i32::MAX.into())), about);
    settable.push(write_only("version", version));
    settable
}
