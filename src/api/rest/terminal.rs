//! `/api/webrtc/terminal-grant/`: leave to open a terminal, as a signed token; how a terminal service checks one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use super::body::Unread;
use super::fields::{Mode, Need};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::app::App;
use crate::domain::Result;
use crate::domain::grant::{Grant, GrantSpec};
use crate::domain::time::MICROS_PER_SECOND;

pub async fn issue(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: Unread,
) -> Result<(StatusCode, Json<IssuedView>), RestError> {
    app.check_may_grant(&caller)?;
    let mut fields = body.fields(Mode::Whole).await?;
    let mut spec = GrantSpec::default();
    fields.text("terminal_id", Need::Required, &mut spec.terminal_id);
    fields.text("host_id", Need::Required, &mut spec.host_id);
    fields.boolean("interactive", &mut spec.interactive);
    fields.texts("allowed_presets", &mut spec.allowed_presets);
    fields.finish(spec.problems())?;
    let (grant, token) = app.issue_grant(&caller, spec).await?;
    Ok((StatusCode::CREATED, Json(IssuedView::new(grant, token))))
}

/// Uses the token up.
pub async fn validate(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: Unread,
) -> Result<Json<GrantView>, RestError> {
    app.check_may_grant(&caller)?;
    let mut fields = body.fields(Mode::Whole).await?;
    let mut token = String::new();
    fields.text("token", Need::Required, &mut token);
    fields.finish(Vec::new())?;
    Ok(Json(app.redeem_grant(&caller, &token).await?.into()))
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
