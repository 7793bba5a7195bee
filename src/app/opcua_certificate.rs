//! Certificates of OPC UA servers: listed, trusted and rejected. They belong to the machine, as its collectors connect for all
//! organizations.

use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::access::AccessControl;
use super::audit::AuditLog;
use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use crate::collect::opcua::pki::{CertificateStatus, Pki, StoredCertificate, normal};
use crate::collect::opcua_url;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::device::{DeviceFilter, Protocol};
use crate::domain::opcua_certificate::{CertificateState, OpcuaCertificate};
use crate::domain::{DeviceId, Error, Kind, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Certificates of OPC UA servers.
pub struct OpcuaCertificates {
    store: Arc<Store>,
    /// The collectors, which have the certificates.
    states: CollectorStates,
    access: Arc<AccessControl>,
    audit: Arc<AuditLog>,
}

impl OpcuaCertificates {
    pub(super) fn new(parts: &CoreParts, access: Arc<AccessControl>, audit: Arc<AuditLog>) -> Self {
        Self { store: parts.store.clone(), states: parts.states.clone(), access, audit }
    }

    /// Returns the certificates that servers showed, by state and fingerprint, with the caller's devices.
    ///
    /// # Errors
    /// `Forbidden` unless the principal may read what belongs to the machine.
    pub async fn opcua_certificates(&self, principal: &Principal) -> Result<Vec<OpcuaCertificate>> {
        self.access.require_host(principal, Scope::read(Resource::System))?;
        let pki = self.states.running()?.pki().clone();
        let stored = in_background(move || pki.list()).await?;
        let addresses = self.opcua_addresses(principal);
        let pki = self.states.running()?.pki();
        Ok(stored.into_iter().filter_map(|one| to_certificate(one, pki, &addresses)).collect())
    }

    /// Returns one of them, by its fingerprint in any form.
    ///
    /// # Errors
    /// `Forbidden` unless the principal may read what belongs to the machine; `NotFound`.
    pub async fn opcua_certificate(
        &self,
        principal: &Principal,
        fingerprint: &str,
    ) -> Result<OpcuaCertificate> {
        let (all, wanted) = (self.opcua_certificates(principal).await?, normal(fingerprint));
        all.into_iter().find(|one| one.fingerprint == wanted).ok_or_else(Error::not_found)
    }

    /// Requires a principal that may decide about certificates.
    pub fn check_may_trust(&self, principal: &Principal) -> Result<()> {
        self.access.require_host(principal, Scope::write(Resource::System))
    }

    /// Trusts or rejects a certificate, from the next connection on; open connections stay.
    ///
    /// # Errors
    /// `Forbidden` unless the principal may change what belongs to the machine; `NotFound`; `Invalid` for the state `new`,
    /// which nobody decides.
    pub async fn set_certificate_state(
        &self,
        principal: &Principal,
        fingerprint: &str,
        state: CertificateState,
    ) -> Result<OpcuaCertificate> {
        self.check_may_trust(principal)?;
        let known = self.opcua_certificate(principal, fingerprint).await?;
        if state == CertificateState::New {
            return Err(Error::field("state", "\"new\" is not a valid choice."));
        }
        if known.state == state {
            return Ok(known);
        }
        let (pki, wanted) = (self.states.running()?.pki().clone(), known.fingerprint.clone());
        let decided = in_background(move || match state {
            CertificateState::Trusted => pki.trust(&wanted),
            CertificateState::New | CertificateState::Rejected => pki.reject(&wanted),
        });
        // Its message is for the command line: somebody else was faster.
        decided
            .await
            .map_err(|error| if error.kind == Kind::NotFound { Error::not_found() } else { error })?;
        self.audit
            .audit(principal, AuditChange::new(Action::Update, "opcua-certificate", None).with(vec!["state"]))
            .await?;
        Ok(OpcuaCertificate { state, ..known })
    }

    /// Addresses of the OPC UA devices that the principal sees; none without the right to read devices.
    fn opcua_addresses(&self, principal: &Principal) -> Vec<(String, DeviceId)> {
        if !principal.scopes.allows(Scope::read(Resource::Device)) {
            return Vec::new();
        }
        let filter = DeviceFilter { protocol: Some(Protocol::Opcua), ..DeviceFilter::default() };
        let devices = self.store.catalog().devices.devices(principal, &filter);
        devices.iter().filter_map(|device| Some((opcua_url(&device.spec)?, device.id))).collect()
    }
}

/// Our own certificate is none of a server.
fn to_certificate(
    stored: StoredCertificate,
    pki: &Pki,
    devices: &[(String, DeviceId)],
) -> Option<OpcuaCertificate> {
    let state = match stored.status {
        CertificateStatus::Own => return None,
        CertificateStatus::Trusted => CertificateState::Trusted,
        CertificateStatus::Rejected => CertificateState::Rejected,
        CertificateStatus::New => CertificateState::New,
    };
    let shown_at = pki.shown_at(&stored.thumbprint);
    let devices = devices.iter().filter(|(url, _)| shown_at.contains(url)).map(|(_, id)| *id).collect();
    Some(OpcuaCertificate {
        fingerprint: stored.thumbprint,
        subject: stored.subject,
        valid_from: stored.valid_from,
        valid_to: stored.valid_to,
        state,
        devices,
    })
}

async fn in_background<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = spawn_blocking(work).await;
    done.map_err(|error| Error::internal("reading certificates was interrupted").with_source(error))?
}
