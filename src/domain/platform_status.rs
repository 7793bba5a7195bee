//! Status of a device on the MK platform: what its topology, its settings and its connection amount to.

use super::device::{Device, DeviceState, Protocol};
use super::named_enum::named_enum;
use super::topology::ProvisioningPhase;
use super::{Error, Result};

named_enum! {
    /// Status of a device on the platform.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum PlatformStatus {
        /// Registered, and not seen since.
        Pending = "PENDING",
        /// In order.
        Active = "ACTIVE",
        /// Taken out of service: its readings are not wanted.
        Inactive = "INACTIVE",
        /// Being worked on.
        Maintenance = "MAINTENANCE",
        /// Not connected.
        Offline = "OFFLINE",
    }
}

impl PlatformStatus {
    /// Status of a device that its collector or its session sees in `state`.
    pub fn of(device: &Device, state: DeviceState) -> PlatformStatus {
        let topology = &device.topology;
        if topology.phase == ProvisioningPhase::Pending {
            return PlatformStatus::Pending;
        }
        if !device.spec.enabled {
            return PlatformStatus::Inactive;
        }
        if topology.is_in_maintenance {
            return PlatformStatus::Maintenance;
        }
        match state {
            _ if device.spec.protocol == Protocol::Virtual => PlatformStatus::Active,
            DeviceState::Online | DeviceState::Degraded => PlatformStatus::Active,
            DeviceState::Disabled => PlatformStatus::Inactive,
            DeviceState::Connecting | DeviceState::Offline => PlatformStatus::Offline,
        }
    }

    /// Checks that people may set a device of this status to `next`.
    ///
    /// # Errors
    /// `Conflict`.
    pub fn check_change(self, next: PlatformStatus) -> Result<()> {
        use PlatformStatus::{Active, Inactive, Maintenance, Pending};
        let is_legal = match next {
            _ if next == self => true,
            Inactive | Maintenance => self != Pending,
            Active => matches!(self, Inactive | Maintenance),
            Pending | PlatformStatus::Offline => false,
        };
        let message = || format!("status cannot be changed from {} to {}", self.name(), next.name());
        if is_legal { Ok(()) } else { Err(Error::conflict(message())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_may_stop_and_start_what_is_provisioned() {
        use PlatformStatus::{Active, Inactive, Maintenance, Offline, Pending};
        let legal = [
            (Active, Inactive),
            (Active, Maintenance),
            (Offline, Inactive),
            (Offline, Maintenance),
            (Inactive, Active),
            (Inactive, Maintenance),
            (Maintenance, Active),
            (Maintenance, Inactive),
        ];
        for from in PlatformStatus::ALL {
            for to in PlatformStatus::ALL {
                let expected = from == to || legal.contains(&(from, to));
                assert_eq!(from.check_change(to).is_ok(), expected, "{from:?} to {to:?}");
            }
        }
        assert!(Pending.check_change(Active).is_err());
    }
}
