//! `/api/group/`: named sets of streams.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::noun_schema::noun_fields;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, omittable, read_only};
use crate::app::App;
use crate::app::fields::noun::Noun;
use crate::app::fields::reader::ReadMode;
use crate::app::fields::shown::ShownRow;
use crate::domain::Resource;
use crate::domain::group::{Group, GroupSpec};
use crate::domain::{GroupId, Principal, Result, StreamId};

/// Routes, documentation and schemas of groups.
pub fn section() -> Section {
    let (one, body, patch) =
        (schema::reference("Group"), schema::reference("NewGroup"), schema::reference("GroupChange"));
    let list = Doc::new("group_list", "List groups, ordered by id").page();
    let create = Doc::new("group_create", "Create a group").body(body.clone());
    let replace =
        Doc::new("group_replace", "Replace a group").about("Without `data` its members stay.").body(body);
    let update = Doc::new("group_update", "Change the given fields of a group").body(patch);
    let destroy = Doc::new("group_delete", "Delete a group").about("Its members are then in no group.");
    let right = RequiredAccess::Scope(Resource::Group);
    Section {
        name: "Groups",
        about: "Named sets of data streams. A stream is in at most one group.",
        routes: vec![
            Route::gated("/api/group", right)
                .get(
                    self::list,
                    list.answers(200, "The groups of the organization", schema::list(one.clone())),
                )
                .post(self::create, create.answers(201, "The new group", one.clone())),
            Route::gated("/api/group/{id}", right)
                .get(
                    retrieve,
                    Doc::new("group_get", "Get a group").answers(200, "The requested group", one.clone()),
                )
                .put(self::update, replace.answers(200, "The replaced group", one.clone()))
                .patch(self::update, update.answers(200, "The changed group", one))
                .delete(self::destroy, destroy.answers_nothing("The group was deleted")),
        ],
        schemas: vec![
            ("Group", schema::view(&described())),
            ("NewGroup", schema::body(&described())),
            ("GroupChange", schema::patch(&described())),
        ],
    }
}

fn described() -> Vec<FieldSchema> {
    let rest = vec![
        omittable("data", schema::list(schema::row_id())),
        read_only("created_at", schema::time()),
        read_only("updated_at", schema::time()),
    ];
    noun_fields::<GroupSpec>(rest)
}

/// `GET /api/group`: the groups with their visible members, ordered by id.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let page = query.page();
    query.finish()?;
    let groups = app.groups.groups(&caller, page)?;
    let view = move |group: &Arc<Group>| GroupView::new(&app, &caller, group);
    Ok(array::respond(array::pieces_from_rows(groups, view)).await?)
}

/// `POST /api/group`: creates a group, with its members if `data` names them.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<GroupView>), RestError> {
    app.groups.check_may_change_groups(&caller)?;
    let group = app.groups.create_group_from_fields(&caller, body.fields(ReadMode::Whole).await?).await?;
    Ok((StatusCode::CREATED, Json(GroupView::new(&app, &caller, &group))))
}

/// `GET /api/group/{id}`: one group with its visible members.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<GroupId>,
) -> Result<Json<GroupView>, RestError> {
    let group = app.groups.group(&caller, id)?;
    Ok(Json(GroupView::new(&app, &caller, &group)))
}

/// `PUT /api/group/{id}` replaces the fields. Without `data` the members stay: they are rows of their own, changed
/// only when named. `PATCH` changes the given fields.
pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<GroupId>,
    body: DeferredJson,
) -> Result<Json<GroupView>, RestError> {
    app.groups.group_to_change(&caller, id)?;
    let fields = body.change().await?;
    let group = app.groups.update_group_from_fields(&caller, id, fields).await?;
    Ok(Json(GroupView::new(&app, &caller, &group)))
}

/// `DELETE /api/group/{id}`: deletes the group; its members stay.
pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<GroupId>,
) -> Result<StatusCode, RestError> {
    app.groups.group_to_change(&caller, id)?;
    app.groups.delete_group(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A group in a response, with the members visible to the caller.
#[derive(Debug, Serialize)]
pub struct GroupView {
    id: GroupId,
    #[serde(flatten)]
    fields: ShownRow,
    data: Vec<StreamId>,
    created_at: String,
    updated_at: String,
}

impl GroupView {
    fn new(app: &App, principal: &Principal, group: &Group) -> Self {
        Self {
            id: group.id,
            fields: group.spec.values(),
            data: app.groups.members(principal, group.id),
            created_at: group.created_at.to_iso(),
            updated_at: group.updated_at.to_iso(),
        }
    }
}
