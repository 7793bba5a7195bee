//! Description of the provisioning operations.

use utoipa::openapi::Schema;

use crate::api::mk::openapi_document::{id, page_of, paged};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema};
use crate::app::mk::device::MAX_DEVICE_NAME;
use crate::auth::certificate::request::MAX_REQUEST_BYTES;
use crate::domain::registration::{RegistrationState, TTL_SECONDS};

/// The component schemas.
pub(super) fn schemas() -> Vec<(&'static str, Schema)> {
    vec![
        ("NewRegistrationToken", schema::object(&new_token_fields())),
        ("IssuedRegistrationToken", schema::object(&issued_token_fields())),
        ("RegistrationToken", schema::object(&token_fields())),
        ("ProvisionRequest", schema::object(&provision_fields())),
        ("ProvisionedDevice", schema::object(&provisioned_fields())),
        ("MqttAccess", schema::object(&mqtt_fields())),
    ]
}

pub(super) fn create_token() -> Doc {
    Doc::new("createRegistrationToken", "Register a device and issue its token")
        .about(
            "Creates the device with the status PENDING. The token is shown this once. For a device of this name that \
             was registered before, the token replaces an unused one; while its certificate is valid for longer than \
             `mk.certificate_renew_before`, the name is in use.",
        )
        .body(schema::reference("NewRegistrationToken"))
        .answers(201, "Token, which is shown this once.", schema::reference("IssuedRegistrationToken"))
}

pub(super) fn list_tokens() -> Doc {
    paged(Doc::new("registrationTokens", "List the tokens that can be used")).answers(
        200,
        "The tokens, without their texts.",
        page_of("RegistrationToken"),
    )
}

pub(super) fn revoke_token() -> Doc {
    Doc::new("revokeRegistrationToken", "Withdraw a token")
        .about("The device stays. A token that cannot be used any more does not exist here.")
        .answers_nothing("The token cannot be used any more.")
}

pub(super) fn provision() -> Doc {
    let problem = || schema::reference("Problem");
    let doc = Doc::new("provisionDevice", "Exchange a token and a certificate signing request for a certificate")
        .about(
            "The key is RSA of at least 2048 bits, P-256, P-384 or Ed25519; the request is signed with it, and not with \
             SHA-1. Subject and extensions of the request are ignored. The token is used up only when this succeeds.",
        )
        .body(schema::reference("ProvisionRequest"))
        .answers(201, "The certificate, and how to reach the broker.", schema::reference("ProvisionedDevice"));
    let refusals = [(401, "The token is unknown."), (410, "The token has expired.")];
    refusals.into_iter().fold(doc, |doc, (status, about)| {
        doc.answers_as("application/problem+json", status, about, problem())
    })
}

pub(super) fn revoke() -> Doc {
    Doc::new("revokeCertificate", "Revoke the certificate of a device")
        .about("Its sessions end, and its unused tokens are withdrawn. Repeating it changes nothing.")
        .answers_nothing("The certificate is refused.")
}

fn new_token_fields() -> [FieldSchema; 5] {
    let (least, most) = (*TTL_SECONDS.start(), *TTL_SECONDS.end());
    [
        schema::required("deviceName", schema::text(1, MAX_DEVICE_NAME)),
        schema::omittable("siteId", schema::nullable(id())),
        schema::omittable("deviceProfileId", schema::nullable(id())),
        schema::omittable("tags", schema::nullable(schema::list(schema::text(1, 255)))),
        schema::omittable("expiresInSeconds", schema::nullable(schema::integer(least, most))),
    ]
}

fn issued_token_fields() -> [FieldSchema; 5] {
    [
        schema::required("token", schema::string()),
        schema::required("deviceId", id()),
        schema::required("deviceName", schema::string()),
        schema::required("provisionEndpoint", schema::string()),
        schema::required("expiresAt", schema::time()),
    ]
}

fn token_fields() -> [FieldSchema; 6] {
    [
        schema::required("id", id()),
        schema::required("deviceId", id()),
        schema::required("deviceName", schema::string()),
        schema::required("status", schema::choice([RegistrationState::Pending.name()])),
        schema::required("expiresAt", schema::time()),
        schema::required("createdAt", schema::time()),
    ]
}

fn provision_fields() -> [FieldSchema; 2] {
    [
        schema::required("token", schema::text(1, 255)),
        schema::required("csr", schema::text(1, MAX_REQUEST_BYTES)),
    ]
}

fn provisioned_fields() -> [FieldSchema; 7] {
    [
        schema::required("deviceId", id()),
        schema::required("organizationId", id()),
        schema::required("certificate", schema::string()),
        schema::required("caCertificate", schema::string()),
        schema::required("serialNumber", schema::pattern("^[0-9a-f]{32}$")),
        schema::required("expiresAt", schema::time()),
        schema::required("mqtt", schema::reference("MqttAccess")),
    ]
}

fn mqtt_fields() -> [FieldSchema; 5] {
    [
        schema::required("host", schema::string()),
        schema::required("port", schema::integer(1, 65_535)),
        schema::required("clientId", id()),
        schema::required("readingsTopic", schema::string()),
        schema::required("gatewayTopic", schema::string()),
    ]
}
