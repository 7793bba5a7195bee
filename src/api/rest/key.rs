//! `/api/key/`: API keys of the superuser's organization. A secret is returned only once, when its key is created.

use std::collections::BTreeSet;
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
use crate::api::openapi::schema::{self, FieldSchema, optional, read_only, required};
use crate::app::App;
use crate::app::fields::key::read_key;
use crate::app::fields::reader::ReadMode;
use crate::domain::key::Key;
use crate::domain::{DeviceId, DocumentId, KeyId, Result, Scope, StreamId};
use serde_json::Value;

/// Routes, documentation and schemas of API keys.
pub fn section() -> Section {
    let key = schema::reference("Key");
    let list = Doc::new("key_list", "List all API keys, including revoked ones").page();
    let create = Doc::new("key_create", "Create an API key; only this response contains its secret")
        .body(schema::reference("NewKey"))
        .answers(201, "The new API key with its secret", schema::reference("KeyWithSecret"));
    let get = Doc::new("key_get", "Get an API key").answers(200, "The requested API key", key.clone());
    let revoke =
        Doc::new("key_revoke", "Revoke an API key for good").answers_nothing("The API key was revoked");
    Section {
        name: "Keys",
        about: "API keys, managed by superusers.",
        routes: vec![
            Route::gated("/api/key", RequiredAccess::Superuser)
                .get(self::list, list.answers(200, "The API keys of the organization", schema::list(key)))
                .post(self::create, create),
            Route::gated("/api/key/{id}", RequiredAccess::Superuser)
                .get(retrieve, get)
                .delete(destroy, revoke),
        ],
        schemas: vec![
            ("Key", schema::view(&described())),
            ("NewKey", schema::body(&described())),
            (
                "KeyWithSecret",
                schema::view(&[described(), vec![read_only("key", schema::string())]].concat()),
            ),
        ],
    }
}

fn described() -> Vec<FieldSchema> {
    let scope = schema::choice(Scope::all().map(|scope| scope.to_string()));
    let rows = || schema::nullable(schema::list(schema::row_id()));
    vec![
        read_only("id", schema::row_id()),
        required("name", schema::text(1, 100)),
        read_only("prefix", schema::string()),
        required("scopes", schema::list(scope)),
        optional("allowed_devices", rows(), Value::Null),
        optional("allowed_data", rows(), Value::Null),
        optional("allowed_dashboards", rows(), Value::Null),
        read_only("enabled", schema::boolean()),
        optional("expires_at", schema::nullable(schema::time_input()), Value::Null)
            .returned_as(schema::nullable(schema::time())),
        read_only("last_used_at", schema::nullable(schema::time())),
        read_only("created_at", schema::time()),
    ]
}

/// `GET /api/key`: keys of the organization, without their secrets.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<KeyView>>, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let page = query.page();
    query.finish()?;
    let keys = app.access.keys(&caller)?;
    Ok(Json(keys.iter().skip(page.offset).take(page.limit).map(|key| KeyView::new(key)).collect()))
}

/// `POST /api/key`: issues a key; only this response has its secret.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<NewKeyView>), RestError> {
    let fields = body.fields(ReadMode::Whole).await?;
    let (key, secret) = app.access.issue_key(&caller, read_key(fields)?).await?;
    Ok((StatusCode::CREATED, Json(NewKeyView { shown: KeyView::new(&key), key: secret })))
}

/// `GET /api/key/{id}`: one key, without its secret.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<KeyId>,
) -> Result<Json<KeyView>, RestError> {
    Ok(Json(KeyView::new(&*app.access.key(&caller, id)?)))
}

/// `DELETE /api/key/{id}`: revokes a key for good; its row stays.
pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<KeyId>,
) -> Result<StatusCode, RestError> {
    app.access.revoke_key(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An API key in a response; of its secret only the prefix that identifies it.
#[derive(Debug, Serialize)]
pub struct KeyView {
    id: KeyId,
    name: String,
    prefix: String,
    scopes: Vec<String>,
    allowed_devices: Option<BTreeSet<DeviceId>>,
    allowed_data: Option<BTreeSet<StreamId>>,
    allowed_dashboards: Option<BTreeSet<DocumentId>>,
    enabled: bool,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    created_at: String,
}

/// A new API key: the only response that contains the secret.
#[derive(Serialize)]
pub struct NewKeyView {
    #[serde(flatten)]
    shown: KeyView,
    key: String,
}

impl KeyView {
    fn new(key: &Key) -> Self {
        let spec = key.spec.clone();
        Self {
            id: key.id,
            name: spec.name,
            prefix: key.secret.prefix.clone(),
            scopes: spec.scopes.iter().map(|scope| scope.to_string()).collect(),
            allowed_devices: spec.devices,
            allowed_data: spec.streams,
            allowed_dashboards: spec.dashboards,
            enabled: key.enabled,
            expires_at: spec.expires_at.map(|end| end.to_iso()),
            last_used_at: key.last_used_at.map(|at| at.to_iso()),
            created_at: key.created_at.to_iso(),
        }
    }
}
