//! `/api/device/test/`: tries the settings of a device before it is saved.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::json;

use super::address_space::NodeView;
use super::device;
use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, omittable, optional, read_only};
use crate::app::App;
use crate::app::fields::reader::ReadMode;
use crate::domain::device_test::{DeviceTest, MAX_REGISTERS, RegisterTest};
use crate::domain::stream::StreamKind;
use crate::domain::{Resource, Result};

/// Routes, documentation and schemas of device tests.
pub fn section() -> Section {
    let test = Doc::new("device_test", "Connect to a device that is not saved, and read some of its registers")
        .about("Nothing is stored but the certificate of an OPC UA server that nobody has decided about. A device that is not reached within 10 seconds is a result too. For modbus, melsec, fenet, s7, eip and opcua.")
        .body(schema::reference("NewDeviceTest"))
        .answers(200, "Answer of the device", schema::reference("DeviceTest"));
    let browse = Doc::new("device_test_browse", "Browse a device that is not saved")
        .about("Answers as the browse of a saved device does, within 10 seconds. For opcua and eip.")
        .body(schema::reference("NewDeviceBrowse"))
        .answers(200, "The node and its descendants", schema::reference("OpcuaNode"))
        .refuses(502)
        .refuses(504);
    let right = RequiredAccess::Scope(Resource::Device);
    Section {
        name: "Device tests",
        about: "Trying the settings of a device before it is saved.",
        routes: vec![
            Route::gated("/api/device/test", right).post(self::test, test),
            Route::gated("/api/device/test/browse", right).post(self::browse, browse),
        ],
        schemas: vec![
            ("NewDeviceTest", schema::body(&with_device(vec![registers()]))),
            ("NewDeviceBrowse", schema::body(&with_device(vec![node(), depth()]))),
            ("DeviceTest", schema::view(&described())),
        ],
    }
}

fn with_device(own: Vec<FieldSchema>) -> Vec<FieldSchema> {
    [device::described(), own].concat()
}

fn registers() -> FieldSchema {
    optional("registers", schema::list_of(schema::string(), 0, MAX_REGISTERS), json!([]))
}

fn node() -> FieldSchema {
    let about = "By default `i=85` (Objects) of OPC UA, or `/` (the controller) of EtherNet/IP.";
    omittable("node", schema::described(schema::text(1, 1000), about))
}

fn depth() -> FieldSchema {
    optional("depth", schema::integer(1, 5), json!(1))
}

fn described() -> Vec<FieldSchema> {
    let milliseconds = || schema::nullable(schema::number());
    let text = || schema::nullable(schema::string());
    let value = [
        read_only("type", schema::nullable(schema::choice_of::<StreamKind>())),
        read_only("wordorder", schema::nullable(schema::choice(["abcd", "cdab", "badc", "dcba"]))),
        read_only("value", schema::string()),
    ];
    let register = [
        read_only("register", schema::string()),
        read_only("error", text()),
        read_only("raw", schema::list(schema::string())),
        read_only("data_type", text()),
        read_only("values", schema::list(schema::view(&value).into())),
    ];
    vec![
        read_only("reached", schema::boolean()),
        read_only("error", text()),
        read_only("connect_ms", milliseconds()),
        read_only("round_trip_ms", milliseconds()),
        read_only("registers", schema::list(schema::view(&register).into())),
    ]
}

/// `POST /api/device/test`: connects, reads `registers` and disconnects; stores nothing.
pub async fn test(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<Json<DeviceTestView>, RestError> {
    app.devices.check_may_create_device(&caller)?;
    let test =
        app.direct_access.test_device_from_fields(&caller, body.fields(ReadMode::Whole).await?).await?;
    Ok(Json(test.into()))
}

/// `POST /api/device/test/browse`: a node of the server with its children down to `depth`.
pub async fn browse(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<Json<NodeView>, RestError> {
    app.devices.check_may_create_device(&caller)?;
    let tree =
        app.direct_access.browse_unsaved_from_fields(&caller, body.fields(ReadMode::Whole).await?).await?;
    Ok(Json(tree.into()))
}

/// Result of a device test.
#[derive(Debug, Serialize)]
pub struct DeviceTestView {
    reached: bool,
    error: Option<String>,
    connect_ms: Option<f64>,
    round_trip_ms: Option<f64>,
    registers: Vec<RegisterTestView>,
}

/// Result of a register or node.
#[derive(Debug, Serialize)]
struct RegisterTestView {
    register: String,
    error: Option<String>,
    raw: Vec<String>,
    data_type: Option<String>,
    values: Vec<ValueView>,
}

/// The words of a register, read as one type in one word order.
#[derive(Debug, Serialize)]
struct ValueView {
    #[serde(rename = "type")]
    kind: Option<&'static str>,
    wordorder: Option<&'static str>,
    value: String,
}

impl From<DeviceTest> for DeviceTestView {
    fn from(test: DeviceTest) -> Self {
        Self {
            reached: test.is_reached(),
            error: test.error,
            connect_ms: test.connect_ms,
            round_trip_ms: test.round_trip_ms,
            registers: test.registers.into_iter().map(RegisterTestView::from).collect(),
        }
    }
}

impl From<RegisterTest> for RegisterTestView {
    fn from(test: RegisterTest) -> Self {
        let RegisterTest { register, error, raw, data_type, values } = test;
        let values = values.into_iter().map(|one| ValueView {
            kind: one.kind.map(StreamKind::name),
            wordorder: one.wordorder,
            value: one.value,
        });
        Self { register, error, raw, data_type, values: values.collect() }
    }
}
