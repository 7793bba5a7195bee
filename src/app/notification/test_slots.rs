//! How many tests of channels each organization may have under way: a test waits for its receiver.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::domain::{Error, OrgId, Result};

/// Most tests at once of one organization.
const MAX_PER_ORG: usize = 4;

/// The tests under way.
#[derive(Debug, Default)]
pub(super) struct TestSlots(Mutex<HashMap<OrgId, usize>>);

/// A test under way; dropping it ends it.
#[derive(Debug)]
pub(super) struct TestSlot<'a> {
    slots: &'a TestSlots,
    org: OrgId,
}

impl TestSlots {
    /// Begins a test.
    ///
    /// # Errors
    /// `Busy` when the organization has its most under way.
    pub(super) fn take(&self, org: OrgId) -> Result<TestSlot<'_>> {
        let mut all = self.0.lock();
        let running = all.entry(org).or_default();
        if *running >= MAX_PER_ORG {
            return Err(Error::busy("too many channels are being tested; retry later"));
        }
        *running += 1;
        Ok(TestSlot { slots: self, org })
    }
}

impl Drop for TestSlot<'_> {
    fn drop(&mut self) {
        let mut all = self.slots.0.lock();
        if let Some(running) = all.get_mut(&self.org) {
            *running -= 1;
            if *running == 0 {
                all.remove(&self.org);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Kind;

    #[test]
    fn each_organization_has_four() {
        let slots = TestSlots::default();
        let mut permits: Vec<_> = (0..MAX_PER_ORG).map(|_| slots.take(OrgId(1)).unwrap()).collect();
        assert_eq!(slots.take(OrgId(1)).unwrap_err().kind, Kind::Busy);
        assert!(slots.take(OrgId(2)).is_ok());
        permits.pop();
        assert!(slots.take(OrgId(1)).is_ok());
        drop(permits);
        assert!(slots.0.lock().is_empty());
    }
}
