//! `/api/session/preferences/`: what pages remember of the logged-in person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value};

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::Route;
use crate::api::openapi::schema;
use crate::app::App;

/// The route, which belongs to the section of sessions.
pub fn route() -> Route {
    let get = Doc::new("session_preferences_get", "Get the preferences of the logged-in person")
        .answers(200, "The preferences; an empty object if none were stored", schema::map())
        .refuses(403);
    let put = Doc::new("session_preferences_replace", "Replace the preferences of the logged-in person")
        .about("Any JSON object of at most 16 KiB. It is deleted with the person.")
        .body(schema::map())
        .answers(200, "The preferences as stored", schema::map());
    Route::gated("/api/session/preferences", RequiredAccess::Authenticated)
        .get(retrieve, get)
        .put(replace, put)
}

/// `GET /api/session/preferences`: the preferences of the logged-in person.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
) -> Result<Json<Map<String, Value>>, RestError> {
    Ok(Json(app.users.preferences(&caller).await?))
}

/// `PUT /api/session/preferences`: replaces the preferences of the logged-in person.
pub async fn replace(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<Json<Map<String, Value>>, RestError> {
    app.users.check_has_preferences(&caller)?;
    Ok(Json(app.users.set_preferences(&caller, body.object().await?).await?))
}
