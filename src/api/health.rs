//! Liveness (`/healthz/`) and readiness (`/readyz/`) probes, without authentication.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::error::{self, RestError};
use super::openapi::doc::Doc;
use super::openapi::route::{Route, Section};
use super::openapi::schema::{self, omittable, read_only};
use super::rest::query_params::QueryParams;
use crate::app::App;
use crate::app::system::health::Check;
use crate::domain::{Error, FieldError};

/// Returns the routes of both probes and their schemas; a query node serves them too.
pub fn section() -> Section {
    let word = || schema::choice(["ok", "error"]);
    let alive = Doc::new("healthz", "Liveness probe").answers(
        200,
        "The process is alive",
        schema::reference("Alive"),
    );
    let names = Check::ALL.map(Check::name).join("|");
    let checks = schema::pattern(&format!("^({names})(,({names}))*$"));
    let ready = Doc::new("readyz", "Readiness probe")
        .query(
            "checks",
            checks,
            "The checks to run, comma-separated; `db` by default. `mqtt` where there is a broker.",
        )
        .answers(200, "The server is ready", schema::reference("Readiness"))
        .answers(503, "The server is not ready", schema::reference("Readiness"));
    let states = Check::ALL.map(|check| omittable(check.name(), word()));
    let readiness = [read_only("status", word()), read_only("checks", schema::object(&states).into())];
    Section {
        name: "Health",
        about: "Liveness and readiness probes, without credentials.",
        routes: vec![
            Route::open("/healthz").get(self::alive, alive),
            Route::open("/readyz").get(self::ready, ready),
        ],
        schemas: vec![
            ("Alive", schema::view(&[read_only("status", schema::choice(["ok"]))])),
            ("Readiness", schema::view(&readiness)),
        ],
    }
}

async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn ready(State(app): State<Arc<App>>, RawQuery(raw): RawQuery) -> Result<Response, RestError> {
    let checks = parse_checks(&app, QueryParams::parse(raw.as_deref()).text("checks").unwrap_or("db"))?;
    let mut states = Map::new();
    let mut is_ready = true;
    for check in checks {
        let is_ok = app.server.check(check).await.is_ok();
        is_ready &= is_ok;
        states.insert(check.name().into(), state_word(is_ok).into());
    }
    Ok(error::readiness(is_ready, json!({"status": state_word(is_ready), "checks": states})))
}

fn state_word(is_ok: bool) -> &'static str {
    if is_ok { "ok" } else { "error" }
}

/// Parses a comma-separated list; every name that no part of this server has is reported.
fn parse_checks(app: &App, list: &str) -> Result<Vec<Check>, Error> {
    let known: Vec<Check> = app.server.checks().collect();
    let mut wrong: Vec<FieldError> = Vec::new();
    let mut checks = Vec::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name.parse::<Check>() {
            Ok(check) if checks.contains(&check) => {}
            Ok(check) if known.contains(&check) => checks.push(check),
            Ok(_) => wrong.extend(Check::unknown(name).fields),
            Err(Error { fields, .. }) => wrong.extend(fields),
        }
    }
    Error::check(wrong)?;
    Ok(checks)
}
