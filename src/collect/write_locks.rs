//! Locks over the registers of controllers. Several devices here can be one controller, and a bit of a word is written by reading
//! the word and writing it back: a write of another device in between would be undone.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::domain::OrgId;
use crate::domain::device::{Device, Protocol};

/// Organization, protocol, host and port of a controller, and the unit where an address has several. No organization waits for
/// another's devices.
type ControllerKey = (OrgId, Protocol, String, Option<u16>, Option<u8>);

/// Exclusive right to change the registers of a controller; `None` where devices change single bits by themselves.
pub type ControllerLock = Option<OwnedMutexGuard<()>>;

/// The controllers that somebody writes to.
#[derive(Default)]
pub struct WriteLocks(parking_lot::Mutex<BTreeMap<ControllerKey, Weak<Mutex<()>>>>);

impl WriteLocks {
    /// Waits until nobody else writes to the controller that a device is.
    pub async fn lock(&self, device: &Device) -> ControllerLock {
        let lock = self.of(device)?;
        Some(lock.lock_owned().await)
    }

    fn of(&self, device: &Device) -> Option<Arc<Mutex<()>>> {
        let spec = &device.spec;
        let unit = match spec.protocol {
            Protocol::Modbus => Some(spec.unit),
            Protocol::Melsec | Protocol::Fenet => None,
            _ => return None,
        };
        let key = (device.org, spec.protocol, spec.host.to_ascii_lowercase(), spec.effective_port(), unit);
        let mut locks = self.0.lock();
        locks.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = locks.get(&key).and_then(Weak::upgrade) {
            return Some(lock);
        }
        let lock = Arc::default();
        locks.insert(key, Arc::downgrade(&lock));
        Some(lock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::test_harness::device;
    use crate::domain::DeviceId;
    use crate::domain::device::DeviceSpec;

    #[test]
    fn devices_of_one_controller_share_a_lock_and_no_others() {
        let locks = WriteLocks::default();
        let of = |protocol, host: &str, port, unit| {
            let mut spec = DeviceSpec::new("plc", protocol);
            (spec.host, spec.port, spec.unit) = (host.to_owned(), port, unit);
            locks.of(&device(DeviceId(1), spec))
        };
        let is_one = |a: &Option<Arc<Mutex<()>>>, b: &Option<Arc<Mutex<()>>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        let first = of(Protocol::Modbus, "PLC", None, 1);
        assert!(is_one(&first, &of(Protocol::Modbus, "plc", Some(502), 1)));
        assert!(!is_one(&first, &of(Protocol::Modbus, "plc", Some(502), 2)), "another unit");
        assert!(!is_one(&first, &of(Protocol::Modbus, "plc", Some(503), 1)), "another port");
        assert!(!is_one(&first, &of(Protocol::Melsec, "plc", Some(502), 1)), "another protocol");
        let melsec = of(Protocol::Melsec, "plc", None, 1);
        assert!(is_one(&melsec, &of(Protocol::Melsec, "plc", None, 2)), "a CPU has no units");
        assert!(of(Protocol::S7, "plc", None, 1).is_none());
        drop((first, melsec));
        drop(of(Protocol::Fenet, "plc", None, 1));
        assert_eq!(locks.0.lock().len(), 1, "those that nobody uses are forgotten");
    }
}
