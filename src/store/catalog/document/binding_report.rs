//! Reports of devices about bindings: the last accepted report of each device about each binding.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::DocumentCatalog;
use crate::domain::configuration::binding::BindingReport;
use crate::domain::{DeviceId, Principal, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::DbTransaction;

impl DocumentCatalog {
    /// The last accepted report about a binding of each device that the principal sees completely.
    pub fn binding_reports(&self, who: &Principal, binding: Uuid) -> Vec<Arc<BindingReport>> {
        let visible = self.core.visible_to(who);
        let all = visible.mirror.binding_reports.of_binding(binding).into_iter().flatten();
        // A binding is of one organization, as are the devices that report about it.
        let seen = all.filter(|(device, _)| {
            visible.mirror.devices.get(**device).is_some_and(|device| who.owns_device(device.org, device.id))
        });
        seen.map(|(_, report)| Arc::clone(report)).collect()
    }

    /// Stores reports of a device. `decide` is given the last report about a binding and returns what is stored now; it
    /// is asked about each of `bindings` while no other change of the catalog is under way. Returns how many were stored.
    ///
    /// # Errors
    /// `NotFound` for a device that is not visible; `Forbidden` for one that the principal may not change.
    pub async fn report_bindings(
        &self,
        who: &Principal,
        device: DeviceId,
        bindings: Vec<Uuid>,
        decide: impl Fn(Uuid, Option<&BindingReport>) -> Option<BindingReport> + Send,
    ) -> Result<usize> {
        let transaction = self.core.begin_transaction().await?;
        let (org, new) = {
            let visible = transaction.visible_to(who);
            let org = visible.writable_device(device)?.org;
            let last = |binding: Uuid| {
                visible.mirror.binding_reports.of_binding(binding)?.get(&device).map(|r| &**r)
            };
            let changed = |binding: Uuid| Some((binding, Arc::new(decide(binding, last(binding))?)));
            (org, bindings.into_iter().filter_map(changed).collect::<Vec<_>>())
        };
        if new.is_empty() {
            return Ok(0);
        }
        let replace = async move |db: DbTransaction| {
            use entity::binding_report::{Column, Entity};
            for (binding, report) in &new {
                let old = Entity::delete_many()
                    .filter(Column::Binding.eq(binding.to_string()))
                    .filter(Column::DeviceId.eq(device.0));
                old.exec(&*db).await.map_err(unavailable)?;
                let row = entity::binding_report::new(org, device, *binding, report);
                row.insert(&*db).await.map_err(unavailable)?;
            }
            Ok(new)
        };
        let apply = move |mirror: &mut Mirror, new: &Vec<(Uuid, Arc<BindingReport>)>| {
            for (binding, report) in new {
                mirror.binding_reports.put(*binding, device, Arc::clone(report));
            }
        };
        // As with readings, what devices report is not audited.
        Ok(transaction.commit_unaudited(replace, apply).await?.len())
    }
}

/// Deletes the rows about a binding; there are none about other documents.
pub(in crate::store::catalog) async fn delete_binding_reports(
    db: &DbTransaction,
    binding: Uuid,
) -> Result<()> {
    use entity::binding_report::{Column, Entity};
    let old = Entity::delete_many().filter(Column::Binding.eq(binding.to_string()));
    old.exec(&**db).await.map_err(unavailable)?;
    Ok(())
}
