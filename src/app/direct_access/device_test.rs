//! Tests of devices before they are saved, a bounded number at once.

use super::DirectAccess;
use crate::app::device::problems;
use crate::app::org_permits::OrgPermits;
use crate::collect;
use crate::domain::address_space::BrowseTree;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::device_test::{DeviceTest, MAX_REGISTERS};
use crate::domain::{Error, Principal, Result};

/// Tests that run at once, in all and for one organization: each holds a connection for up to ten seconds.
const MAX_TESTS: usize = 8;
const MAX_TESTS_OF_ORG: usize = 2;

/// Permits for tests of devices.
pub(super) fn permits() -> OrgPermits {
    let refusal = "Too many devices are being tested; try again in some seconds.";
    OrgPermits::new(MAX_TESTS, MAX_TESTS_OF_ORG, refusal)
}

impl DirectAccess {
    /// Connects to a device that is not saved, and reads up to [`MAX_REGISTERS`] of its registers or nodes. It has the
    /// bounds of a saved device: only networks in which devices may be are connected to.
    ///
    /// # Errors
    /// `Forbidden` unless the principal may create devices; `Invalid` naming every wrong field; `Busy` when too many
    /// tests run.
    pub async fn test_device(
        &self,
        principal: &Principal,
        device: &DeviceSpec,
        registers: &[String],
    ) -> Result<DeviceTest> {
        self.check_testable(principal, device)?;
        if registers.len() > MAX_REGISTERS {
            return Err(Error::field(
                "registers",
                format!("At most {MAX_REGISTERS} registers are tested at once."),
            ));
        }
        let _permit = self.tests.acquire(principal.org)?;
        self.audit.audit(principal, AuditChange::new(Action::Test, "device", None)).await?;
        self.states.running()?.test_device(principal.org, device, registers).await
    }

    /// Returns a node of a device that is not saved, by default its root, and `depth` levels below it.
    ///
    /// # Errors
    /// `Forbidden` unless the principal may create devices; `Invalid` naming every wrong field, and for a node that the
    /// server does not have; `Busy` when too many tests run; `Timeout` and `DeviceFault` for a server that is not
    /// reached.
    pub async fn browse_unsaved(
        &self,
        principal: &Principal,
        device: &DeviceSpec,
        node: Option<&str>,
        depth: usize,
    ) -> Result<BrowseTree> {
        self.check_testable(principal, device)?;
        let Some(root) = collect::browse_root(device.protocol) else {
            return Err(Error::field(
                "protocol",
                "Only OPC UA servers and EtherNet/IP controllers are browsed.",
            ));
        };
        let node = node.unwrap_or(root);
        let _permit = self.tests.acquire(principal.org)?;
        self.audit.audit(principal, AuditChange::new(Action::Test, "device", None)).await?;
        self.states.running()?.browse_unsaved(device, node, depth).await
    }

    fn check_testable(&self, principal: &Principal, device: &DeviceSpec) -> Result<()> {
        self.devices.check_may_create_device(principal)?;
        Error::check(problems(device))?;
        match device.protocol {
            Protocol::Modbus
            | Protocol::Melsec
            | Protocol::Fenet
            | Protocol::S7
            | Protocol::Eip
            | Protocol::Opcua => Ok(()),
            other => {
                let message = format!(
                    "Devices of protocol \"{other}\" are not tested: use modbus, melsec, fenet, s7, eip or opcua."
                );
                Err(Error::field("protocol", message))
            }
        }
    }
}
