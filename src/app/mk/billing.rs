//! Billing: the plan of an organization and what it uses. Limits of a plan are shown and refuse nothing; what the server
//! refuses is bounded by the quotas of organizations.

use std::sync::Arc;

use super::access::MkAccess;
use crate::app::core_parts::CoreParts;
use crate::domain::billing::{BillingPeriod, Plan, UNLIMITED};
use crate::domain::mk_role::MkPermission;
use crate::domain::{Clock, Error, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Usage of an organization since the period began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillingUsage {
    pub period: BillingPeriod,
    /// Devices that exist now.
    pub devices: usize,
    /// Readings accepted in the period.
    pub readings: u64,
    /// Bytes on disk now: readings, statistics and messages that were flushed, and uploaded files.
    pub storage_bytes: u64,
}

/// The plans of organizations, and what each uses.
pub struct Billing {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    /// Plans that may be chosen besides `unlimited`.
    plans: Vec<Plan>,
}

impl Billing {
    pub(super) fn new(parts: &CoreParts, plans: &[Plan]) -> Self {
        Self { store: parts.store.clone(), clock: parts.clock.clone(), plans: plans.to_owned() }
    }

    /// Returns the plan of the principal's organization. One that is not configured any more is `unlimited`.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`, and for a restricted principal.
    pub fn plan(&self, principal: &Principal) -> Result<Plan> {
        principal.require(Scope::read(Resource::Device))?;
        let chosen = self.store.catalog().orgs.plan_name(principal)?;
        let known = chosen.and_then(|name| self.known_plans().find(|plan| plan.name == name));
        Ok(known.unwrap_or_else(Plan::unlimited))
    }

    /// Returns every plan, `unlimited` first.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`.
    pub fn plans(&self, principal: &Principal) -> Result<Vec<Plan>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.known_plans().collect())
    }

    /// Chooses the plan of the caller's organization, as its owner.
    ///
    /// # Errors
    /// `Forbidden` for anybody but the owner; `Invalid` for a plan that does not exist.
    pub async fn choose_plan(&self, access: &MkAccess, name: &str) -> Result<Plan> {
        access.require(MkPermission::Own)?;
        access.principal.require(Scope::write(Resource::System))?;
        let Some(plan) = self.known_plans().find(|plan| plan.name == name) else {
            let names: Vec<_> = self.known_plans().map(|plan| plan.name).collect();
            return Err(Error::field("plan", format!("must be one of {}", names.join(", "))));
        };
        self.store.catalog().orgs.choose_plan(&access.principal, plan.name.clone()).await?;
        Ok(plan)
    }

    /// Returns what the principal's organization uses, and the current period.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`, and for a restricted principal.
    pub async fn billing_usage(&self, principal: &Principal) -> Result<BillingUsage> {
        principal.require(Scope::read(Resource::Device))?;
        let catalog = self.store.catalog();
        let now = self.clock.now();
        let devices = catalog.orgs.device_count(principal)?;
        let objects = catalog.orgs.object_bytes(principal)?;
        let (store, org) = (self.store.clone(), principal.org);
        // Of a large lake it takes milliseconds.
        let lake = tokio::task::spawn_blocking(move || store.lake_bytes(org)).await;
        let lake = lake.map_err(|e| Error::internal("the use of storage was not computed").with_source(e))?;
        Ok(BillingUsage {
            period: BillingPeriod::of(now),
            devices,
            readings: catalog.orgs.readings_of_month(principal, now),
            storage_bytes: lake.saturating_add(objects),
        })
    }

    fn known_plans(&self) -> impl Iterator<Item = Plan> {
        let configured = self.plans.iter().filter(|plan| plan.name != UNLIMITED);
        std::iter::once(Plan::unlimited()).chain(configured.cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::mk::device::PlatformDevice;
    use crate::app::test_app;
    use crate::domain::Kind;
    use crate::domain::mk_role::MkRole;

    fn access(principal: &Principal, role: MkRole) -> MkAccess {
        MkAccess { principal: principal.clone(), role, actor: "someone".to_owned() }
    }

    #[tokio::test]
    async fn the_plan_is_the_owners_choice() {
        let (_dir, app) = test_app::open().await;
        let who = app.access.system(None).unwrap();
        assert_eq!(app.mk.billing.plan(&who).unwrap(), Plan::unlimited());
        assert_eq!(app.mk.billing.plans(&who).unwrap(), [Plan::unlimited()]);
        let refused = app.mk.billing.choose_plan(&access(&who, MkRole::Admin), UNLIMITED).await;
        assert_eq!(refused.unwrap_err().kind, Kind::Forbidden);
        let owner = access(&who, MkRole::Owner);
        let unknown = app.mk.billing.choose_plan(&owner, "starter").await.unwrap_err();
        assert_eq!(unknown.fields[0].message, "must be one of unlimited");
        assert_eq!(app.mk.billing.choose_plan(&owner, UNLIMITED).await.unwrap(), Plan::unlimited());
        // It was configured once.
        app.parts.store.catalog().orgs.choose_plan(&who, "starter".to_owned()).await.unwrap();
        assert_eq!(app.mk.billing.plan(&who).unwrap(), Plan::unlimited());
    }

    #[tokio::test]
    async fn what_is_used_is_counted_and_written() {
        let (_dir, app) = test_app::open().await;
        let who = app.access.system(None).unwrap();
        let before = app.mk.billing.billing_usage(&who).await.unwrap();
        let new = PlatformDevice { name: "a".to_owned(), ..Default::default() };
        app.mk.devices.create_platform_device(&who, new).await.unwrap();
        app.parts.store.catalog().orgs.count_readings(who.org, 3);
        app.parts.store.catalog().orgs.save_reading_counts().await.unwrap();
        app.parts.store.catalog().orgs.count_readings(who.org, 2);
        let after = app.mk.billing.billing_usage(&who).await.unwrap();
        assert_eq!((after.devices - before.devices, after.readings - before.readings), (1, 5));
        assert!(after.period.start <= app.parts.clock.now() && app.parts.clock.now() < after.period.end);
    }
}
