//! Machine-wide features, which belong to no organization: settings, parts, and who may use them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::{OnceCell, Semaphore};

use super::App;
use super::authority::AuthorityCache;
use super::license::LicenseReport;
use crate::auth::grant::GrantKey;
use crate::auth::license::LicenseSigner;
use crate::domain::{Error, Principal, Result, Scope};
use crate::fetch::Fetcher;
use crate::fetch::egress::EgressPolicy;
use crate::host::hamachi::HamachiClient;

/// Machine-wide part of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct HostSettings {
    /// Which addresses besides the internet URLs given by callers may reach.
    pub reach: EgressPolicy,
    /// Absolute path of the Hamachi command; it need not exist.
    pub hamachi_command: PathBuf,
    /// Timeout of one run of the command.
    pub hamachi_timeout: Duration,
    /// Defaults to `license.json` in the data directory.
    pub license_path: Option<PathBuf>,
    /// Key that verifies licenses; without one no license is valid.
    pub license_key: Option<[u8; 32]>,
    pub license_key_id: String,
    /// How long a terminal grant is valid, whole seconds.
    pub grant_ttl: Duration,
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            reach: EgressPolicy::default(),
            hamachi_command: PathBuf::from("/usr/bin/hamachi"),
            hamachi_timeout: Duration::from_secs(10),
            license_path: None,
            license_key: None,
            license_key_id: "k1".to_owned(),
            grant_ttl: Duration::from_secs(60),
        }
    }
}

impl HostSettings {
    pub(super) fn signer(&self) -> Option<LicenseSigner> {
        self.license_key.map(|key| LicenseSigner { id: self.license_key_id.clone(), key })
    }
}

/// Machine-wide parts of an application.
pub(super) struct HostServices {
    pub(super) fetcher: Arc<Fetcher>,
    pub(super) hamachi: HamachiClient,
    /// Read or created on first use.
    pub(super) grant_key: OnceCell<GrantKey>,
    pub(super) authorities: AuthorityCache,
    /// Held while a private key is made.
    pub(super) key_making: Semaphore,
    pub(super) license: RwLock<LicenseReport>,
}

impl HostServices {
    pub(super) fn new(settings: &HostSettings) -> Self {
        Self {
            fetcher: Arc::new(Fetcher::new(settings.reach.clone())),
            hamachi: HamachiClient::new(settings.hamachi_command.clone(), settings.hamachi_timeout),
            grant_key: OnceCell::new(),
            authorities: AuthorityCache::default(),
            key_making: Semaphore::new(1),
            license: RwLock::new(LicenseReport::default()),
        }
    }
}

impl App {
    /// Requires the scope, the default organization, and an unrestricted principal: the machine belongs to nobody
    /// else, and is not among the devices and data of a restricted key.
    pub(super) fn require_host(&self, principal: &Principal, scope: Scope) -> Result<()> {
        principal.require(scope)?;
        if principal.org != self.store.catalog().default_org() {
            return Err(Error::forbidden(
                "what belongs to the machine needs a key of the default organization",
            ));
        }
        if principal.is_restricted() {
            return Err(Error::forbidden(
                "a key restricted to some devices or data may not touch the machine",
            ));
        }
        Ok(())
    }
}
