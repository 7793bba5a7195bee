//! Random changes of the rows that a follower loads one by one, through the catalog's own methods.

use std::collections::BTreeSet;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};

use super::access;
use super::alert;
use super::fixtures::*;
use super::registration;
use crate::domain::device::{Device, DeviceFilter, DeviceSpec, Protocol};
use crate::domain::inventory::{DeviceEntry, Inventory, StreamEntry};
use crate::domain::org::{NewUser, User, UserChange};
use crate::domain::pagination::Pagination;
use crate::domain::policy::PolicyTable;
use crate::domain::product::ProductSpec;
use crate::domain::stream::{Stream, StreamFilter, StreamSpec};
use crate::domain::{DeviceId, Error, Micros, Principal, Result, StreamId};
use crate::store::catalog::{Catalog, RetentionClock};
use crate::store::table::Table;

/// Few, so that rows take the names that others had.
const NAMES: u32 = 8;
/// Devices that an organization keeps, so that there is something to change.
const LEAST_DEVICES: usize = 4;

/// Makes changes that depend on a seed alone.
pub(super) struct RandomChanges<'a> {
    catalog: &'a Catalog,
    rng: StdRng,
    /// Makes unique what has to be so.
    number: u8,
}

/// Lists the kinds of changes, each a method.
macro_rules! kinds {
    ($($kind:ident),+ $(,)?) => {
        pub(super) const KINDS: &[&str] = &[$(stringify!($kind)),+];

        impl RandomChanges<'_> {
            async fn change(&mut self, kind: &str, who: &Principal) -> Result<()> {
                $(if kind == stringify!($kind) {
                    return self.$kind(who).await;
                })+
                unreachable!("{kind} is none of KINDS")
            }
        }
    };
}

kinds! {
    new_org, new_device, change_device, rename_device, swap_devices, delete_device, delete_tree,
    new_stream, change_stream, swap_stream_names, swap_pins, delete_stream,
    new_group, change_group, delete_group,
    new_user, change_user, log_in, delete_user,
    new_product, change_product, delete_product,
    set_policy, remove_policy, raise_floors,
    put_inventory, new_key, new_rule, new_certificate,
}

impl<'a> RandomChanges<'a> {
    pub(super) fn new(catalog: &'a Catalog, seed: u64) -> Self {
        Self { catalog, rng: StdRng::seed_from_u64(seed), number: 0 }
    }

    /// Every kind once, in any order.
    pub(super) fn round(&mut self) -> Vec<&'static str> {
        let mut kinds = KINDS.to_vec();
        kinds.shuffle(&mut self.rng);
        kinds
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    /// Makes a change of a kind; returns whether there was something to change, and no rule was against it.
    pub(super) async fn make(&mut self, kind: &str) -> bool {
        let orgs = self.catalog.orgs.orgs(&admin(self.catalog));
        let org = if self.chance(0.7) { orgs[0].id } else { orgs[orgs.len() - 1].id };
        match self.change(kind, &Principal::system(org)).await {
            Ok(()) => true,
            Err(error) => {
                assert!(!error.kind.is_our_fault(), "{kind}: {error}");
                false
            }
        }
    }

    fn name(&mut self) -> String {
        format!("n{}", self.rng.random_range(0..NAMES))
    }

    fn next_number(&mut self) -> u8 {
        self.number += 1;
        self.number
    }

    fn one<R: Clone>(&mut self, rows: &[R]) -> Result<R> {
        rows.choose(&mut self.rng).cloned().ok_or_else(Error::not_found)
    }

    fn two<R: Clone>(&mut self, rows: &[R]) -> Result<[R; 2]> {
        rows.choose_multiple_array(&mut self.rng).ok_or_else(Error::not_found)
    }

    /// One of some rows, or none.
    fn maybe<R: Clone>(&mut self, rows: &[R]) -> Option<R> {
        if self.chance(0.6) { rows.choose(&mut self.rng).cloned() } else { None }
    }

