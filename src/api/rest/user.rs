//! `/api/user/`: the people of the superuser's organization, their roles and their right to log in.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;

use super::Id;
use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, read_only, required};
use crate::app::App;
use crate::app::fields::reader::ReadMode;
use crate::domain::org::User;
use crate::domain::user_role::UserRole;
use crate::domain::validation::MAX_SECRET_CHARS;
use crate::domain::{Result, UserId};

/// Routes, documentation and schemas of users.
pub fn section() -> Section {
    let user = schema::reference("User");
    let list = Doc::new("user_list", "List the users of the organization").page();
    let create = Doc::new("user_create", "Create a user").body(schema::reference("NewUser")).answers(
        201,
        "The new user",
        user.clone(),
    );
    let get = Doc::new("user_get", "Get one user").answers(200, "The requested user", user.clone());
    let update = Doc::new("user_update", "Change role, password or right to log in of a user")
        .about("Another role or password, and `enabled: false`, end the sessions of the user. Nobody changes the own user.")
        .body(schema::reference("UserChange"))
        .answers(200, "The changed user", user.clone())
        .refuses(409);
    let delete = Doc::new("user_delete", "Delete a user and end its sessions")
        .about("Nobody deletes the own user.")
        .answers_nothing("The user was deleted")
        .refuses(409);
    Section {
        name: "Users",
        about: "People who log in, managed by superusers.",
        routes: vec![
            Route::gated("/api/user", RequiredAccess::Superuser)
                .get(self::list, list.answers(200, "The users of the organization", schema::list(user)))
                .post(self::create, create),
            Route::gated("/api/user/{id}", RequiredAccess::Superuser)
                .get(retrieve, get)
                .patch(self::update, update)
                .delete(destroy, delete),
        ],
        schemas: vec![
            ("User", schema::view(&described())),
            ("NewUser", schema::body(&[username(), password(), role()])),
            ("UserChange", schema::patch(&[password(), role(), enabled()])),
        ],
    }
}

fn username() -> FieldSchema {
    required("username", schema::text(1, 150))
}

fn password() -> FieldSchema {
    required("password", schema::secret(MAX_SECRET_CHARS))
}

fn role() -> FieldSchema {
    required("role", schema::choice_of::<UserRole>())
}

fn enabled() -> FieldSchema {
    required("enabled", schema::boolean())
}

fn described() -> Vec<FieldSchema> {
    let (id, created_at) = (read_only("id", schema::row_id()), read_only("created_at", schema::time()));
    vec![id, username(), role(), enabled(), created_at]
}

/// `GET /api/user`: the users of the organization, by id.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<UserView>>, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let page = query.page();
    query.finish()?;
    let users = app.users.users(&caller)?;
    Ok(Json(users.iter().skip(page.offset).take(page.limit).map(|user| UserView::new(user)).collect()))
}

/// `POST /api/user`: creates a user, who may log in at once.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<UserView>), RestError> {
    let user = app.users.create_user_from_fields(&caller, body.fields(ReadMode::Whole).await?).await?;
    Ok((StatusCode::CREATED, Json(UserView::new(&user))))
}

/// `GET /api/user/{id}`: one user.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<UserId>,
) -> Result<Json<UserView>, RestError> {
    Ok(Json(UserView::new(&*app.users.user(&caller, id)?)))
}

/// `PATCH /api/user/{id}`: changes `role`, `password` and `enabled`, each where given.
pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<UserId>,
    body: DeferredJson,
) -> Result<Json<UserView>, RestError> {
    app.users.user(&caller, id)?;
    let fields = body.fields(ReadMode::Partial).await?;
    Ok(Json(UserView::new(&*app.users.change_user_from_fields(&caller, id, fields).await?)))
}

/// `DELETE /api/user/{id}`: deletes a user; the sessions and tokens of the user end.
pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<UserId>,
) -> Result<StatusCode, RestError> {
    app.users.remove_user(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A user in a response, without the password.
#[derive(Debug, Serialize)]
pub struct UserView {
    id: UserId,
    username: String,
    role: &'static str,
    enabled: bool,
    created_at: String,
}

impl UserView {
    fn new(user: &User) -> Self {
        Self {
            id: user.id,
            username: user.name.clone(),
            role: user.role().name(),
            enabled: user.enabled,
            created_at: user.created_at.to_iso(),
        }
    }
}
