//! `/healthz/` (alive) and `/readyz/` (able to serve), without authentication.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::error::{self, RestError};
use super::openapi::doc::Doc;
use super::openapi::route::{Route, Section};
use super::openapi::shape::{self, possible, shown};
use super::rest::query::Query;
use crate::app::App;
use crate::app::health::Check;
use crate::domain::{Error, FieldError};

pub fn section() -> Section {
    let word = || shape::choice(["ok", "error"]);
    let alive =
        Doc::new("healthz", "Whether the process is alive").answers(200, "It is", shape::named("Alive"));
    let names = Check::ALL.map(Check::name).join("|");
    let checks = shape::pattern(&format!("^({names})(,({names}))*$"));
    let ready = Doc::new("readyz", "Whether it is able to serve")
        .query("checks", checks, "What to look at, with commas between; `db` by default.")
        .answers(200, "It is", shape::named("Readiness"))
        .answers(503, "It is not", shape::named("Readiness"));
    let states = Check::ALL.map(|check| possible(check.name(), word()));
    let readiness = [shown("status", word()), shown("checks", shape::answer(&states).into())];
    Section {
        name: "Health",
        about: "For probes, without credentials.",
        routes: vec![
            Route::open("/healthz").get(self::alive, alive),
            Route::open("/readyz").get(self::ready, ready),
        ],
        schemas: vec![
            ("Alive", shape::view(&[shown("status", shape::choice(["ok"]))])),
            ("Readiness", shape::view(&readiness)),
        ],
    }
}

async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn ready(State(app): State<Arc<App>>, RawQuery(raw): RawQuery) -> Result<Response, RestError> {
    let checks = parse_checks(Query::parse(raw.as_deref()).text("checks").unwrap_or("db"))?;
    let mut states = Map::new();
    let mut is_ready = true;
    for check in checks {
        let is_ok = app.check(check).await.is_ok();
        is_ready &= is_ok;
        states.insert(check.name().into(), state_word(is_ok).into());
    }
    Ok(error::readiness(is_ready, json!({"status": state_word(is_ready), "checks": states})))
}

fn state_word(is_ok: bool) -> &'static str {
    if is_ok { "ok" } else { "error" }
}

/// A comma-separated list; every unknown name is reported.
fn parse_checks(list: &str) -> Result<Vec<Check>, Error> {
    let mut wrong = Vec::new();
    let mut checks = Vec::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match name.parse() {
            Ok(check) if checks.contains(&check) => {}
            Ok(check) => checks.push(check),
            Err(Error { fields, .. }) => wrong.extend::<Vec<FieldError>>(fields),
        }
    }
    Error::check(wrong)?;
    Ok(checks)
}
