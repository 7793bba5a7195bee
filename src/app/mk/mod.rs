//! The MK platform: its settings, its callers, and the rules of its own that no other interface has.

pub mod access;
pub mod annotations;
pub mod billing;
pub mod commands;
pub mod configuration;
pub mod desired;
pub mod device;
pub mod firmware;
pub mod idempotency;
pub mod key;
pub mod objects;
pub mod packs;
pub mod provisioning;
pub mod reference_pairs;
pub mod sensor;

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use self::provisioning::ProvisioningSettings;
use crate::auth::mk_token::KeySet;
use crate::auth::rate_limiter::AttemptBudget;
use crate::domain::Micros;
use crate::domain::billing::Plan;
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

/// What the platform's requests share.
#[derive(Default)]
pub struct MkState {
    /// The published keys of users' tokens.
    keys: Mutex<PublishedKeys>,
    /// Held while keys are fetched, so that many requests cause one.
    fetching: tokio::sync::Mutex<()>,
    objects: objects::UploadState,
    firmware: firmware::DownloadSigning,
}

/// The keys as they were fetched last.
#[derive(Default)]
struct PublishedKeys {
    set: Arc<KeySet>,
    /// Time of the last attempt; `None` before the first.
    tried_at: Option<Micros>,
}
