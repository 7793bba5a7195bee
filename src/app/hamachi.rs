//! Hamachi VPN client of this machine.

use std::sync::Arc;

use super::access::AccessControl;
use super::audit::AuditLog;
use super::host::HostSettings;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::hamachi::{JoinOutcome, VpnNetwork, VpnStatus};
use crate::domain::{Error, FieldError, Principal, Resource, Result, Scope};
use crate::host::hamachi::{self, HamachiClient};

/// The Hamachi client of this machine.
pub struct Hamachi {
    access: Arc<AccessControl>,
    audit: Arc<AuditLog>,
    client: HamachiClient,
}

impl Hamachi {
    pub(super) fn new(access: Arc<AccessControl>, audit: Arc<AuditLog>, settings: &HostSettings) -> Self {
        let client = HamachiClient::new(settings.hamachi_command.clone(), settings.hamachi_timeout);
        Self { access, audit, client }
    }

    /// Returns the client's status.
    pub async fn status(&self, principal: &Principal) -> Result<VpnStatus> {
        self.access.require_host(principal, Scope::read(Resource::System))?;
        self.client.status().await
    }

    /// Returns the networks this machine is a member of.
    pub async fn networks(&self, principal: &Principal) -> Result<Vec<VpnNetwork>> {
        self.access.require_host(principal, Scope::read(Resource::System))?;
        self.client.networks().await
    }

    /// Returns one of these networks by its id.
    pub async fn network(&self, principal: &Principal, id: &str) -> Result<VpnNetwork> {
        let networks = self.networks(principal).await?;
        networks.into_iter().find(|network| network.id == id).ok_or_else(Error::not_found)
    }

    /// Requires a principal that may join and leave networks.
    pub fn check_may_change(&self, principal: &Principal) -> Result<()> {
        self.access.require_host(principal, Scope::write(Resource::System))
    }

    /// Returns the problems of a network and a password that are found without the client.
    pub fn problems(&self, network: &str, password: &str) -> Vec<FieldError> {
        hamachi::argument_problems(network, password)
    }

    /// Joins a network and records it in the audit log unless the machine was a member; `Invalid` with the client's reason
    /// when it is refused, `Conflict` while the client is not logged in.
    pub async fn join(&self, principal: &Principal, network: &str, password: &str) -> Result<JoinOutcome> {
        self.check_may_change(principal)?;
        let joined = self.client.join(network, password).await?;
        if joined != JoinOutcome::Already {
            self.audit.audit(principal, AuditChange::new(Action::Create, "hamachi-network", None)).await?;
        }
        Ok(joined)
    }

    /// Leaves a network by its id; `NotFound` when this machine is not a member.
    pub async fn leave(&self, principal: &Principal, network: &str) -> Result<()> {
        self.check_may_change(principal)?;
        self.client.leave(network).await?;
        self.audit.audit(principal, AuditChange::new(Action::Delete, "hamachi-network", None)).await
    }
}
