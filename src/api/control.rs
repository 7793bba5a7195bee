//! The local door: commands of the data directory's owner beside a running server.
//!
//! The token is in a file only that owner can read; `app/` refuses every other caller, API keys included.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};

use super::caller::Caller;
use super::error::PlainError;
use crate::app::App;
use crate::app::control::{Command, Outcome};

/// Where commands are posted.
pub const PATH: &str = "/local/command";

pub fn routes() -> Router<Arc<App>> {
    Router::new().route(PATH, post(run))
}

async fn run(
    Caller(principal): Caller,
    State(app): State<Arc<App>>,
    Json(command): Json<Command>,
) -> Result<Json<Outcome>, PlainError> {
    Ok(Json(app.run_command(&principal, command).await?))
}
