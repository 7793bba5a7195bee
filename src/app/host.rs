//! Settings of machine-wide features, which belong to no organization.

use std::path::PathBuf;
use std::time::Duration;

use crate::auth::license::LicenseSigner;
use crate::fetch::egress::EgressPolicy;

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
