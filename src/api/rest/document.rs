//! What the nouns have in common that are documents of the catalog and named by UUIDs.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use uuid::Uuid;

use crate::api::error::RestError;
use crate::api::openapi::schema::{self, FieldSchema, read_only, write_only};
use crate::app::App;
use crate::domain::document::{Document, DocumentKind};
use crate::domain::pagination::Pagination;
use crate::domain::{Error, Principal, Result};

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

/// Returns a page of the documents of a kind that the principal sees, the oldest first.
pub fn page(
    app: &App,
    who: &Principal,
    kind: DocumentKind,
    Pagination { offset, limit }: Pagination,
) -> Result<Vec<Arc<Document>>> {
    Ok(app.documents(who, kind)?.into_iter().skip(offset).take(limit).collect())
}

/// Deletes a document, for a response without a body.
pub async fn delete(
    app: &App,
    who: &Principal,
    kind: DocumentKind,
    uuid: Uuid,
) -> Result<StatusCode, RestError> {
    app.delete_document(who, kind, uuid).await?;
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
