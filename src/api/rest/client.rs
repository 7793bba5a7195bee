//! `/api/client/`: clients of the Instathings, Blynk and MK APIs. A secret is returned only once, when its client is
//! created.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

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
use crate::app::client::ClientLine;
use crate::app::fields::client::read_client;
use crate::app::fields::reader::ReadMode;
use crate::domain::client::{ClientApi, Role};
use crate::domain::{ClientId, Result};

/// Routes, documentation and schemas of clients.
pub fn section() -> Section {
    let client = schema::reference("Client");
    let list = Doc::new("client_list", "List all clients, including revoked ones").page();
    let create = Doc::new("client_create", "Create a client; only this response contains its secret")
        .about("A Blynk client with a user or a role gives tokens to users; without either it acts for the organization.")
        .body(schema::reference("NewClient"))
        .answers(201, "The new client with its secret", schema::reference("ClientWithSecret"));
    let get = Doc::new("client_get", "Get a client").answers(200, "The requested client", client.clone());
    let revoke = Doc::new("client_revoke", "Revoke a client for good, with its tokens")
        .answers_nothing("The client was revoked");
    Section {
        name: "Clients",
        about: "Clients of the Instathings, Blynk and MK APIs, managed by superusers.",
        routes: vec![
            Route::gated("/api/client", RequiredAccess::Superuser)
                .get(self::list, list.answers(200, "The clients of the organization", schema::list(client)))
                .post(self::create, create),
            Route::gated("/api/client/{id}", RequiredAccess::Superuser)
                .get(retrieve, get)
                .delete(destroy, revoke),
        ],
        schemas: vec![
            ("Client", schema::view(&described())),
            ("NewClient", schema::body(&described())),
            (
                "ClientWithSecret",
                schema::view(&[described(), vec![read_only("secret", schema::string())]].concat()),
            ),
        ],
    }
}

fn described() -> Vec<FieldSchema> {
    let role = schema::nullable(schema::choice_of::<Role>());
    vec![
        read_only("id", schema::row_id()),
        read_only("client_id", schema::string()),
        required("api", schema::choice_of::<ClientApi>()),
        required("name", schema::text(1, 100)),
        optional("user", schema::nullable(schema::text(1, 150)), Value::Null),
        optional("role", role, Value::Null),
        read_only("user_scoped", schema::boolean()),
        read_only("enabled", schema::boolean()),
        read_only("created_at", schema::time()),
        read_only("revoked_at", schema::nullable(schema::time())),
    ]
}

/// `GET /api/client`: clients of the organization, without their secrets.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Json<Vec<ClientLine>>, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let page = query.page();
    query.finish()?;
    let clients = app.clients.clients(&caller)?;
    let page = clients.iter().skip(page.offset).take(page.limit);
    Ok(Json(page.map(|client| app.clients.client_line(client)).collect()))
}

/// `POST /api/client`: creates a client; only this response has its secret.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<NewClientView>), RestError> {
    let request = read_client(body.fields(ReadMode::Whole).await?)?;
    let (client, secret) = app.clients.issue_client(&caller, &request).await?;
    Ok((StatusCode::CREATED, Json(NewClientView { shown: app.clients.client_line(&client), secret })))
}

/// `GET /api/client/{id}`: one client, without its secret.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ClientId>,
) -> Result<Json<ClientLine>, RestError> {
    Ok(Json(app.clients.client_line(&*app.clients.client(&caller, id)?)))
}

/// `DELETE /api/client/{id}`: revokes a client for good; its tokens end at once, its row stays.
pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ClientId>,
) -> Result<StatusCode, RestError> {
    app.clients.revoke_client(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new client: the only response that contains the secret.
#[derive(Serialize)]
pub struct NewClientView {
    #[serde(flatten)]
    shown: ClientLine,
    secret: String,
}