    fn devices(&self, who: &Principal) -> Vec<Arc<Device>> {
        self.catalog.devices.devices(who, &DeviceFilter::default())
    }

    fn streams(&self, who: &Principal) -> Vec<Arc<Stream>> {
        self.catalog.streams.streams(who, &StreamFilter::default())
    }

    fn device(&mut self, who: &Principal) -> Result<DeviceId> {
        let devices = self.devices(who);
        self.one(&devices).map(|device| device.id)
    }

    fn stream(&mut self, who: &Principal) -> Result<Arc<Stream>> {
        let streams = self.streams(who);
        self.one(&streams)
    }

    fn user(&mut self, who: &Principal) -> Result<Arc<User>> {
        let users = self.catalog.users.users(who);
        self.one(&users)
    }

    /// Two streams of one device.
    fn neighbours(&mut self, who: &Principal) -> Result<[Arc<Stream>; 2]> {
        let device = Some(self.stream(who)?.spec.device);
        let streams = self.catalog.streams.streams(who, &StreamFilter { device, ..StreamFilter::default() });
        self.two(&streams)
    }

    /// A device that may go.
    fn spare_device(&mut self, who: &Principal) -> Result<DeviceId> {
        let devices = self.devices(who);
        if devices.len() <= LEAST_DEVICES {
            return Err(Error::not_found());
        }
        self.one(&devices).map(|device| device.id)
    }

    /// Some of the streams.
    fn members(&mut self, who: &Principal) -> Vec<StreamId> {
        let mut ids: Vec<_> = self.streams(who).iter().map(|stream| stream.id).collect();
        ids.retain(|_| self.rng.random_bool(0.4));
        ids
    }

    async fn new_org(&mut self, who: &Principal) -> Result<()> {
        if self.catalog.orgs.org_count() > 1 {
            return Err(Error::not_found());
        }
        self.catalog.orgs.create_org(who, "other", "Other").await.map(drop)
    }

    fn device_spec(&mut self, who: &Principal) -> DeviceSpec {
        let (devices, users) = (self.devices(who), self.catalog.users.users(who));
        let products = self.catalog.products.products(who, Pagination::ALL);
        DeviceSpec {
            product: self.maybe(&products).map(|product| product.id),
            parent_device: self.maybe(&devices).map(|device| device.id),
            owner: self.maybe(&users).map(|user| user.name.clone()),
            ..DeviceSpec::new(self.name(), Protocol::Virtual)
        }
    }

    async fn new_device(&mut self, who: &Principal) -> Result<()> {
        let spec = self.device_spec(who);
        self.catalog.devices.create_device(who, spec).await.map(drop)
    }

    async fn change_device(&mut self, who: &Principal) -> Result<()> {
        let (id, new) = (self.device(who)?, self.device_spec(who));
        let change = move |spec: &mut DeviceSpec| {
            let name = spec.name.clone();
            *spec = DeviceSpec { name, ..new };
        };
        self.catalog.devices.update_device(who, id, change).await.map(drop)
    }

    async fn rename_device(&mut self, who: &Principal) -> Result<()> {
        let (id, name) = (self.device(who)?, self.name());
        self.catalog.devices.update_device(who, id, |spec| spec.name = name).await.map(drop)
    }

    async fn swap_devices(&mut self, who: &Principal) -> Result<()> {
        let devices = self.devices(who);
        let [one, other] = self.two(&devices)?;
        let (own, its) = (one.spec.name.as_str(), other.spec.name.as_str());
        for (id, name) in [(one.id, "swap"), (other.id, own), (one.id, its)] {
            self.catalog.devices.update_device(who, id, |spec| spec.name = name.to_owned()).await?;
        }
        Ok(())
    }

    async fn delete_device(&mut self, who: &Principal) -> Result<()> {
        let id = self.spare_device(who)?;
        self.catalog.devices.delete_device(who, id).await.map(drop)
    }

    async fn delete_tree(&mut self, who: &Principal) -> Result<()> {
        let id = self.spare_device(who)?;
        self.catalog.devices.delete_device_tree(who, id).await.map(drop)
    }

