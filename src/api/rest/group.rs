//! `/api/group/`: named sets of streams.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::body::Unread;
use super::fields::{Fields, Mode, Need};
use super::gate::Right;
use super::query::Query;
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, optional, possible, required, shown};
use crate::app::App;
use crate::domain::Resource;
use crate::domain::group::{Group, GroupSpec};
use crate::domain::{GroupId, Principal, Result, StreamId};

pub fn section() -> Section {
    let (one, body, patch) = (shape::named("Group"), shape::named("NewGroup"), shape::named("GroupChange"));
    let list = Doc::new("group_list", "Groups, by id").page();
    let create = Doc::new("group_create", "A new group").body(body.clone());
    let replace =
        Doc::new("group_replace", "Replaces it").about("Without `data` its members stay.").body(body);
    let update = Doc::new("group_update", "Changes the fields that are given").body(patch);
    let destroy = Doc::new("group_delete", "Deletes it").about("Its members are then in no group.");
    let right = Right::Scope(Resource::Group);
    Section {
        name: "Groups",
        about: "Named sets of data streams. A stream is in one group at most.",
        routes: vec![
            Route::gated("/api/group", right)
                .get(self::list, list.answers(200, "All of them", shape::list(one.clone())))
                .post(self::create, create.answers(201, "As stored", one.clone())),
            Route::gated("/api/group/{id}", right)
                .get(retrieve, Doc::new("group_get", "One group").answers(200, "It", one.clone()))
                .put(self::replace, replace.answers(200, "As stored", one.clone()))
                .patch(self::update, update.answers(200, "As stored", one))
                .delete(self::destroy, destroy.answers_nothing("It is gone")),
        ],
        schemas: vec![
            ("Group", shape::view(&described())),
            ("NewGroup", shape::body(&described())),
            ("GroupChange", shape::patch(&described())),
        ],
    }
}

fn described() -> Vec<Field> {
    vec![
        shown("id", shape::row()),
        required("name", shape::text(1, 100)),
        optional("description", shape::text(0, 1000), ""),
        possible("data", shape::list(shape::row())),
        shown("created_at", shape::time()),
        shown("updated_at", shape::time()),
    ]
}

pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let mut query = Query::parse(raw.as_deref());
    let page = query.page();
    query.finish()?;
    let groups = app.groups(&caller, page)?;
    let view = move |group: &Arc<Group>| GroupView::new(&app, &caller, group);
    Ok(array::respond(array::of_rows(groups, view)).await?)
}

pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: Unread,
) -> Result<(StatusCode, Json<GroupView>), RestError> {
    let group = make(&app, &caller, body.fields(Mode::Whole).await?).await?;
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

/// Without `data` the members stay: they are rows of their own, changed only when they are named.
pub async fn replace(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<GroupId>,
    body: Unread,
) -> Result<Json<GroupView>, RestError> {
    app.group_to_change(&caller, id)?;
    let mut fields = body.fields(Mode::Whole).await?;
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
    body: Unread,
) -> Result<Json<GroupView>, RestError> {
    app.group_to_change(&caller, id)?;
    let group = change(&app, &caller, id, body.fields(Mode::Partial).await?).await?;
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

/// A new group of the fields of a body.
pub(in crate::api) async fn make(app: &App, who: &Principal, mut fields: Fields) -> Result<Arc<Group>> {
    let mut spec = blank();
    let members = read_onto(&mut fields, &mut spec);
    fields.finish(app.group_problems(who, &spec, members.as_deref()))?;
    app.create_group(who, spec, members.unwrap_or_default()).await
}

/// Changes the fields of a group that are given.
pub(in crate::api) async fn change(
    app: &App,
    who: &Principal,
    id: GroupId,
    patch: Fields,
) -> Result<Arc<Group>> {
    let current = app.group_to_change(who, id)?;
    let (mut fields, mut tried) = (patch.clone(), current.spec.clone());
    let members = read_onto(&mut fields, &mut tried);
    fields.finish(app.group_problems(who, &tried, members.as_deref()))?;
    // Merged again onto what is stored by then: two updates of different fields must both last.
    let merge = move |stored: &mut GroupSpec| drop(read_onto(&mut patch.clone(), stored));
    app.update_group(who, id, merge, members).await
}

fn blank() -> GroupSpec {
    GroupSpec { name: String::new(), description: String::new() }
}

/// The members, if they are given.
fn read_onto(fields: &mut Fields, spec: &mut GroupSpec) -> Option<Vec<StreamId>> {
    fields.text("name", Need::Required, &mut spec.name);
    fields.text("description", Need::Optional, &mut spec.description);
    fields.rows("data", StreamId)
}

/// A group as shown, with the members that the caller sees.
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
