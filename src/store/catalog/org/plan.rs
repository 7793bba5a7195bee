//! The plans that organizations have chosen, and what of theirs is counted.

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};

use super::OrgCatalog;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::{OrgId, Principal, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::org_plan::{ActiveModel, Column, Entity};
use crate::store::catalog::transaction::DbTransaction;
use crate::store::catalog::visibility::require_unrestricted;

/// Ids by which files of the lake are attributed to an organization, each list ascending.
#[derive(Debug, Clone, Default)]
pub struct OwnedIds {
    /// Streams of the organization.
    pub streams: Vec<i32>,
    /// Streams of every organization.
    pub all_streams: Vec<i32>,
    /// Devices of the organization.
    pub devices: Vec<i32>,
    /// Devices of every organization.
    pub all_devices: Vec<i32>,
}

impl OrgCatalog {
    /// Name of the plan that the principal's organization has chosen, if it has.
    ///
    /// # Errors
    /// `Forbidden` for a restricted principal.
    pub fn plan_name(&self, who: &Principal) -> Result<Option<String>> {
        require_unrestricted(who)?;
        Ok(self.core.mirror.read().plans.get(&who.org).cloned())
    }

    /// Chooses the plan of the principal's organization.
    ///
    /// # Errors
    /// `Forbidden` for a restricted principal.
    pub async fn choose_plan(&self, who: &Principal, plan: String) -> Result<()> {
        require_unrestricted(who)?;
        let (org, now) = (who.org, self.core.clock.now());
        let transaction = self.core.begin_transaction().await?;
        let choose = async move |db: DbTransaction| {
            let old = Entity::delete_many().filter(Column::OrgId.eq(org.0));
            old.exec(&*db).await.map_err(unavailable)?;
            let row = ActiveModel {
                org_id: Set(org.0),
                plan: Set(plan.clone()),
                chosen_at: Set(now.0),
                ..Default::default()
            };
            row.insert(&*db).await.map_err(unavailable)?;
            Ok(plan)
        };
        let audit = move |_: &String| AuditChange::new(Action::Update, "plan", org.0);
        transaction
            .commit_change(who, choose, audit, move |mirror, plan| {
                mirror.plans.insert(org, plan.clone());
            })
            .await
            .map(drop)
    }

    /// Number of devices of the principal's organization.
    ///
    /// # Errors
    /// `Forbidden` for a restricted principal.
    pub fn device_count(&self, who: &Principal) -> Result<usize> {
        require_unrestricted(who)?;
        Ok(self.core.mirror.read().devices.count_of(who.org))
    }

    /// Bytes of the uploaded objects of the principal's organization.
    ///
    /// # Errors
    /// `Forbidden` for a restricted principal.
    pub fn object_bytes(&self, who: &Principal) -> Result<u64> {
        require_unrestricted(who)?;
        Ok(self.core.mirror.read().objects.bytes_of(who.org))
    }

    /// Ids of an organization's streams and devices, and of all.
    pub fn owned_ids(&self, org: OrgId) -> OwnedIds {
        let mirror = self.core.mirror.read();
        let mut ids = OwnedIds::default();
        for stream in mirror.streams().all() {
            ids.all_streams.push(stream.id.0);
            if stream.org == org {
                ids.streams.push(stream.id.0);
            }
        }
        for device in mirror.devices.all() {
            ids.all_devices.push(device.id.0);
            if device.org == org {
                ids.devices.push(device.id.0);
            }
        }
        drop(mirror);
        let OwnedIds { streams, all_streams, devices, all_devices } = &mut ids;
        [streams, all_streams, devices, all_devices].into_iter().for_each(|list| list.sort_unstable());
        ids
    }
}
