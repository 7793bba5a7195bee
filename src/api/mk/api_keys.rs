//! `/api-keys` and `/organization`: who may call, and for which organization.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::Answer;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, page_of, paged};
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, no_content, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema;
use crate::app::App;
use crate::app::mk::key::{NewMkKey, key_uuid};
use crate::domain::client::{Client, Role};
use crate::domain::mk_role::{MkPermission, MkRole};

const COLLECTION: &str = "/api/v1/api-keys";
const SORTABLE: &[&str] = &["createdAt", "name", "role", "id"];

/// Roles that a key can have.
const ROLES: [Role; 3] = [Role::Admin, Role::Member, Role::Readonly];
/// Markers of a key, by whether it is one for tests.
const MODES: [bool; 2] = [false, true];

fn mode_name(is_test: bool) -> &'static str {
    if is_test { "test" } else { "live" }
}

/// The operations.
pub fn section() -> Section {
    let settable = vec![
        schema::required("name", schema::text(1, 100)),
        schema::optional("role", schema::choice(ROLES.map(Role::name)), "admin"),
    ];
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(settable.clone());
    shown.push(schema::read_only("keyPrefix", schema::string()));
    shown.push(schema::read_only("createdAt", schema::time()));
    let mut new = shown.clone();
    new.push(schema::read_only("key", schema::string()));
    let mut sent = settable;
    sent.push(schema::optional("mode", schema::choice(MODES.map(mode_name)), "live"));
    let organization =
        ["id", "name", "slug", "createdAt"].map(|name| schema::required(name, schema::string()));
    let list_doc = paged(Doc::new("listApiKeys", "List API keys"))
        .about("Keys that were revoked are not listed.")
        .answers(200, "A page of keys.", page_of("ApiKey"));
    let create_doc = Doc::new("createApiKey", "Create an API key")
        .body(schema::reference("ApiKeyBody"))
        .answers(201, "The new key; `key` is shown only here.", schema::reference("NewApiKey"))
        .with_header("Location", schema::string(), "Path of the key.");
    let delete_doc =
        Doc::new("deleteApiKey", "Revoke an API key").answers_nothing("The key is refused from now on.");
    let organization_doc = Doc::new("getOrganization", "Get the caller's organization").answers(
        200,
        "The organization of the caller.",
        schema::reference("Organization"),
    );
    Section {
        name: "Access",
        about: "API keys of the organization, for the roles `admin` and `owner`.",
        endpoints: vec![
            Endpoint::get("/api/v1/organization", organization_of, organization_doc),
            Endpoint::get(COLLECTION, list, list_doc).needs(MkPermission::Manage),
            Endpoint::post(COLLECTION, create, create_doc).needs(MkPermission::Manage).with_secret(),
            Endpoint::delete("/api/v1/api-keys/{id}", delete, delete_doc).needs(MkPermission::Manage),
        ],
        schemas: vec![
            ("ApiKey", schema::view(&shown)),
            ("NewApiKey", schema::view(&new)),
            ("ApiKeyBody", schema::body(&sent)),
            ("Organization", schema::object(&organization)),
        ],
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiKeyView {
    id: Uuid,
    name: String,
    role: &'static str,
    /// The public beginning of the key.
    key_prefix: String,
    created_at: String,
    /// The whole key, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl ApiKeyView {
    fn new(row: &Client, key: Option<String>) -> Self {
        ApiKeyView {
            id: key_uuid(row),
            name: row.spec.name.clone(),
            role: MkRole::of_key(row.spec.role).name(),
            key_prefix: row.secret.client_id.clone(),
            created_at: iso(row.created_at),
            key,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrganizationView {
    id: Uuid,
    name: String,
    slug: String,
    created_at: String,
}

/// `GET /organization`.
async fn organization_of(caller: MkCaller, State(app): State<Arc<App>>) -> Answer {
    let org = app.access.own_org(&caller.principal)?;
    let (name, slug) = (org.name.clone(), org.slug.clone());
    Ok(ok(OrganizationView { id: org.uuid, name, slug, created_at: iso(org.created_at) }))
}

/// `GET /api-keys`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let key = |row: &Arc<Client>, property: &str| match property {
        "name" => row.spec.name.as_str().into(),
        "role" => MkRole::of_key(row.spec.role).name().into(),
        "id" => SortKey::Text(key_uuid(row).to_string()),
        _ => row.created_at.into(),
    };
    let page = page.of(app.mk.credentials.mk_keys_of(&caller)?, key, |row| key_uuid(row));
    Ok(ok(page.map(|row| ApiKeyView::new(&row, None))))
}

/// `POST /api-keys`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let new = read(body.fields(&app).await?)?;
    let (row, text) = app.mk.credentials.create_mk_key(&caller, new).await?;
    Ok(created(COLLECTION, key_uuid(&row), ApiKeyView::new(&row, Some(text))))
}

/// `DELETE /api-keys/{id}`.
async fn delete(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let revoked = app.mk.credentials.revoke_mk_key(&caller, *id).await;
    revoked.map_err(|error| MkError::named(error, "ApiKey", *id))?;
    Ok(no_content())
}

fn read(mut fields: Fields) -> Result<NewMkKey, MkError> {
    let new = NewMkKey {
        name: fields.text_or_empty("name").trim().to_owned(),
        role: fields.choice("role", &ROLES, Role::name).unwrap_or(Role::Admin),
        is_test: fields.choice("mode", &MODES, mode_name).unwrap_or(false),
    };
    fields.finish(new.problems())?;
    Ok(new)
}
