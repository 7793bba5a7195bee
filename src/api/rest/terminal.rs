//! `/api/webrtc/terminal-grant/`: issues signed tokens that allow opening a terminal, and validates them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, optional, read_only, required};
use crate::app::App;
use crate::app::fields::reader::ReadMode;
use crate::domain::grant::Grant;
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Resource, Result};

/// Routes, documentation and schemas of terminal grants.
pub fn section() -> Section {
    let issue = Doc::new("terminal_grant_create", "Issue a signed token that allows opening a terminal")
        .about("The token is short-lived and can be used once.")
        .body(schema::reference("NewTerminalGrant"))
        .answers(201, "The token", schema::reference("TerminalGrant"));
    let validate =
        Doc::new("terminal_grant_validate", "Validate a token and use it up (for the terminal service)")
            .body(schema::body(&[required("token", schema::string())]).into())
            .answers(200, "The permissions granted by the token", schema::reference("RedeemedGrant"));
    let keys = Doc::new("jwks", "Get the public keys of terminal grants as a JWK set").answers(
        200,
        "The JWK set",
        schema::map(),
    );
    let right = RequiredAccess::Scope(Resource::WebrtcTerminal);
    Section {
        name: "Terminal grants",
        about: "Short-lived permissions to open a terminal on a host.",
        routes: vec![
            Route::gated("/api/webrtc/terminal-grant", right).post(self::issue, issue),
            Route::gated("/api/webrtc/terminal-grant/validate", right).post(self::validate, validate),
            Route::open("/.well-known/jwks.json").get(self::keys, keys),
        ],
        schemas: vec![
            ("NewTerminalGrant", schema::body(&described())),
            ("TerminalGrant", schema::view(&[described_token(), described()].concat())),
            ("RedeemedGrant", schema::view(&[described_claims(), described()].concat())),
        ],
    }
}

fn described() -> Vec<FieldSchema> {
    vec![
        required("terminal_id", schema::text(1, 128)),
        required("host_id", schema::text(1, 128)),
        optional("interactive", schema::boolean(), false),
        optional("allowed_presets", schema::list(schema::text(1, 64)), Vec::<String>::new()),
    ]
}

fn described_token() -> Vec<FieldSchema> {
    vec![
        read_only("token", schema::string()),
        read_only("token_type", schema::choice(["Bearer"])),
        read_only("expires_in", schema::integer(1, 300)),
        read_only("expires_at", schema::time()),
    ]
}

fn described_claims() -> Vec<FieldSchema> {
    vec![
        read_only("jti", schema::string()),
        read_only("sub", schema::string()),
        read_only("issued_at", schema::time()),
        read_only("expires_at", schema::time()),
    ]
}

/// `POST /api/webrtc/terminal-grant`: issues a signed token that opens one terminal once.
pub async fn issue(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<IssuedView>), RestError> {
    app.terminal_grants.check_may_grant(&caller)?;
    let fields = body.fields(ReadMode::Whole).await?;
    let (grant, token) = app.terminal_grants.issue_grant_from_fields(&caller, fields).await?;
    Ok((StatusCode::CREATED, Json(IssuedView::new(grant, token))))
}

/// Validates a token and uses it up.
pub async fn validate(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<Json<GrantView>, RestError> {
    app.terminal_grants.check_may_grant(&caller)?;
    let fields = body.fields(ReadMode::Whole).await?;
    Ok(Json(app.terminal_grants.redeem_grant_from_fields(&caller, fields).await?.into()))
}

/// Public route: a public key is no secret.
pub async fn keys(State(app): State<Arc<App>>) -> Result<Json<Value>, RestError> {
    Ok(Json(app.terminal_grants.grant_keys().await?))
}

/// An issued token with its grant.
#[derive(Debug, Serialize)]
pub struct IssuedView {
    token: String,
    token_type: &'static str,
    expires_in: i64,
    expires_at: String,
    terminal_id: String,
    host_id: String,
    interactive: bool,
    allowed_presets: Vec<String>,
}

impl IssuedView {
    fn new(grant: Grant, token: String) -> Self {
        Self {
            token,
            token_type: "Bearer",
            expires_in: (grant.expires_at.0 - grant.issued_at.0) / MICROS_PER_SECOND,
            expires_at: grant.expires_at.to_iso(),
            terminal_id: grant.spec.terminal_id,
            host_id: grant.spec.host_id,
            interactive: grant.spec.interactive,
            allowed_presets: grant.spec.allowed_presets,
        }
    }
}

/// Permissions of a redeemed grant; `sub` and `jti` as in the token.
#[derive(Debug, Serialize)]
pub struct GrantView {
    jti: String,
    sub: String,
    terminal_id: String,
    host_id: String,
    interactive: bool,
    allowed_presets: Vec<String>,
    issued_at: String,
    expires_at: String,
}

impl From<Grant> for GrantView {
    fn from(grant: Grant) -> Self {
        Self {
            jti: grant.id.to_string(),
            sub: grant.subject,
            terminal_id: grant.spec.terminal_id,
            host_id: grant.spec.host_id,
            interactive: grant.spec.interactive,
            allowed_presets: grant.spec.allowed_presets,
            issued_at: grant.issued_at.to_iso(),
            expires_at: grant.expires_at.to_iso(),
        }
    }
}
