//! `/api/license/`: what is sent to get a license, and whether the one installed holds.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::gate::Right;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::shape::{self, Field, shown};
use crate::app::App;
use crate::app::license::{ActivationRequest, LicenseReport};
use crate::domain::Resource;
use crate::domain::license::{License, PRODUCT};
use crate::domain::{Micros, Result};

/// Of the activation request's form.
const VERSION: u32 = 1;

pub fn section() -> Section {
    let request = Doc::new("license_activation_request", "What is sent to get a license").answers(
        200,
        "It",
        shape::named("ActivationRequest"),
    );
    let state = Doc::new("license_state", "Whether the license installed holds").answers(
        200,
        "It",
        shape::named("LicenseState"),
    );
    let right = Right::Scope(Resource::System);
    Section {
        name: "License",
        about: "The license of this installation.",
        routes: vec![
            Route::gated("/api/license", right).get(self::state, state),
            Route::gated("/api/license/activation-request", right).get(activation_request, request),
        ],
        schemas: vec![
            ("ActivationRequest", shape::view(&described_request())),
            ("LicenseState", shape::view(&described_state())),
        ],
    }
}

fn described_request() -> Vec<Field> {
    let hash = || shape::pattern("^[0-9a-f]{64}$");
    let fingerprint = [
        shown("machine_id", hash()),
        shown("board", shape::or_null(hash())),
        shown("macs", shape::list(hash())),
        shown("hostname", shape::words()),
    ];
    vec![
        shown("version", shape::count()),
        shown("product", shape::words()),
        shown("product_version", shape::words()),
        shown("machine_id", hash()),
        shown("fingerprint", shape::view(&fingerprint).into()),
        shown("public_key_id", shape::words()),
        shown("created_at", shape::time()),
    ]
}

fn described_state() -> Vec<Field> {
    let license = [
        shown("license_id", shape::words()),
        shown("customer", shape::words()),
        shown("features", shape::list(shape::words())),
        shown("max_devices", shape::or_null(shape::count())),
        shown("not_before", shape::or_null(shape::time())),
        shown("expires_at", shape::or_null(shape::time())),
    ];
    vec![
        shown("mode", shape::choice(["licensed", "evaluation"])),
        shown("problem", shape::or_null(shape::words())),
        shown("license", shape::or_null(shape::view(&license).into())),
        shown("devices", shape::count()),
        shown("checked_at", shape::or_null(shape::time())),
    ]
}

pub async fn activation_request(
    caller: Caller,
    State(app): State<Arc<App>>,
) -> Result<Json<ActivationView>, RestError> {
    Ok(Json(app.activation_request(&caller).await?.into()))
}

pub async fn state(caller: Caller, State(app): State<Arc<App>>) -> Result<Json<StateView>, RestError> {
    let (report, devices) = app.license(&caller)?;
    Ok(Json(StateView::new(&report, devices)))
}

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
            version: VERSION,
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

/// Licensed, or in evaluation with the reason why a license that is there does not count.
#[derive(Debug, Serialize)]
pub struct StateView {
    mode: &'static str,
    problem: Option<String>,
    license: Option<LicenseView>,
    /// Of all organizations together.
    devices: usize,
    checked_at: Option<String>,
}

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
