//! Provisioning: registration tokens, and the certificates that devices get for them.

mod doc;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::Answer;
use super::base_url::BaseUrl;
use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire;
use crate::app::App;
use crate::app::mk::device::MAX_DEVICE_NAME;
use crate::app::mk::provisioning::{IssuedRegistration, ProvisionedDevice, registered_device};
use crate::domain::Kind;
use crate::domain::audit::RequestOrigin;
use crate::domain::device::Device;
use crate::domain::document::rules::check_required;
use crate::domain::registration::{self, Registration, RegistrationPlace};

const TOKENS: &str = "/api/v1/devices/registration/tokens";
const PROVISION: &str = "/api/v1/devices/provision";

/// Properties that tokens are sorted by.
const SORTABLE: [&str; 4] = ["createdAt", "expiresAt", "deviceName", "id"];

/// The operations.
pub fn section() -> Section {
    Section {
        name: "Provisioning",
        about: "Registration tokens, and the certificates that devices get for them.",
        endpoints: vec![
            Endpoint::post(TOKENS, create_token, doc::create_token()).with_secret(),
            Endpoint::get(TOKENS, list_tokens, doc::list_tokens()),
            Endpoint::delete("/api/v1/devices/registration/tokens/{id}", revoke_token, doc::revoke_token()),
            Endpoint::post(PROVISION, provision, doc::provision()).public(),
            Endpoint::post("/api/v1/devices/{id}/certificate/revoke", revoke, doc::revoke()),
        ],
        schemas: doc::schemas(),
    }
}

/// A token right after its creation.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IssuedTokenView {
    token: String,
    device_id: Uuid,
    device_name: String,
    provision_endpoint: String,
    expires_at: String,
}

/// A token in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenView {
    id: Uuid,
    device_id: Uuid,
    device_name: String,
    status: &'static str,
    expires_at: String,
    created_at: String,
}

/// The answer to a device.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProvisionedView {
    device_id: Uuid,
    organization_id: Uuid,
    certificate: String,
    ca_certificate: String,
    serial_number: String,
    expires_at: String,
    mqtt: MqttView,
}

/// How the device reaches the broker.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MqttView {
    host: String,
    port: u16,
    client_id: Uuid,
    readings_topic: String,
    gateway_topic: String,
}

/// POST /devices/registration/tokens: creates a device that waits for its certificate, and its token.
async fn create_token(
    caller: MkCaller,
    State(app): State<Arc<App>>,
    base: BaseUrl,
    body: JsonBody,
) -> Answer {
    let mut fields = body.fields(&app).await?;
    let name = fields.text_or_empty("deviceName");
    let ttl = registration::ttl(fields.integer("expiresInSeconds"));
    let place = RegistrationPlace {
        site: fields.uuid("siteId"),
        device_profile: fields.uuid("deviceProfileId"),
        tags: fields.texts("tags"),
    };
    let spec = registered_device(name.trim());
    let mut problems = Vec::new();
    check_required(&mut problems, "deviceName", name.trim(), MAX_DEVICE_NAME);
    problems.extend(ttl.as_ref().err().cloned());
    problems.extend(app.mk.provisioning.registration_place_problems(&caller.principal, &place));
    fields.finish(problems)?;
    let ttl = ttl.unwrap_or(registration::DEFAULT_TTL);
    let issued = app.mk.provisioning.register_device(&caller.principal, spec, place, ttl).await?;
    let IssuedRegistration { token, registration, device } = issued;
    let view = IssuedTokenView {
        token,
        device_id: device.aliases.uuid,
        device_name: device.spec.name.clone(),
        provision_endpoint: format!("{}{PROVISION}", base.0),
        expires_at: wire::iso(registration.expires_at),
    };
    Ok(wire::created(TOKENS, registration.uuid, view))
}

/// GET /devices/registration/tokens: the tokens that can be used.
async fn list_tokens(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&SORTABLE)?;
    let tokens = app.mk.provisioning.pending_registrations(&caller.principal)?;
    let page = page.of(tokens, sort_key, |(token, _)| token.uuid);
    Ok(wire::ok(page.map(|(token, device)| token_view(&token, &device))))
}

