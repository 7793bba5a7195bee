//! `/api/opcua/certificate/`: certificates that OPC UA servers showed, and whether they are trusted.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, read_only, required};
use crate::app::App;
use crate::app::fields::opcua_certificate::read_certificate_state;
use crate::app::fields::reader::ReadMode;
use crate::domain::opcua_certificate::{CertificateState, OpcuaCertificate};
use crate::domain::{DeviceId, Error, Resource, Result};

/// Routes, documentation and schemas of certificates.
pub fn section() -> Section {
    let certificate = schema::reference("OpcuaCertificate");
    let list = Doc::new("opcua_certificate_list", "List the certificates that OPC UA servers showed")
        .about("By state and fingerprint. They belong to the machine: for unrestricted callers of the default organization.")
        .answers(200, "The certificates, without this server's own", schema::list(certificate.clone()));
    let decide = Doc::new("opcua_certificate_decide", "Trust or reject the certificate of an OPC UA server")
        .about("It holds from the next connection on; open connections stay.")
        .body(schema::reference("OpcuaCertificateDecision"))
        .answers(200, "The certificate after the decision", certificate);
    let right = RequiredAccess::Scope(Resource::System);
    let time = || schema::nullable(schema::time());
    let decisions = [CertificateState::Trusted, CertificateState::Rejected].map(CertificateState::name);
    Section {
        name: "OPC UA certificates",
        about: "Certificates of OPC UA servers, trusted one by one.",
        routes: vec![
            Route::gated("/api/opcua/certificate", right).get(self::list, list),
            Route::gated("/api/opcua/certificate/{fingerprint}", right)
                .variable("fingerprint", schema::string())
                .post(self::decide, decide),
        ],
        schemas: vec![
            (
                "OpcuaCertificate",
                schema::view(&[
                    read_only("fingerprint", schema::string()),
                    read_only("subject", schema::string()),
                    read_only("valid_from", time()),
                    read_only("valid_to", time()),
                    read_only("state", schema::choice_of::<CertificateState>()),
                    read_only("devices", schema::list(schema::row_id())),
                ]),
            ),
            ("OpcuaCertificateDecision", schema::body(&[required("state", schema::choice(decisions))])),
        ],
    }
}

/// `GET /api/opcua/certificate`: the certificates, by state and fingerprint.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
) -> Result<Json<Vec<OpcuaCertificateView>>, RestError> {
    let all = app.opcua_certificates.opcua_certificates(&caller).await?;
    Ok(Json(all.into_iter().map(OpcuaCertificateView::from).collect()))
}

/// `POST /api/opcua/certificate/{fingerprint}`: trusts or rejects a certificate.
pub async fn decide(
    caller: Caller,
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    body: DeferredJson,
) -> Result<Json<OpcuaCertificateView>, RestError> {
    app.opcua_certificates.check_may_trust(&caller)?;
    let Path(fingerprint) = path.map_err(|_| Error::not_found())?;
    app.opcua_certificates.opcua_certificate(&caller, &fingerprint).await?;
    let state = read_certificate_state(body.fields(ReadMode::Whole).await?)?;
    Ok(Json(app.opcua_certificates.set_certificate_state(&caller, &fingerprint, state).await?.into()))
}

/// A certificate in a response.
#[derive(Debug, Serialize)]
pub struct OpcuaCertificateView {
    fingerprint: String,
    subject: String,
    valid_from: Option<String>,
    valid_to: Option<String>,
    state: &'static str,
    devices: Vec<DeviceId>,
}

impl From<OpcuaCertificate> for OpcuaCertificateView {
    fn from(one: OpcuaCertificate) -> Self {
        Self {
            fingerprint: one.fingerprint,
            subject: one.subject,
            valid_from: one.valid_from.map(|time| time.to_iso()),
            valid_to: one.valid_to.map(|time| time.to_iso()),
            state: one.state.name(),
            devices: one.devices,
        }
    }
}
