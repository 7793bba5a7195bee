//! Common operations of the nouns that are documents of the catalog: one is found, changed and deleted by the id of the
//! path, and those of a device are listed.

use std::sync::Arc;

use axum::extract::State;
use futures::FutureExt;
use futures::future::BoxFuture;
use uuid::Uuid;

use super::Answer;
use super::body::Fields;
use super::caller::MkCaller;
use super::noun::list::MkNoun;
use super::noun::sort;
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::no_content;
use crate::app::App;
use crate::domain::device::Device;
use crate::domain::document::{Document, DocumentKind};
use crate::domain::{Error, Kind, Principal, Result};

/// Returns the document at the id of a path.
pub fn find(app: &App, who: &Principal, kind: DocumentKind, id: Uuid) -> Result<Arc<Document>, MkError> {
    app.documents.document(who, kind, id).map_err(named(kind, id))
}

/// Returns the document at the id of a path, for a caller that may change it.
pub fn find_to_change(
    app: &App,
    who: &Principal,
    kind: DocumentKind,
    id: Uuid,
) -> Result<Arc<Document>, MkError> {
    app.documents.document_to_change(who, kind, id).map_err(named(kind, id))
}

/// Copies the content of a document of the expected kind.
pub fn content<C: Clone>(content: Option<&C>) -> Result<C> {
    content.cloned().ok_or_else(|| Error::internal("a document is of another kind"))
}

/// The handler of DELETE for the documents of a kind.
pub fn delete(
    kind: DocumentKind,
) -> impl Fn(MkCaller, State<Arc<App>>, PathId) -> BoxFuture<'static, Answer> + Clone + Send + Sync + 'static
{
    move |caller: MkCaller, State(app): State<Arc<App>>, PathId(id): PathId| {
        let deleted = async move {
            app.documents.delete_document(&caller.principal, kind, id).await.map_err(named(kind, id))?;
            Answer::Ok(no_content())
        };
        deleted.boxed()
    }
}

/// Returns the documents of a kind, of the device alone that the parameter `deviceId` names. Those of a device that is not
/// there are none.
pub fn of_device(
    app: &App,
    who: &Principal,
    kind: DocumentKind,
    query: &Query,
) -> Result<Vec<Arc<Document>>, MkError> {
    let Some(device) = query.uuid("deviceId")? else { return Ok(app.documents.documents(who, kind)?) };
    let Ok(device) = app.devices.device_by_uuid(who, device) else { return Ok(Vec::new()) };
    let mut rows = app.documents.documents_of_device(who, device.id)?;
    rows.retain(|row| row.spec.kind() == kind);
    Ok(rows)
}

/// Reads the required member `deviceId` of a body. `None` without a device is a problem of the body.
pub fn device_of_body(app: &App, who: &Principal, fields: &mut Fields) -> Option<Arc<Device>> {
    let device = fields.required_uuid("deviceId")?;
    let found = app.devices.device_by_uuid(who, device).ok();
    if found.is_none() {
        fields.problem("deviceId", "does not exist");
    }
    found
}

/// Returns the sort key in `createdAt`, `updatedAt` or `id`, which documents of all kinds have; null for another property.
pub fn sort_key(row: &Document, property: &str) -> SortKey {
    match property {
        "createdAt" => row.created_at.into(),
        "updatedAt" => row.updated_at.into(),
        "id" => row.uuid.into(),
        _ => SortKey::Null,
    }
}

/// Returns the sort key of a listed noun's document. `noun` makes the document as it is shown; `None` is another kind.
pub fn key<N: MkNoun>(row: &Document, property: &str, noun: impl FnOnce() -> Option<N>) -> SortKey {
    match property {
        "createdAt" | "updatedAt" | "id" => sort_key(row, property),
        _ => noun().map_or(SortKey::Null, |noun| sort::sort_key(noun, property)),
    }
}

/// Leaves a row out of its list that was deleted a moment ago.
///
/// # Errors
/// Every error but `NotFound`: a list without a row that is there would look whole.
pub fn unless_deleted<T>(row: Result<T>) -> Result<Option<T>> {
    match row {
        Ok(row) => Ok(Some(row)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Names the document in the error for one that is not there.
pub fn named(kind: DocumentKind, id: Uuid) -> impl Fn(Error) -> MkError + Copy {
    move |error| MkError::named(error, kind.title(), id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_deleted_rows_are_left_out_of_a_list() {
        let rows = [
            (Ok(1), Ok(Some(1))),
            (Err(Error::not_found()), Ok(None)),
            (Err(Error::unavailable("the key cannot be read")), Err(Kind::Unavailable)),
        ];
        for (row, expected) in rows {
            assert_eq!(unless_deleted(row).map_err(|error| error.kind), expected);
        }
    }
}