    async fn new_stream(&mut self, who: &Principal) -> Result<()> {
        let (device, groups) = (self.device(who)?, self.catalog.groups.groups(who, Pagination::ALL));
        let group = self.maybe(&groups).map(|group| group.id);
        let pin = self.maybe(&[0, 1, 2, 3, 4, 5]);
        let spec = StreamSpec { group, pin, ..StreamSpec::new(self.name(), device) };
        self.catalog.streams.create_stream(who, spec).await.map(drop)
    }

    async fn change_stream(&mut self, who: &Principal) -> Result<()> {
        let (id, groups) = (self.stream(who)?.id, self.catalog.groups.groups(who, Pagination::ALL));
        let (group, unit) = (self.maybe(&groups).map(|group| group.id), self.name());
        let interval = self.maybe(&[10, 60, 600]);
        let change = move |spec: &mut StreamSpec| {
            (spec.group, spec.unit, spec.statistics_interval_s) = (group, unit, interval);
        };
        self.catalog.streams.update_stream(who, id, change).await.map(drop)
    }

    async fn swap_stream_names(&mut self, who: &Principal) -> Result<()> {
        let [one, other] = self.neighbours(who)?;
        let (own, its) = (one.spec.name.as_str(), other.spec.name.as_str());
        for (id, name) in [(one.id, "swap"), (other.id, own), (one.id, its)] {
            self.catalog.streams.update_stream(who, id, |spec| spec.name = name.to_owned()).await?;
        }
        Ok(())
    }

    async fn swap_pins(&mut self, who: &Principal) -> Result<()> {
        let [one, other] = self.neighbours(who)?;
        for (id, pin) in [(one.id, 900), (other.id, one.pin()), (one.id, other.pin())] {
            self.catalog.streams.update_stream(who, id, |spec| spec.pin = Some(pin)).await?;
        }
        Ok(())
    }

    async fn delete_stream(&mut self, who: &Principal) -> Result<()> {
        let id = self.stream(who)?.id;
        self.catalog.streams.delete_stream(who, id).await
    }

    async fn new_group(&mut self, who: &Principal) -> Result<()> {
        let (name, members) = (self.name(), self.members(who));
        self.catalog.groups.create_group(who, group_spec(&name), members).await.map(drop)
    }

    async fn change_group(&mut self, who: &Principal) -> Result<()> {
        let groups = self.catalog.groups.groups(who, Pagination::ALL);
        let (id, name, members) = (self.one(&groups)?.id, self.name(), self.members(who));
        self.catalog.groups.update_group(who, id, |spec| spec.name = name, Some(members)).await.map(drop)
    }

    async fn delete_group(&mut self, who: &Principal) -> Result<()> {
        let groups = self.catalog.groups.groups(who, Pagination::ALL);
        let id = self.one(&groups)?.id;
        self.catalog.groups.delete_group(who, id).await
    }

    async fn new_user(&mut self, who: &Principal) -> Result<()> {
        let (name, password_hash) = (self.name(), "$1".to_owned());
        let user = NewUser { name, password_hash, is_staff: true, is_superuser: false, is_viewer: false };
        self.catalog.users.create_user(who, user).await.map(drop)
    }

    async fn change_user(&mut self, who: &Principal) -> Result<()> {
        let user = self.user(who)?;
        let change = UserChange { enabled: Some(!user.enabled), ..UserChange::default() };
        self.catalog.users.update_user(who, user.id, change).await.map(drop)
    }

    async fn log_in(&mut self, who: &Principal) -> Result<()> {
        let (user, token) = (self.user(who)?, self.next_number());
        let has_begun = access::begin(self.catalog, &user, token).await;
        has_begun.then_some(()).ok_or_else(Error::not_found)
    }

    async fn delete_user(&mut self, who: &Principal) -> Result<()> {
        let id = self.user(who)?.id;
        self.catalog.users.delete_user(who, id).await
    }

