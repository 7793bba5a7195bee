//! License of this installation: the activation request, and the check of the installed license.

use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt;

use super::App;
use super::access::require_system;
use crate::auth::license;
use crate::domain::license::LicenseState;
use crate::domain::machine::MachineIdentity;
use crate::domain::{Error, Micros, Principal, Resource, Result, Scope};
use crate::host::machine;

const FILE: &str = "license.json";
/// Maximum size of the license file; licenses have some hundreds of bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// The data that the issuer of a license needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivationRequest {
    pub machine: MachineIdentity,
    pub product_version: &'static str,
    /// Id of the public key whose signatures this installation accepts.
    pub public_key_id: String,
    pub created_at: Micros,
}

/// The license as of the last check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseReport {
    pub state: LicenseState,
    /// Time of the last check; none before the first.
    pub checked_at: Option<Micros>,
}

impl Default for LicenseReport {
    fn default() -> Self {
        Self { state: LicenseState::Absent, checked_at: None }
    }
}

impl App {
    pub async fn activation_request(&self, principal: &Principal) -> Result<ActivationRequest> {
        self.require_host(principal, Scope::read(Resource::System))?;
        Ok(ActivationRequest {
            machine: self.machine().await?,
            product_version: env!("CARGO_PKG_VERSION"),
            public_key_id: self.settings.host.license_key_id.clone(),
            created_at: self.clock.now(),
        })
    }

    /// Returns the license, and the number of devices that count against its limit.
    pub fn license(&self, principal: &Principal) -> Result<(LicenseReport, usize)> {
        self.require_host(principal, Scope::read(Resource::System))?;
        Ok((self.host.license.read().clone(), self.store.catalog().count_devices()))
    }

    /// Reads the license file again. Its device limit applies from then on; without a valid license there is no limit.
    /// The result is logged when it has changed.
    pub async fn check_license(&self, principal: &Principal) -> Result<()> {
        require_system(principal)?;
        let state = self.read_license().await;
        let most = state.license().and_then(|license| license.max_devices);
        self.store.catalog().set_max_devices(most);
        let report = LicenseReport { state, checked_at: Some(self.clock.now()) };
        let before = std::mem::replace(&mut *self.host.license.write(), report.clone());
        if before.checked_at.is_none() || before.state != report.state {
            log(&report.state);
        }
        Ok(())
    }

    async fn read_license(&self) -> LicenseState {
        let path = self.license_path();
        let bytes = match read_file(&path).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return LicenseState::Absent,
            Err(error) => {
                return LicenseState::Invalid(format!("{} cannot be read: {error}", path.display()));
            }
        };
        match self.verify_license(&bytes).await {
            Ok(state) => state,
            Err(error) => LicenseState::Invalid(error.message),
        }
    }

    async fn verify_license(&self, bytes: &[u8]) -> Result<LicenseState> {
        let signer = self.settings.host.signer();
        let signer = signer.ok_or_else(|| Error::invalid("license.public_key is not configured"))?;
        let license = license::verify_license(bytes, &signer)?;
        let problem = license.problem(&self.machine().await?.id, self.clock.now());
        Ok(problem.map_or(LicenseState::Valid(license), LicenseState::Invalid))
    }

    fn license_path(&self) -> PathBuf {
        let own = || self.settings.data_dir.join(FILE);
        self.settings.host.license_path.clone().unwrap_or_else(own)
    }

    async fn machine(&self) -> Result<MachineIdentity> {
        let own_id = self.settings.data_dir.join("machine-id");
        let read = tokio::task::spawn_blocking(move || machine::read(Path::new("/"), &own_id)).await;
        let read =
            read.map_err(|e| Error::internal("reading the machine's facts was interrupted").with_source(e))?;
        read.map_err(|e| Error::unavailable("the machine's facts cannot be read").with_source(e))
    }
}

async fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    tokio::fs::File::open(path).await?.take(MAX_BYTES).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn log(state: &LicenseState) {
    match state {
        LicenseState::Absent => tracing::info!("no license: running in evaluation"),
        LicenseState::Invalid(problem) => {
            tracing::warn!(problem, "the license is not valid: running in evaluation");
        }
        LicenseState::Valid(license) => {
            let end = license.expires_at.map_or_else(|| "never".to_owned(), Micros::to_iso);
            tracing::info!(license = license.id, customer = license.customer, expires = end, "licensed");
        }
    }
}
