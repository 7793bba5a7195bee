//! `/api/license/`: what is sent to get a license, and whether the one installed holds.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::app::App;
use crate::app::license::{ActivationRequest, LicenseReport};
use crate::domain::license::{License, PRODUCT};
use crate::domain::{Micros, Result};

/// Of the activation request's form.
const VERSION: u32 = 1;

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