    async fn new_product(&mut self, who: &Principal) -> Result<()> {
        let products = self.catalog.products.products(who, Pagination::ALL);
        let parent = self.maybe(&products).map(|product| product.id);
        let spec = ProductSpec { parent, ..ProductSpec::new(self.name()) };
        self.catalog.products.create_product(who, spec).await.map(drop)
    }

    async fn change_product(&mut self, who: &Principal) -> Result<()> {
        let products = self.catalog.products.products(who, Pagination::ALL);
        let parent = self.maybe(&products).map(|product| product.id);
        let (id, name) = (self.one(&products)?.id, self.name());
        let change = move |spec: &mut ProductSpec| {
            (spec.parent, spec.name) = (parent, name);
        };
        self.catalog.products.update_product(who, id, change).await.map(drop)
    }

    async fn delete_product(&mut self, who: &Principal) -> Result<()> {
        let mut products = self.catalog.products.products(who, Pagination::ALL);
        products.retain(|product| !product.is_default);
        let id = self.one(&products)?.id;
        self.catalog.products.delete_product(who, id).await
    }

    async fn set_policy(&mut self, who: &Principal) -> Result<()> {
        let streams = self.streams(who);
        let stream = self.maybe(&streams).map(|stream| stream.id);
        let (table, seconds) = (self.one(&PolicyTable::ALL)?, self.rng.random_range(60..10_000_i64));
        self.catalog.retention.set_policy(who, table, stream, seconds).await.map(drop)
    }

    async fn remove_policy(&mut self, who: &Principal) -> Result<()> {
        let mut policies = self.catalog.retention.all_policies();
        policies.retain(|policy| policy.org == who.org);
        policies.sort_by_key(|policy| (policy.stream, policy.table.name()));
        let policy = self.one(&policies)?;
        self.catalog.retention.remove_policy(who, policy.table, policy.stream).await.map(drop)
    }

    async fn raise_floors(&mut self, who: &Principal) -> Result<()> {
        let streams: BTreeSet<i32> = self.streams(who).iter().map(|stream| stream.id.0).collect();
        let table = self.one(&[Table::Readings, Table::Statistics])?;
        let hours: i64 = self.rng.random_range(0..100);
        let now = Micros(START.0 + hours * 3_600_000_000);
        let when = RetentionClock { now, watermark: now.0 };
        self.catalog.retention.raise_retention_floors(table, &streams, when).await
    }

    /// Devices with streams and their group in one transaction.
    async fn put_inventory(&mut self, who: &Principal) -> Result<()> {
        let names: Vec<String> = (0..NAMES).map(|n| format!("n{n}")).collect();
        let mut devices = Vec::new();
        for name in self.two(&names)? {
            let spec = DeviceSpec::new(name.clone(), Protocol::Virtual);
            let streams = self.two(&names)?.map(|name| {
                let spec = StreamSpec::new(name.clone(), DeviceId(0));
                StreamEntry { spec, group: Some(name) }
            });
            let (spec, streams) = (Some(spec), streams.into());
            let (password, product, parent_device) = (None, None, None);
            devices.push(DeviceEntry { name, spec, password, product, parent_device, streams });
        }
        self.catalog.inventory.put_inventory(who, &Inventory { devices }).await.map(drop)
    }

    async fn new_key(&mut self, who: &Principal) -> Result<()> {
        let prefix = format!("k{}", self.next_number());
        self.catalog.keys.create_key(who, key_spec("k"), secret(&prefix)).await.map(drop)
    }

    async fn new_rule(&mut self, who: &Principal) -> Result<()> {
        let (name, stream) = (self.name(), self.stream(who)?.id);
        self.catalog.alerts.create_alert_rule(who, alert::spec(&name, stream), 7).await.map(drop)
    }

    async fn new_certificate(&mut self, who: &Principal) -> Result<()> {
        let (device, number) = (self.device(who)?, self.next_number());
        let certificate = registration::certificate(&format!("f{number}"), Micros(i64::MAX));
        self.catalog.provisioning.put_certificate(who, device, certificate).await.map(drop)
    }
}
