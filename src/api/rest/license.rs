//! `/api/license/`: the activation request, and the state of the installed license.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::precheck::RequiredAccess;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, read_only};
use crate::app::App;
use crate::app::license::{ActivationRequest, LicenseReport};
use crate::domain::Resource;
use crate::domain::license::{License, PRODUCT};
use crate::domain::{Micros, Result};

/// Format version of the activation request.
const ACTIVATION_REQUEST_VERSION: u32 = 1;

/// Routes, documentation and schemas of the license.
pub fn section() -> Section {
    let request =
        Doc::new("license_activation_request", "Get the activation request to obtain a license with")
            .answers(200, "The activation request", schema::reference("ActivationRequest"));
    let state = Doc::new("license_state", "Get the state of the installed license").answers(
        200,
        "The license state",
        schema::reference("LicenseState"),
    );
    let right = RequiredAccess::Scope(Resource::System);
    Section {
        name: "License",
        about: "The license of this installation.",
        routes: vec![
            Route::gated("/api/license", right).get(self::state, state),
            Route::gated("/api/license/activation-request", right).get(activation_request, request),
        ],
        schemas: vec![
            ("ActivationRequest", schema::view(&described_request())),
            ("LicenseState", schema::view(&described_state())),
        ],
    }
}

fn described_request() -> Vec<FieldSchema> {
    let hash = || schema::pattern("^[0-9a-f]{64}$");
    let fingerprint = [
        read_only("machine_id", hash()),
        read_only("board", schema::nullable(hash())),
        read_only("macs", schema::list(hash())),
        read_only("hostname", schema::string()),
    ];
    vec![
        read_only("version", schema::count()),
        read_only("product", schema::string()),
        read_only("product_version", schema::string()),
        read_only("machine_id", hash()),
        read_only("fingerprint", schema::view(&fingerprint).into()),
        read_only("public_key_id", schema::string()),
        read_only("created_at", schema::time()),
    ]
}

fn described_state() -> Vec<FieldSchema> {
    let license = [
        read_only("license_id", schema::string()),
        read_only("customer", schema::string()),
        read_only("features", schema::list(schema::string())),
        read_only("max_devices", schema::nullable(schema::count())),
        read_only("not_before", schema::nullable(schema::time())),
        read_only("expires_at", schema::nullable(schema::time())),
    ];
    vec![
        read_only("mode", schema::choice(["licensed", "evaluation"])),
        read_only("problem", schema::nullable(schema::string())),
        read_only("license", schema::nullable(schema::view(&license).into())),
        read_only("devices", schema::count()),
        read_only("checked_at", schema::nullable(schema::time())),
    ]
}

/// `GET /api/license/activation-request`: what the issuer needs to make a license for this machine.
pub async fn activation_request(
    caller: Caller,
    State(app): State<Arc<App>>,
) -> Result<Json<ActivationView>, RestError> {
    Ok(Json(app.licensing.activation_request(&caller).await?.into()))
}

/// `GET /api/license`: the license, or why there is none that is valid.
pub async fn state(caller: Caller, State(app): State<Arc<App>>) -> Result<Json<StateView>, RestError> {
    let (report, devices) = app.licensing.license(&caller)?;
    Ok(Json(StateView::new(&report, devices)))
}

/// An activation request.
#[derive(Debug, Serialize)]
pub struct ActivationView {
    version: u32,
    product: &'static str,
    product_version: &'static str,
    machine_id: String,
    fingerprint: FingerprintView,
    public_key_id: String,
    created_at: String,
}

/// Hashed identifiers of this machine.
#[derive(Debug, Serialize)]
struct FingerprintView {
    machine_id: String,
    board: Option<String>,
    macs: Vec<String>,
    hostname: String,
}

impl From<ActivationRequest> for ActivationView {
    fn from(request: ActivationRequest) -> Self {
        let machine = request.machine;
        Self {
            version: ACTIVATION_REQUEST_VERSION,
            product: PRODUCT,
            product_version: request.product_version,
            machine_id: machine.id,
            fingerprint: FingerprintView {
                machine_id: machine.system,
                board: machine.board,
                macs: machine.macs,
                hostname: machine.hostname,
            },
            public_key_id: request.public_key_id,
            created_at: request.created_at.to_iso(),
        }
    }
}

/// License state: licensed, or evaluation with the reason why an installed license is not valid.
#[derive(Debug, Serialize)]
pub struct StateView {
    mode: &'static str,
    problem: Option<String>,
    license: Option<LicenseView>,
    /// Count over all organizations.
    devices: usize,
    checked_at: Option<String>,
}

/// The content of a valid license.
#[derive(Debug, Serialize)]
struct LicenseView {
    license_id: String,
    customer: String,
    features: Vec<String>,
    max_devices: Option<usize>,
    not_before: Option<String>,
    expires_at: Option<String>,
}

impl StateView {
    fn new(report: &LicenseReport, devices: usize) -> Self {
        let license = report.state.license().cloned();
        Self {
            mode: if license.is_some() { "licensed" } else { "evaluation" },
            problem: report.state.problem().map(str::to_owned),
            license: license.map(LicenseView::from),
            devices,
            checked_at: report.checked_at.map(Micros::to_iso),
        }
    }
}

impl From<License> for LicenseView {
    fn from(license: License) -> Self {
        Self {
            license_id: license.id,
            customer: license.customer,
            features: license.features,
            max_devices: license.max_devices,
            not_before: license.not_before.map(Micros::to_iso),
            expires_at: license.expires_at.map(Micros::to_iso),
        }
    }
}
