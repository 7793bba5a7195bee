//! License of this installation: the activation request, and the check of the installed license.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::io::AsyncReadExt;

use super::AppSettings;
use super::access::{AccessControl, require_system};
use super::core_parts::CoreParts;
use crate::auth::license::{self, LicenseSigner};
use crate::domain::license::LicenseState;
use crate::domain::machine::MachineIdentity;
use crate::domain::{Clock, Error, Micros, Principal, Resource, Result, Scope};
use crate::host::machine;
use crate::store::Store;

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

/// The license of this installation.
pub struct Licensing {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    access: Arc<AccessControl>,
    /// The license file.
    path: PathBuf,
    /// Verifies licenses; without it no license is valid.
    signer: Option<LicenseSigner>,
    /// Id of the key that verifies licenses.
    key_id: String,
    /// File of the id that a machine without one gets.
    machine_id_path: PathBuf,
    report: RwLock<LicenseReport>,
}

impl Licensing {
    pub(super) fn new(parts: &CoreParts, access: Arc<AccessControl>, settings: &AppSettings) -> Self {
        let (host, data_dir) = (&settings.host, &settings.data_dir);
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            access,
            path: host.license_path.clone().unwrap_or_else(|| data_dir.join(FILE)),
            signer: host.signer(),
            key_id: host.license_key_id.clone(),
            machine_id_path: data_dir.join("machine-id"),
            report: RwLock::default(),
        }
    }

    /// Returns the data to send to the issuer of a license, with the identity of this machine as it is now.
    pub async fn activation_request(&self, principal: &Principal) -> Result<ActivationRequest> {
        self.access.require_host(principal, Scope::read(Resource::System))?;
        Ok(ActivationRequest {
            machine: self.machine().await?,
            product_version: env!("CARGO_PKG_VERSION"),
            public_key_id: self.key_id.clone(),
            created_at: self.clock.now(),
        })
    }

    /// Returns the license, and the number of devices that count against its limit.
    pub fn license(&self, principal: &Principal) -> Result<(LicenseReport, usize)> {
        self.access.require_host(principal, Scope::read(Resource::System))?;
        Ok((self.report.read().clone(), self.store.catalog().devices.count_devices()))
    }

    /// Reads the license file again. Its device limit applies from then on; without a valid license there is no limit.
    /// The result is logged when it has changed.
    pub async fn check_license(&self, principal: &Principal) -> Result<()> {
        require_system(principal)?;
        let state = self.read_license().await;
        let most = state.license().and_then(|license| license.max_devices);
        self.store.catalog().devices.set_max_devices(most);
        let report = LicenseReport { state, checked_at: Some(self.clock.now()) };
        let before = std::mem::replace(&mut *self.report.write(), report.clone());
        if before.checked_at.is_none() || before.state != report.state {
            log(&report.state);
        }
        Ok(())
    }

    async fn read_license(&self) -> LicenseState {
        let path = &self.path;
        let bytes = match read_file(path).await {
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
        let signer = self.signer.as_ref();
        let signer = signer.ok_or_else(|| Error::invalid("license.public_key is not configured"))?;
        let license = license::verify_license(bytes, signer)?;
        let problem = license.problem(&self.machine().await?.id, self.clock.now());
        Ok(problem.map_or(LicenseState::Valid(license), LicenseState::Invalid))
    }

    async fn machine(&self) -> Result<MachineIdentity> {
        let own_id = self.machine_id_path.clone();
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
