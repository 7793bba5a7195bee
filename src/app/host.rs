//! What belongs to the machine rather than to an organization: who may touch it, and the parts behind it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::OnceCell;

use super::App;
use super::license::LicenseReport;
use crate::auth::grant::GrantKey;
use crate::auth::license::Signer;
use crate::domain::{Error, Principal, Result, Scope};
use crate::fetch::Fetcher;
use crate::fetch::address::Reach;
use crate::host::hamachi::Hamachi;

/// What of the configuration concerns the machine.
#[derive(Debug, Clone, PartialEq)]
pub struct HostSettings {
    /// Where URLs given by callers may lead besides the internet.
    pub reach: Reach,
    /// Absolute; it need not exist.
    pub hamachi_command: PathBuf,
    /// For one run of it.
    pub hamachi_timeout: Duration,
    /// None is `license.json` in the data directory.
    pub license_path: Option<PathBuf>,
    /// Without a key no license counts.
    pub license_key: Option<[u8; 32]>,
    pub license_key_id: String,
    /// How long a terminal grant holds, whole seconds.
    pub grant_ttl: Duration,
}

impl Default for HostSettings {
    fn default() -> Self {
        Self {
            reach: Reach::default(),
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
    pub(super) fn signer(&self) -> Option<Signer> {
        self.license_key.map(|key| Signer { id: self.license_key_id.clone(), key })
    }
}

/// The parts of the machine that an application holds.
pub(super) struct HostParts {
    pub(super) fetcher: Arc<Fetcher>,
    pub(super) hamachi: Hamachi,
    /// Read, or made, when it is first needed.
    pub(super) grant_key: OnceCell<GrantKey>,
    pub(super) license: RwLock<LicenseReport>,
}

impl HostParts {
    pub(super) fn new(settings: &HostSettings) -> Self {
        Self {
            fetcher: Arc::new(Fetcher::new(settings.reach.clone())),
            hamachi: Hamachi::new(settings.hamachi_command.clone(), settings.hamachi_timeout),
            grant_key: OnceCell::new(),
            license: RwLock::new(LicenseReport::default()),
        }
    }
}

impl App {
    /// Passes who has the scope and the default organization, and no list of devices or data: the machine is nobody
    /// else's, and is no part of what such a list holds.
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
