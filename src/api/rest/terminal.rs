//! `/api/webrtc/terminal-grant/`: leave to open a terminal, as a signed token; how a terminal service checks one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::body::Unread;
use super::fields::{Fields, Mode, Need};
use super::gate::Right;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, optional, required, shown};
use crate::app::App;
use crate::domain::grant::{Grant, GrantSpec};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Principal, Resource, Result};

pub fn section() -> Section {
    let issue = Doc::new("terminal_grant_create", "Leave to open a terminal, as a signed token")
        .about("Short-lived, and good for once.")
        .body(shape::named("NewTerminalGrant"))
        .answers(201, "The token", shape::named("TerminalGrant"));
    let validate =
        Doc::new("terminal_grant_validate", "Uses a token up, for the service that opens terminals")
            .body(shape::body(&[required("token", shape::words())]).into())
            .answers(200, "What it allows", shape::named("RedeemedGrant"));
    let keys = Doc::new("jwks", "The public keys of terminal grants, as a JWK set").answers(
        200,
        "The set",
        shape::map(),
    );
    let right = Right::Scope(Resource::WebrtcTerminal);
    Section {
        name: "Terminal grants",
        about: "Who may open a terminal on a host, for a minute.",
        routes: vec![
            Route::gated("/api/webrtc/terminal-grant", right).post(self::issue, issue),
            Route::gated("/api/webrtc/terminal-grant/validate", right).post(self::validate, validate),
            Route::open("/.well-known/jwks.json").get(self::keys, keys),
        ],
        schemas: vec![
            ("NewTerminalGrant", shape::body(&described())),
            ("TerminalGrant", shape::view(&[described_token(), described()].concat())),
            ("RedeemedGrant", shape::view(&[described_claims(), described()].concat())),
        ],
    }
}

fn described() -> Vec<Field> {
    vec![
        required("terminal_id", shape::text(1, 128)),
        required("host_id", shape::text(1, 128)),
        optional("interactive", shape::boolean(), false),
        optional("allowed_presets", shape::list(shape::text(1, 64)), Vec::<String>::new()),
    ]
}

fn described_token() -> Vec<Field> {
    vec![
        shown("token", shape::words()),
        shown("token_type", shape::choice(["Bearer"])),
        shown("expires_in", shape::integer(1, 300)),
        shown("expires_at", shape::time()),
    ]
}

fn described_claims() -> Vec<Field> {
    vec![
        shown("jti", shape::words()),
        shown("sub", shape::words()),
        shown("issued_at", shape::time()),
        shown("expires_at", shape::time()),
    ]
}

pub async fn issue(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: Unread,
) -> Result<(StatusCode, Json<IssuedView>), RestError> {
    app.check_may_grant(&caller)?;
    let (grant, token) = make(&app, &caller, body.fields(Mode::Whole).await?).await?;
    Ok((StatusCode::CREATED, Json(IssuedView::new(grant, token))))
}

/// A grant of the fields of a body, and its token.
pub(in crate::api) async fn make(app: &App, who: &Principal, mut fields: Fields) -> Result<(Grant, String)> {
    app.check_may_grant(who)?;
    let mut spec = GrantSpec::default();
    fields.text("terminal_id", Need::Required, &mut spec.terminal_id);
    fields.text("host_id", Need::Required, &mut spec.host_id);
    fields.boolean("interactive", &mut spec.interactive);
    fields.texts("allowed_presets", &mut spec.allowed_presets);
    fields.finish(spec.problems())?;
    app.issue_grant(who, spec).await
}

/// Uses the token up.
pub async fn validate(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: Unread,
) -> Result<Json<GrantView>, RestError> {
    app.check_may_grant(&caller)?;
    Ok(Json(redeem(&app, &caller, body.fields(Mode::Whole).await?).await?.into()))
}

/// The grant of the token in the fields of a body, which it uses up.
pub(in crate::api) async fn redeem(app: &App, who: &Principal, mut fields: Fields) -> Result<Grant> {
    app.check_may_grant(who)?;
    let mut token = String::new();
    fields.text("token", Need::Required, &mut token);
    fields.finish(Vec::new())?;
    app.redeem_grant(who, &token).await
}

/// For everybody: a public key is no secret.
pub async fn keys(State(app): State<Arc<App>>) -> Result<Json<Value>, RestError> {
    Ok(Json(app.grant_keys().await?))
}

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

/// What a redeemed grant allows; `sub` and `jti` as in the token.
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