/// DELETE /devices/registration/tokens/{id}: withdraws a token that can be used.
async fn revoke_token(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let revoked = app.mk.provisioning.revoke_registration(&caller.principal, *id).await;
    revoked.map_err(|error| MkError::named(error, "RegistrationToken", *id))?;
    Ok(wire::no_content())
}

/// POST /devices/provision: exchanges a token and a certificate signing request for a certificate.
async fn provision(
    State(app): State<Arc<App>>,
    origin: Option<Extension<Arc<RequestOrigin>>>,
    base: BaseUrl,
    body: JsonBody,
) -> Answer {
    let mut fields = body.unauthenticated_fields().await?;
    let (token, csr) = (required_text(&mut fields, "token"), required_text(&mut fields, "csr"));
    fields.finish(Vec::new())?;
    let origin = origin.as_ref().map(|Extension(origin)| origin);
    let provisioned = app.mk.provisioning.provision_device(token.trim(), &csr, origin).await;
    let provisioned = provisioned.map_err(|error| match error.kind {
        Kind::Unauthenticated => MkError::from(error).with_detail("Invalid registration token"),
        Kind::Invalid => MkError::from(error).with_detail("Invalid certificate signing request"),
        _ => error.into(),
    })?;
    let id = provisioned.device.aliases.uuid;
    let view = provisioned_view(
        provisioned,
        mqtt_host(&app, &base),
        app.settings().compat.mk.provisioning.mqtt_port,
    );
    Ok(wire::created("/api/v1/devices", id, view))
}

/// POST /devices/{id}/certificate/revoke: the certificate is refused from now on.
async fn revoke(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let named = |error| MkError::named(error, "Device", *id);
    let device = app.devices.device_by_uuid(&caller.principal, *id).map_err(named)?;
    let revoked = app.certificates.revoke_certificate(&caller.principal, device.id).await;
    revoked.map_err(|error| MkError::named(error, "Certificate of device", *id))?;
    Ok(wire::no_content())
}

fn required_text(fields: &mut Fields, name: &str) -> String {
    let text = fields.text_or_empty(name);
    if text.trim().is_empty() {
        fields.problem(name, "must not be blank");
    }
    text
}

fn sort_key((token, device): &(Arc<Registration>, Arc<Device>), property: &str) -> SortKey {
    match property {
        "expiresAt" => token.expires_at.into(),
        "deviceName" => device.spec.name.as_str().into(),
        "id" => token.uuid.to_string().as_str().into(),
        _ => token.created_at.into(),
    }
}

fn token_view(token: &Registration, device: &Device) -> TokenView {
    TokenView {
        id: token.uuid,
        device_id: device.aliases.uuid,
        device_name: device.spec.name.clone(),
        status: token.state.name(),
        expires_at: wire::iso(token.expires_at),
        created_at: wire::iso(token.created_at),
    }
}

fn provisioned_view(provisioned: ProvisionedDevice, host: String, port: u16) -> ProvisionedView {
    let ProvisionedDevice { device, organization, certificate, authorities_pem } = provisioned;
    let device = device.aliases.uuid;
    ProvisionedView {
        device_id: device,
        organization_id: organization,
        certificate: certificate.certificate_pem,
        ca_certificate: authorities_pem,
        serial_number: certificate.serial,
        expires_at: wire::iso(certificate.expires_at),
        mqtt: MqttView {
            host,
            port,
            client_id: device,
            readings_topic: format!("v1/readings/{organization}/{device}"),
            gateway_topic: format!("v1/gateways/{organization}/{device}"),
        },
    }
}

/// Host of the broker: that of the settings, or the one under which the client has reached this server.
fn mqtt_host(app: &App, base: &BaseUrl) -> String {
    let named = app.settings().compat.mk.provisioning.mqtt_host.clone();
    named.or_else(|| base.host()).unwrap_or_else(|| "localhost".to_owned())
}
