//! Devices together with what they are in the topology of the MK platform: both change in one transaction.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sea_orm::Set;

use super::DeviceCatalog;
use super::index::AliasGenerator;
use super::{check_device_limit, insert, problems, update};
use crate::domain::device::{Device, DeviceSpec};
use crate::domain::document::DocumentKind;
use crate::domain::topology::Topology;
use crate::domain::{DeviceId, Error, FieldError, Principal, Result};
use crate::store::catalog::org::quota::QuotaDelta;
use crate::store::catalog::visibility::{VisibleCatalog, require_unrestricted};
use crate::store::catalog::{entity, trim};

impl DeviceCatalog {
    /// Creates a device with a place in the topology.
    pub async fn create_device_in_topology(
        &self,
        who: &Principal,
        mut spec: DeviceSpec,
        topology: Topology,
    ) -> Result<Arc<Device>> {
        require_unrestricted(who)?;
        trim(&mut spec.name);
        let transaction = self.core.begin_transaction().await?;
        let mut found = problems(&transaction.visible_to(who), &spec, None);
        found.extend(topology_problems(&transaction.visible_to(who), &topology, &Topology::default()));
        Error::check(found)?;
        check_device_limit(
            transaction.mirror().devices.len(),
            self.core.max_devices.load(Ordering::Relaxed),
        )?;
        let mut growth = QuotaDelta::of_device(&spec, None);
        growth += QuotaDelta::of_topology(&topology, &Topology::default());
        self.core.check_quota(&transaction.mirror(), who.org, growth)?;
        let aliases = AliasGenerator::default().next(&transaction.mirror().devices, who.org, &spec.name);
        let mut row = entity::device::new(who.org, aliases, spec, self.core.clock.now());
        row.topology = Set(entity::to_json(&topology));
        insert(transaction, who, row).await
    }

    /// Changes a device and its place in the topology atomically. `change` may refuse.
    ///
    /// # Errors
    /// `NotFound` for a device that is not visible, `Forbidden` for one that may only be read, those of `change`, and
    /// `Invalid` with every problem.
    pub async fn update_device_in_topology(
        &self,
        who: &Principal,
        id: DeviceId,
        change: impl FnOnce(&mut DeviceSpec, &mut Topology) -> Result<()> + Send,
    ) -> Result<Arc<Device>> {
        let transaction = self.core.begin_transaction().await?;
        let (spec, topology, fields, growth) = {
            let visible = transaction.visible_to(who);
            let stored = visible.writable_device(id)?;
            let (mut spec, mut topology) = (stored.spec.clone(), stored.topology.clone());
            change(&mut spec, &mut topology)?;
            trim(&mut spec.name);
            let mut found = problems(&visible, &spec, Some(id));
            found.extend(topology_problems(&visible, &topology, &stored.topology));
            Error::check(found)?;
            let mut fields = stored.spec.differences(&spec);
            if topology != stored.topology {
                fields.push("topology");
            }
            let mut growth = QuotaDelta::of_device(&spec, Some(&stored.spec));
            growth += QuotaDelta::of_topology(&topology, &stored.topology);
            (spec, topology, fields, growth)
        };
        self.core.check_quota(&transaction.mirror(), who.org, growth)?;
        let mut row = entity::device::for_update(id, spec, self.core.clock.now());
        row.topology = Set(entity::to_json(&topology));
        let device = update(transaction, who, (id, row), fields).await?;
        Ok(self.core.visible_to(who).redact_device(&device))
    }
}

/// The topology's own problems, and those of rows that it newly names. What is stored already may have been deleted.
pub(in crate::store::catalog) fn topology_problems(
    visible: &VisibleCatalog,
    new: &Topology,
    stored: &Topology,
) -> Vec<FieldError> {
    let mut found = new.problems();
    let mut check = |field: String, kind, uuid| {
        if visible.document(kind, uuid).is_err() {
            found.push(FieldError::new(field, "does not exist"));
        }
    };
    if let Some(site) = new.site.filter(|_| new.site != stored.site) {
        check("site".to_owned(), DocumentKind::Site, site);
    }
    if let Some(profile) = new.device_profile.filter(|_| new.device_profile != stored.device_profile) {
        check("device_profile".to_owned(), DocumentKind::DeviceProfile, profile);
    }
    let is_new = |(_, group): &(usize, &uuid::Uuid)| !stored.groups.contains(group);
    for (index, group) in new.groups.iter().enumerate().filter(is_new) {
        check(format!("groups[{index}]"), DocumentKind::DeviceGroup, *group);
    }
    found
}
