//! The reports of devices about bindings in the mirror.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use uuid::Uuid;

use crate::domain::DeviceId;
use crate::domain::configuration::binding::BindingReport;

/// Reports by binding and device.
#[derive(Default)]
pub(in crate::store::catalog) struct BindingReportIndex(
    HashMap<Uuid, BTreeMap<DeviceId, Arc<BindingReport>>>,
);

impl BindingReportIndex {
    /// Adds or replaces a report.
    pub(in crate::store::catalog) fn put(
        &mut self,
        binding: Uuid,
        device: DeviceId,
        report: Arc<BindingReport>,
    ) {
        self.0.entry(binding).or_default().insert(device, report);
    }

    /// The reports about a binding, by device.
    pub(in crate::store::catalog) fn of_binding(
        &self,
        binding: Uuid,
    ) -> Option<&BTreeMap<DeviceId, Arc<BindingReport>>> {
        self.0.get(&binding)
    }

    /// The reports about every binding.
    #[cfg(test)]
    pub(in crate::store::catalog) fn all(
        &self,
    ) -> impl Iterator<Item = (&Uuid, &BTreeMap<DeviceId, Arc<BindingReport>>)> {
        self.0.iter()
    }

    /// Removes the reports about a binding.
    pub(in crate::store::catalog) fn remove_binding(&mut self, binding: Uuid) {
        self.0.remove(&binding);
    }

    /// Removes the reports of a device.
    pub(in crate::store::catalog) fn remove_device(&mut self, device: DeviceId) {
        self.0.retain(|_, reports| {
            reports.remove(&device);
            !reports.is_empty()
        });
    }
}
