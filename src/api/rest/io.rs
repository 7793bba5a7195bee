//! `/api/device/:id/io/:register/`: one register of a device, read and written directly.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, RawPathParams, RawQuery, State};
use axum::http::request::Parts;
use serde::Serialize;
use serde_json::Value;

use super::body::Unread;
use super::fields::{Fields, Mode};
use super::gate::Right;
use super::query::Query;
use super::{RowId, scalar};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, required, shown};
use crate::app::App;
use crate::app::io::Register;
use crate::domain::device::Device;
use crate::domain::principal::Access;
use crate::domain::stream::StreamKind;
use crate::domain::{DeviceId, Error, FieldError, Principal, Resource, Result};

pub fn section() -> Section {
    let kinds =
        || shape::choice(StreamKind::ALL.into_iter().filter(|kind| kind.is_numeric()).map(StreamKind::name));
    let of_register = |doc: Doc| {
        doc.query("type", kinds(), "What the register holds; by default what its name says, else `uint16`.")
            .query(
                "byteorder",
                shape::choice(["little", "big", "abcd", "cdab", "badc", "dcba"]),
                "Of the words of a number; `little` by default.",
            )
            .refuses(409)
            .refuses(502)
            .refuses(504)
    };
    let read =
        Doc::new("device_io_read", "Reads it").answers(200, "Its value", shape::named("RegisterValue"));
    let write = Doc::new("device_io_write", "Writes it, at most once")
        .body(shape::named("NewRegisterValue"))
        .answers(200, "It is written", shape::named("RegisterWritten"));
    Section {
        name: "Registers",
        about: "One register of a device, directly.",
        routes: vec![
            Route::gated("/api/device/{id}/io/{register}", Right::Scope(Resource::Device))
                .variable("register", shape::words())
                .get(self::read, of_register(read))
                .post(self::write, of_register(write)),
        ],
        schemas: vec![
            ("RegisterValue", shape::view(&[shown("value", shape::anything())])),
            ("NewRegisterValue", shape::body(&[required("value", shape::anything())])),
            (
                "RegisterWritten",
                shape::view(&[shown("written", shape::boolean()), shown("value", shape::anything())]),
            ),
        ],
    }
}

pub async fn read(
    caller: Caller,
    State(app): State<Arc<App>>,
    At { device, register }: At,
    RawQuery(raw): RawQuery,
) -> Result<Json<ReadView>, RestError> {
    let value = get(&app, &caller, device, register, Query::parse(raw.as_deref())).await?;
    Ok(Json(ReadView { value }))
}

pub async fn write(
    caller: Caller,
    State(app): State<Arc<App>>,
    At { device, register }: At,
    RawQuery(raw): RawQuery,
    body: Unread,
) -> Result<Json<WrittenView>, RestError> {
    app.device_for_io(&caller, device, Access::Write)?;
    let fields = body.fields(Mode::Whole).await?;
    let value = put(&app, &caller, At { device, register }, Query::parse(raw.as_deref()), fields).await?;
    Ok(Json(WrittenView { written: true, value }))
}

/// What a register holds; `type` and `byteorder` are said by a query.
pub(in crate::api) async fn get(
    app: &App,
    who: &Principal,
    device: DeviceId,
    name: String,
    query: Query<'_>,
) -> Result<Value> {
    let device = app.device_for_io(who, device, Access::Read)?;
    let (register, problems) = parse_register(name, query, &device, Access::Read);
    Error::check(problems)?;
    app.read_register(who, device.id, &register).await
}

/// Writes the value of the fields of a body to a register, and tells what was written.
pub(in crate::api) async fn put(
    app: &Arc<App>,
    who: &Principal,
    At { device, register }: At,
    query: Query<'_>,
    mut fields: Fields,
) -> Result<Value> {
    let device = app.device_for_io(who, device, Access::Write)?;
    let (register, problems) = parse_register(register, query, &device, Access::Write);
    let given = fields.any("value");
    if let Some(problem) = given.as_ref().and_then(|given| register.value_problem(&device, given)) {
        fields.refuse("value", problem);
    }
    fields.finish(problems)?;
    app.write_register(who, device.id, &register, &given.unwrap_or_default()).await
}

/// The register as it is named, and everything wrong with it on this device.
fn parse_register(
    name: String,
    mut query: Query<'_>,
    device: &Device,
    access: Access,
) -> (Register, Vec<FieldError>) {
    let numeric = |text: &str| {
        let kind: Option<StreamKind> = text.parse().ok().filter(|kind: &StreamKind| kind.is_numeric());
        kind.ok_or_else(|| scalar::not_a_choice(text))
    };
    let kind = query.read("type", numeric);
    let order = query.choice("byteorder").unwrap_or_default();
    let register = Register { name, kind, order };
    let mut problems = register.problems(device, access);
    problems.extend(query.finish().err().map_or(Vec::new(), |error| error.fields));
    (register, problems)
}

/// `{id}` and `{register}` of the path, the register percent-decoded.
pub struct At {
    pub device: DeviceId,
    pub register: String,
}

impl<S: Send + Sync> FromRequestParts<S> for At {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| Error::not_found())?;
        let named = |name: &str| params.iter().find(|(key, _)| *key == name).map(|(_, text)| text);
        let device = named("id").and_then(RowId::parse).ok_or_else(Error::not_found)?;
        let register = named("register").ok_or_else(Error::not_found)?.to_owned();
        Ok(At { device: device.into(), register })
    }
}

#[derive(Debug, Serialize)]
pub struct ReadView {
    value: Value,
}

#[derive(Debug, Serialize)]
pub struct WrittenView {
    written: bool,
    value: Value,
}
