//! `/api/key/`: API keys of the superuser's organization. A secret is shown once, when its key is made.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;

use super::Id;
use super::body::Unread;
use super::fields::{Fields, Mode, Need};
use super::gate::Right;
use super::query::Query;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, optional, required, shown};
use crate::app::App;
use crate::domain::Resource;
use crate::domain::key::{Key, KeySpec};
use crate::domain::{DeviceId, KeyId, Result, Scope, Scopes, StreamId};
use serde_json::Value;

pub fn section() -> Section {
    let key = shape::named("Key");
    let list = Doc::new("key_list", "All keys, revoked ones too").page();
    let create = Doc::new("key_create", "A new key, with its secret: this once")
        .body(shape::named("NewKey"))
        .answers(201, "The key", shape::named("KeyWithSecret"));
    let get = Doc::new("key_get", "One key").answers(200, "It", key.clone());
    let revoke = Doc::new("key_revoke", "Disables it for good").answers_nothing("It is refused from now on");
    Section {
        name: "Keys",
        about: "API keys, managed by superusers.",
        routes: vec![
            Route::gated("/api/key", Right::Superuser)
                .get(self::list, list.answers(200, "They", shape::list(key)))
                .post(self::create, create),
            Route::gated("/api/key/{id}", Right::Superuser).get(retrieve, get).delete(destroy, revoke),
        ],
        schemas: vec![
            ("Key", shape::view(&described())),
            ("NewKey", shape::body(&described())),
            ("KeyWithSecret", shape::view(&[described(), vec![shown("key", shape::words())]].concat())),
        ],
    }
}

fn described() -> Vec<Field> {
    let scopes = Resource::ALL.iter().flat_map(|r| [Scope::read(*r), Scope::write(*r)]);
    let scope = shape::choice(scopes.map(|scope| scope.to_string()));
    let rows = || shape::or_null(shape::list(shape::row()));
    vec![
        shown("id", shape::row()),
        required("name", shape::text(1, 100)),
        shown("prefix", shape::words()),
        required("scopes", shape::list(scope)),
        optional("allowed_devices", rows(), Value::Null),
        optional("allowed_data", rows(), Value::Null),
        shown("enabled", shape::boolean()),
        optional("expires_at", shape::or_null(shape::time_given()), Value::Null)
            .shown_as(shape::or_null(shape::time())),
        shown("last_used_at", shape::or_null(shape::time())),
        shown("created_at", shape::time()),
    ]
}

pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<KeyView>>, RestError> {
    let mut query = Query::parse(raw.as_deref());
    let page = query.page();
    query.finish()?;
    let keys = app.keys(&caller)?;
    Ok(Json(keys.iter().skip(page.offset).take(page.limit).map(|key| KeyView::new(key)).collect()))
}

pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: Unread,
) -> Result<(StatusCode, Json<NewKeyView>), RestError> {
    let fields = body.fields(Mode::Whole).await?;
    let (key, secret) = app.issue_key(&caller, parse(fields)?).await?;
    Ok((StatusCode::CREATED, Json(NewKeyView { shown: KeyView::new(&key), key: secret })))
}

pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<KeyId>,
) -> Result<Json<KeyView>, RestError> {
    Ok(Json(KeyView::new(&*app.key(&caller, id)?)))
}

pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<KeyId>,
) -> Result<StatusCode, RestError> {
    app.revoke_key(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Scopes have to be named, unlike on the command line: nobody grants everything by leaving a field out.
pub(in crate::api) fn parse(mut fields: Fields) -> Result<KeySpec> {
    let (mut name, mut scopes) = (String::new(), Vec::new());
    let (mut devices, mut streams): (Option<Vec<DeviceId>>, Option<Vec<StreamId>>) = (None, None);
    let mut expires_at = None;
    fields.text("name", Need::Required, &mut name);
    fields.choices::<Scope>("scopes", &mut scopes);
    fields.rows_or_null("allowed_devices", DeviceId, &mut devices);
    fields.rows_or_null("allowed_data", StreamId, &mut streams);
    fields.timestamp_or_null("expires_at", &mut expires_at);
    fields.finish(Vec::new())?;
    Ok(KeySpec {
        name,
        scopes: scopes.into_iter().collect::<Scopes>(),
        devices: devices.map(|ids| ids.into_iter().collect::<BTreeSet<_>>()),
        streams: streams.map(|ids| ids.into_iter().collect::<BTreeSet<_>>()),
        expires_at,
    })
}

/// What of a key can change; the rest is of a new key. REST itself has no such route.
pub(in crate::api) fn parse_name(mut fields: Fields) -> Result<String> {
    let mut name = String::new();
    fields.text("name", Need::Required, &mut name);
    fields.finish(Vec::new())?;
    Ok(name)
}

/// A key as shown: of its secret only the beginning it is recognised by.
#[derive(Debug, Serialize)]
pub struct KeyView {
    id: KeyId,
    name: String,
    prefix: String,
    scopes: Vec<String>,
    allowed_devices: Option<BTreeSet<DeviceId>>,
    allowed_data: Option<BTreeSet<StreamId>>,
    enabled: bool,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    created_at: String,
}

/// The only answer that holds a secret.
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
            enabled: key.enabled,
            expires_at: spec.expires_at.map(|end| end.to_iso()),
            last_used_at: key.last_used_at.map(|at| at.to_iso()),
            created_at: key.created_at.to_iso(),
        }
    }
}
