//! Direct access to devices: registers read and written now, nodes and tags browsed, and devices tested before they are
//! saved.

mod browse;
mod device_test;
pub mod registers;

use std::sync::Arc;

use super::audit::AuditLog;
use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use super::device::Devices;
use super::org_permits::OrgPermits;
use crate::domain::device::Device;
use crate::domain::principal::Access;
use crate::domain::{DeviceId, Error, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Direct access to devices.
pub struct DirectAccess {
    store: Arc<Store>,
    /// The collectors, whose connections are used.
    states: CollectorStates,
    pub(super) devices: Arc<Devices>,
    audit: Arc<AuditLog>,
    /// Permits for tests of devices.
    tests: OrgPermits,
}

impl DirectAccess {
    pub(super) fn new(parts: &CoreParts, devices: Arc<Devices>, audit: Arc<AuditLog>) -> Self {
        let (store, states) = (parts.store.clone(), parts.states.clone());
        Self { store, states, devices, audit, tests: device_test::permits() }
    }

    /// Returns the device for a principal that may access it directly. One that sees the device only because of a
    /// stream may not, because that gives no right to the device's other registers.
    fn device_for_direct_access(
        &self,
        principal: &Principal,
        id: DeviceId,
        access: Access,
    ) -> Result<Arc<Device>> {
        principal.require(Scope { resource: Resource::Device, access })?;
        let device = self.store.catalog().devices.device(principal, id)?;
        if !principal.owns_device(device.org, id) {
            return Err(Error::forbidden("this key may see the device but not speak to it"));
        }
        Ok(device)
    }
}
