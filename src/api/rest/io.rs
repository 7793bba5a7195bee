//! `/api/device/:id/io/:register/`: reads and writes one register of a device directly.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, RawPathParams, RawQuery, State};
use axum::http::request::Parts;
use serde::Serialize;
use serde_json::Value;

use super::RowId;
use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, read_only, required};
use crate::app::App;
use crate::app::direct_access::registers::RegisterSpec;
use crate::app::fields::reader::ReadMode;
use crate::app::fields::register::{RegisterParams, parse_register_kind};
use crate::domain::principal::Access;
use crate::domain::stream::StreamKind;
use crate::domain::{DeviceId, Error, Resource, Result};

/// Routes, documentation and schemas of registers.
pub fn section() -> Section {
    let kinds = || {
        schema::choice(
            StreamKind::ALL.into_iter().filter(|kind| kind.is_register_kind()).map(StreamKind::name),
        )
    };
    let of_register = |doc: Doc| {
        doc.query("type", kinds(), "Data type of the register; by default as in its name, else `uint16`.")
            .query(
                "byteorder",
                schema::choice(["little", "big", "abcd", "cdab", "badc", "dcba"]),
                "Word order of multi-register numbers; `little` by default, `big` for S7.",
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

/// `GET /api/device/{id}/io/{register}`: reads one register or node from the device now.
pub async fn read(
    caller: Caller,
    State(app): State<Arc<App>>,
    RegisterPath { device, register }: RegisterPath,
    RawQuery(raw): RawQuery,
) -> Result<Json<ReadView>, RestError> {
    let params = register_params(register, raw.as_deref());
    let value = app.direct_access.read_register_from_params(&caller, device, params).await?;
    Ok(Json(ReadView { value }))
}

/// `POST /api/device/{id}/io/{register}`: writes one register or node, and waits until the device confirms it.
pub async fn write(
    caller: Caller,
    State(app): State<Arc<App>>,
    RegisterPath { device, register }: RegisterPath,
    RawQuery(raw): RawQuery,
    body: DeferredJson,
) -> Result<Json<WrittenView>, RestError> {
    app.direct_access.device_for_io(&caller, device, Access::Write)?;
    let fields = body.fields(ReadMode::Whole).await?;
    let params = register_params(register, raw.as_deref());
    let value = app.direct_access.write_register_from_fields(&caller, device, params, fields).await?;
    Ok(Json(WrittenView { written: true, value }))
}

/// Takes `type` and `byteorder` from the query.
fn register_params(name: String, query: Option<&str>) -> RegisterParams {
    let mut query = QueryParams::parse(query);
    let kind = query.read("type", parse_register_kind);
    let order = query.choice("byteorder").unwrap_or_default();
    RegisterParams { register: RegisterSpec { name, kind, order }, problems: query.into_errors() }
}

/// `{id}` and `{register}` of the path, the register percent-decoded.
pub struct RegisterPath {
    /// Device to be accessed.
    pub device: DeviceId,
    /// Address in the syntax of the device's protocol.
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
