//! `/api/group/`: named sets of streams.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::fields::{BodyMode, Fields, Presence};
use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, omittable, optional, read_only, required};
use crate::app::App;
use crate::domain::Resource;
use crate::domain::group::{Group, GroupSpec};
use crate::domain::{GroupId, Principal, Result, StreamId};

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
                .put(self::replace, replace.answers(200, "The replaced group", one.clone()))
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
    vec![
        read_only("id", schema::row_id()),
        required("name", schema::text(1, 100)),
        optional("description", schema::text(0, 1000), ""),
        omittable("data", schema::list(schema::row_id())),
        read_only("created_at", schema::time()),
        read_only("updated_at", schema::time()),
    ]
}

pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let page = query.page();
    query.finish()?;
    let groups = app.groups(&caller, page)?;
    let view = move |group: &Arc<Group>| GroupView::new(&app, &caller, group);
    Ok(array::respond(array::pieces_from_rows(groups, view)).await?)
}

pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<GroupView>), RestError> {
    let group = create_from_fields(&app, &caller, body.fields(BodyMode::Whole).await?).await?;
    Ok((StatusCode::CREATED, Json(GroupView::new(&app, &caller, &group))))
}

pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<GroupId>,
) -> Result<Json<GroupView>, RestError> {
    let group = app.group(&caller, id)?;
    Ok(Json(GroupView::new(&app, &caller, &group)))
}

/// Without `data` the members stay: they are rows of their own, changed only when named.
pub async fn replace(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<GroupId>,
    body: DeferredJson,
) -> Result<Json<GroupView>, RestError> {
    app.group_to_change(&caller, id)?;
    let mut fields = body.fields(BodyMode::Whole).await?;
    let mut spec = blank();
    let members = read_onto(&mut fields, &mut spec);
    fields.finish(app.group_problems(&caller, &spec, members.as_deref()))?;
    let group = app.update_group(&caller, id, move |stored| *stored = spec, members).await?;
    Ok(Json(GroupView::new(&app, &caller, &group)))
}

pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<GroupId>,
    body: DeferredJson,
) -> Result<Json<GroupView>, RestError> {
    app.group_to_change(&caller, id)?;
    let group = update_from_fields(&app, &caller, id, body.fields(BodyMode::Partial).await?).await?;
    Ok(Json(GroupView::new(&app, &caller, &group)))
}

pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<GroupId>,
) -> Result<StatusCode, RestError> {
    app.group_to_change(&caller, id)?;
    app.delete_group(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Creates a group from the fields of a body.
pub(in crate::api) async fn create_from_fields(
    app: &App,
    who: &Principal,
    mut fields: Fields,
) -> Result<Arc<Group>> {
    let mut spec = blank();
    let members = read_onto(&mut fields, &mut spec);
    fields.finish(app.group_problems(who, &spec, members.as_deref()))?;
    app.create_group(who, spec, members.unwrap_or_default()).await
}

/// Changes the given fields of a group.
pub(in crate::api) async fn update_from_fields(
    app: &App,
    who: &Principal,
    id: GroupId,
    patch: Fields,
) -> Result<Arc<Group>> {
    let current = app.group_to_change(who, id)?;
    let (mut fields, mut tried) = (patch.clone(), current.spec.clone());
    let members = read_onto(&mut fields, &mut tried);
    fields.finish(app.group_problems(who, &tried, members.as_deref()))?;
    // Merged again onto the row stored by then: concurrent updates of different fields must both last.
    let merge = move |stored: &mut GroupSpec| drop(read_onto(&mut patch.clone(), stored));
    app.update_group(who, id, merge, members).await
}

fn blank() -> GroupSpec {
    GroupSpec { name: String::new(), description: String::new() }
}

/// Returns the members, if they are given.
fn read_onto(fields: &mut Fields, spec: &mut GroupSpec) -> Option<Vec<StreamId>> {
    fields.text("name", Presence::Required, &mut spec.name);
    fields.text("description", Presence::Optional, &mut spec.description);
    fields.rows("data", StreamId)
}

/// A group in a response, with the members visible to the caller.
#[derive(Debug, Serialize)]
pub struct GroupView {
    id: GroupId,
    name: String,
    description: String,
    data: Vec<StreamId>,
    created_at: String,
    updated_at: String,
}

impl GroupView {
    fn new(app: &App, principal: &Principal, group: &Group) -> Self {
        Self {
            id: group.id,
            name: group.spec.name.clone(),
            description: group.spec.description.clone(),
            data: app.members(principal, group.id),
            created_at: group.created_at.to_iso(),
            updated_at: group.updated_at.to_iso(),
        }
    }
}
