//! `/api/device/:id/io/:register/`: reads and writes one register of a device directly.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, RawPathParams, RawQuery, State};
use axum::http::request::Parts;
use serde::Serialize;
use serde_json::Value;

use super::fields::{BodyMode, Fields};
use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use super::{RowId, drf_scalar};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, read_only, required};
use crate::app::App;
use crate::app::register_io::RegisterSpec;
use crate::domain::device::Device;
use crate::domain::principal::Access;
use crate::domain::stream::StreamKind;
use crate::domain::{DeviceId, Error, FieldError, Principal, Resource, Result};

pub fn section() -> Section {
    let kinds =
        || schema::choice(StreamKind::ALL.into_iter().filter(|kind| kind.is_numeric()).map(StreamKind::name));
    let of_register = |doc: Doc| {
        doc.query("type", kinds(), "Data type of the register; by default as in its name, else `uint16`.")
            .query(
                "byteorder",
                schema::choice(["little", "big", "abcd", "cdab", "badc", "dcba"]),
                "Word order of multi-register numbers; `little` by default.",
            )
            .refuses(409)
            .refuses(502)
            .refuses(504)
    };
    let read = Doc::new("device_io_read", "Read a register").answers(
        200,
        "The value of the register",
        schema::reference("RegisterValue"),
    );
    let write = Doc::new("device_io_write", "Write a register, at most once")
        .body(schema::reference("NewRegisterValue"))
        .answers(200, "The register was written", schema::reference("RegisterWritten"));
    Section {
        name: "Registers",
        about: "Direct access to a register of a device.",
        routes: vec![
            Route::gated("/api/device/{id}/io/{register}", RequiredAccess::Scope(Resource::Device))
                .variable("register", schema::string())
                .get(self::read, of_register(read))
                .post(self::write, of_register(write)),
        ],
        schemas: vec![
            ("RegisterValue", schema::view(&[read_only("value", schema::anything())])),
            ("NewRegisterValue", schema::body(&[required("value", schema::anything())])),
            (
                "RegisterWritten",
                schema::view(&[
                    read_only("written", schema::boolean()),
                    read_only("value", schema::anything()),
                ]),
            ),
        ],
    }
}

pub async fn read(
    caller: Caller,
    State(app): State<Arc<App>>,
    RegisterPath { device, register }: RegisterPath,
    RawQuery(raw): RawQuery,
) -> Result<Json<ReadView>, RestError> {
    let value = read_register(&app, &caller, device, register, QueryParams::parse(raw.as_deref())).await?;
    Ok(Json(ReadView { value }))
}

pub async fn write(
    caller: Caller,
    State(app): State<Arc<App>>,
    RegisterPath { device, register }: RegisterPath,
    RawQuery(raw): RawQuery,
    body: DeferredJson,
) -> Result<Json<WrittenView>, RestError> {
    app.device_for_io(&caller, device, Access::Write)?;
    let fields = body.fields(BodyMode::Whole).await?;
    let value = write_register(
        &app,
        &caller,
        RegisterPath { device, register },
        QueryParams::parse(raw.as_deref()),
        fields,
    )
    .await?;
    Ok(Json(WrittenView { written: true, value }))
}

/// Reads a register; `type` and `byteorder` come from the query parameters.
pub(in crate::api) async fn read_register(
    app: &App,
    who: &Principal,
    device: DeviceId,
    name: String,
    query: QueryParams<'_>,
) -> Result<Value> {
    let device = app.device_for_io(who, device, Access::Read)?;
    let (register, problems) = parse_register(name, query, &device, Access::Read);
    Error::check(problems)?;
    app.read_register(who, device.id, &register).await
}

/// Writes the value in the fields of a body to a register, and returns the value written.
pub(in crate::api) async fn write_register(
    app: &Arc<App>,
    who: &Principal,
    RegisterPath { device, register }: RegisterPath,
    query: QueryParams<'_>,
    mut fields: Fields,
) -> Result<Value> {
    let device = app.device_for_io(who, device, Access::Write)?;
    let (register, problems) = parse_register(register, query, &device, Access::Write);
    let given = fields.any("value");
    if let Some(problem) = given.as_ref().and_then(|given| register.value_problem(&device, given)) {
        fields.add_error("value", problem);
    }
    fields.finish(problems)?;
    app.write_register(who, device.id, &register, &given.unwrap_or_default()).await
}

/// Parses the register name, and collects everything wrong with it on this device.
fn parse_register(
    name: String,
    mut query: QueryParams<'_>,
    device: &Device,
    access: Access,
) -> (RegisterSpec, Vec<FieldError>) {
    let numeric = |text: &str| {
        let kind: Option<StreamKind> = text.parse().ok().filter(|kind: &StreamKind| kind.is_numeric());
        kind.ok_or_else(|| drf_scalar::not_a_choice(text))
    };
    let kind = query.read("type", numeric);
    let order = query.choice("byteorder").unwrap_or_default();
    let register = RegisterSpec { name, kind, order };
    let mut problems = register.problems(device, access);
    problems.extend(query.finish().err().map_or(Vec::new(), |error| error.fields));
    (register, problems)
}

/// `{id}` and `{register}` of the path, the register percent-decoded.
pub struct RegisterPath {
    pub device: DeviceId,
    pub register: String,
}

impl<S: Send + Sync> FromRequestParts<S> for RegisterPath {
    type Rejection = RestError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, RestError> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| Error::not_found())?;
        let named = |name: &str| params.iter().find(|(key, _)| *key == name).map(|(_, text)| text);
        let device = named("id").and_then(RowId::parse).ok_or_else(Error::not_found)?;
        let register = named("register").ok_or_else(Error::not_found)?.to_owned();
        Ok(RegisterPath { device: device.into(), register })
    }
}

/// The value read from a register.
#[derive(Debug, Serialize)]
pub struct ReadView {
    value: Value,
}

/// The value written to a register.
#[derive(Debug, Serialize)]
pub struct WrittenView {
    written: bool,
    value: Value,
}
