//! Hamachi VPN client of this machine.

use super::App;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::hamachi::{JoinOutcome, VpnNetwork, VpnStatus};
use crate::domain::{Error, FieldError, Principal, Resource, Result, Scope};
use crate::host::hamachi;

impl App {
    /// Returns the client's status.
    pub async fn hamachi(&self, principal: &Principal) -> Result<VpnStatus> {
        self.require_host(principal, Scope::read(Resource::System))?;
        self.host.hamachi.status().await
    }

    /// Returns the networks this machine is a member of.
    pub async fn hamachi_networks(&self, principal: &Principal) -> Result<Vec<VpnNetwork>> {
        self.require_host(principal, Scope::read(Resource::System))?;
        self.host.hamachi.networks().await
    }

    /// Returns one of these networks by its id.
    pub async fn hamachi_network(&self, principal: &Principal, id: &str) -> Result<VpnNetwork> {
        let networks = self.hamachi_networks(principal).await?;
        networks.into_iter().find(|network| network.id == id).ok_or_else(Error::not_found)
    }

    /// Requires a principal that may join and leave networks.
    pub fn hamachi_to_change(&self, principal: &Principal) -> Result<()> {
        self.require_host(principal, Scope::write(Resource::System))
    }

    /// Returns the problems of a network and a password that are found without the client.
    pub fn hamachi_problems(&self, network: &str, password: &str) -> Vec<FieldError> {
        hamachi::argument_problems(network, password)
    }

    pub async fn join_hamachi(
        &self,
        principal: &Principal,
        network: &str,
        password: &str,
    ) -> Result<JoinOutcome> {
        self.hamachi_to_change(principal)?;
        let joined = self.host.hamachi.join(network, password).await?;
        if joined != JoinOutcome::Already {
            self.audit.audit(principal, AuditChange::new(Action::Create, "hamachi-network", None)).await?;
        }
        Ok(joined)
    }

    /// Leaves a network by its id; `NotFound` when this machine is not a member.
    pub async fn leave_hamachi(&self, principal: &Principal, network: &str) -> Result<()> {
        self.hamachi_to_change(principal)?;
        self.host.hamachi.leave(network).await?;
        self.audit.audit(principal, AuditChange::new(Action::Delete, "hamachi-network", None)).await
    }
}
