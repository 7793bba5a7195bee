//! The MK platform: its settings, its callers, and the rules of its own that no other interface has.
//!
//! The life of one device. Its owner gets a registration token for a name, and the device a certificate for the token
//! (`provisioning.rs`), with which it connects to the MQTT broker (`app/mqtt`). `device.rs` shows it with status, place and groups, and
//! `sensor.rs` its streams as sensors. Artefacts that are bound to it, its component, groups or profile (`configuration.rs`) make what it
//! is to have (`desired.rs`); it is sent that, and reports what became of it. Its readings take the way of all readings
//! (`app/readings`). Commands (`new_command.rs`, `commands.rs`) wait until it is connected, are answered by it, or end by their time; one
//! may name firmware (`firmware.rs`), which the device fetches with a token. Every request over HTTP is one of a key or of a user
//! with a JSON web token (`access.rs`), whose role is checked before the scopes; with an `Idempotency-Key` it takes effect once
//! (`idempotency.rs`).

pub mod access;
pub mod annotations;
pub mod billing;
pub mod commands;
pub mod configuration;
pub mod desired;
pub mod device;
pub mod firmware;
mod group_members;
pub mod idempotency;
pub mod key;
pub mod new_command;
pub mod objects;
pub mod packs;
pub mod provisioning;
pub mod reference_pairs;
pub mod sensor;

use std::fmt;
use std::sync::Arc;

use self::access::MkCredentials;
use self::annotations::Annotations;
use self::billing::Billing;
use self::commands::DeviceCommands;
use self::configuration::{ConfigurationCalls, Configurations};
use self::device::PlatformDevices;
use self::firmware::Firmware;
use self::idempotency::Idempotency;
use self::objects::Objects;
use self::packs::Packs;
use self::provisioning::{Provisioning, ProvisioningCalls, ProvisioningSettings};
use self::sensor::Sensors;
use super::AppSettings;
use super::access::AccessControl;
use super::certificate::Certificates;
use super::client::Clients;
use super::core_parts::CoreParts;
use super::device::Devices;
use super::document::Documents;
use super::stream::Streams;
use crate::auth::rate_limiter::AttemptBudget;
use crate::domain::billing::Plan;
use crate::domain::ports::HttpClient;
use crate::domain::time::MICROS_PER_SECOND;

/// Settings of the platform.
#[derive(Clone, PartialEq, Eq)]
pub struct MkSettings {
    /// Requests of each caller, and of each network without one.
    pub rate: AttemptBudget,
    /// Whether the OpenAPI document is served.
    pub openapi: bool,
    /// Scheme and authority under which clients reach this server, without a slash at the end; `None` is the `Host` of
    /// each request.
    pub public_url: Option<String>,
    /// Secret with which JSON web tokens of users are signed (HS256).
    pub jwt_secret: Option<String>,
    /// URL of the keys with which JSON web tokens of users are signed.
    pub jwks_url: Option<String>,
    pub provisioning: ProvisioningSettings,
    /// Plans that an organization may choose besides `unlimited`; their names differ.
    pub plans: Vec<Plan>,
}

/// The secret is not shown.
impl fmt::Debug for MkSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, openapi, public_url, jwt_secret, jwks_url, provisioning, plans } = self;
        let has_secret = jwt_secret.is_some();
        f.debug_struct("MkSettings")
            .field("rate", rate)
            .field("openapi", openapi)
            .field("public_url", public_url)
            .field("has_jwt_secret", &has_secret)
            .field("jwks_url", jwks_url)
            .field("provisioning", provisioning)
            .field("plans", plans)
            .finish()
    }
}

impl Default for MkSettings {
    fn default() -> Self {
        Self {
            rate: AttemptBudget { attempts: 100, window_us: MICROS_PER_SECOND },
            openapi: true,
            public_url: None,
            jwt_secret: None,
            jwks_url: None,
            provisioning: ProvisioningSettings::default(),
            plans: Vec::new(),
        }
    }
}

/// The services of the platform.
pub struct MkServices {
    pub annotations: Arc<Annotations>,
    pub billing: Arc<Billing>,
    pub commands: Arc<DeviceCommands>,
    pub configurations: Arc<Configurations>,
    pub credentials: Arc<MkCredentials>,
    pub devices: Arc<PlatformDevices>,
    pub firmware: Arc<Firmware>,
    pub idempotency: Arc<Idempotency>,
    pub objects: Arc<Objects>,
    pub packs: Arc<Packs>,
    pub provisioning: Arc<Provisioning>,
    pub sensors: Arc<Sensors>,
}

/// Services that those of the platform call.
pub(super) struct MkCalls {
    pub access: Arc<AccessControl>,
    pub certificates: Arc<Certificates>,
    pub clients: Arc<Clients>,
    pub devices: Arc<Devices>,
    pub documents: Arc<Documents>,
    pub streams: Arc<Streams>,
    pub web: Arc<dyn HttpClient>,
}

impl MkServices {
    /// Builds each service after those that it calls.
    pub(super) fn new(parts: &CoreParts, calls: MkCalls, settings: &AppSettings) -> Self {
        let MkCalls { access, certificates, clients, devices: core_devices, documents, streams, web } = calls;
        let (mk, data_dir) = (&settings.compat.mk, &settings.data_dir);
        let objects = Arc::new(Objects::new(parts, access.clone(), data_dir));
        let devices = Arc::new(PlatformDevices::new(parts, core_devices.clone(), documents.clone()));
        let of_configurations = ConfigurationCalls {
            documents: documents.clone(),
            devices: devices.clone(),
            objects: objects.clone(),
        };
        let configurations = Arc::new(Configurations::new(parts, of_configurations, mk.public_url.clone()));
        let of_firmware = (documents.clone(), objects.clone());
        let firmware = Arc::new(Firmware::new(parts, of_firmware, mk.public_url.clone(), data_dir));
        let of_provisioning = ProvisioningCalls { access, devices: core_devices, certificates };
        Self {
            annotations: Arc::new(Annotations::new(parts)),
            billing: Arc::new(Billing::new(parts, &mk.plans)),
            commands: Arc::new(DeviceCommands::new(parts, firmware.clone(), configurations.clone())),
            configurations,
            credentials: Arc::new(MkCredentials::new(parts, clients, web, mk)),
            devices,
            firmware,
            idempotency: Arc::new(Idempotency::new(parts)),
            objects,
            packs: Arc::new(Packs::new(parts, documents.clone())),
            provisioning: Arc::new(Provisioning::new(parts, of_provisioning, &mk.provisioning)),
            sensors: Arc::new(Sensors::new(parts, documents, streams)),
        }
    }
}
