//! Quotas of organizations: limits on row counts and on memory in the mirror.

use std::ops::AddAssign;

use crate::domain::alert::rule::AlertRuleSpec;
use crate::domain::client::ClientSpec;
use crate::domain::device::DeviceSpec;
use crate::domain::document::DocumentSpec;
use crate::domain::group::GroupSpec;
use crate::domain::key::KeySpec;
use crate::domain::product::ProductSpec;
use crate::domain::stream::StreamSpec;
use crate::domain::topology::Topology;
use crate::domain::{Error, Kind, Micros, OrgId, Result};
use crate::store::catalog::memory_size;
use crate::store::catalog::mirror::Mirror;

/// Limits of one organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrgLimits {
    pub devices: usize,
    pub streams: usize,
    pub groups: usize,
    /// Usable keys: revoked and expired ones do not count.
    pub keys: usize,
    pub products: usize,
    /// Usable clients: revoked ones do not count.
    pub clients: usize,
    /// Documents of the MK platform: sites, components, profiles, alert rules and others.
    pub documents: usize,
    /// Annotations, which are on the disk alone.
    pub annotations: usize,
    /// Estimated memory of all of these but annotations, bytes.
    pub memory: usize,
}

impl Default for OrgLimits {
    fn default() -> Self {
        Self {
            devices: 100_000,
            streams: 1_000_000,
            groups: 100_000,
            keys: 10_000,
            products: 10_000,
            clients: 1000,
            documents: 100_000,
            annotations: 1_000_000,
            memory: 256_000_000,
        }
    }
}

/// Numbers of rows that a change adds. A change that shrinks a row adds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::store::catalog) struct QuotaDelta {
    devices: usize,
    streams: usize,
    groups: usize,
    keys: usize,
    products: usize,
    clients: usize,
    documents: usize,
    bytes: usize,
}

impl QuotaDelta {
    pub(in crate::store::catalog) fn of_device(new: &DeviceSpec, stored: Option<&DeviceSpec>) -> Self {
        let bytes = memory_size::of_device(new).saturating_sub(stored.map_or(0, memory_size::of_device));
        Self { devices: usize::from(stored.is_none()), bytes, ..Self::default() }
    }

    pub(in crate::store::catalog) fn of_stream(new: &StreamSpec, stored: Option<&StreamSpec>) -> Self {
        let bytes = memory_size::of_stream(new).saturating_sub(stored.map_or(0, memory_size::of_stream));
        Self { streams: usize::from(stored.is_none()), bytes, ..Self::default() }
    }

    pub(in crate::store::catalog) fn of_group(new: &GroupSpec, stored: Option<&GroupSpec>) -> Self {
        let bytes = memory_size::of_group(new).saturating_sub(stored.map_or(0, memory_size::of_group));
        Self { groups: usize::from(stored.is_none()), bytes, ..Self::default() }
    }

    pub(in crate::store::catalog) fn of_key(new: &KeySpec) -> Self {
        Self { keys: 1, bytes: memory_size::of_key(new), ..Self::default() }
    }

    pub(in crate::store::catalog) fn of_product(new: &ProductSpec, stored: Option<&ProductSpec>) -> Self {
        let bytes = memory_size::of_product(new).saturating_sub(stored.map_or(0, memory_size::of_product));
        Self { products: usize::from(stored.is_none()), bytes, ..Self::default() }
    }

    pub(in crate::store::catalog) fn of_document(new: &DocumentSpec, stored: Option<&DocumentSpec>) -> Self {
        let bytes = memory_size::of_document(new).saturating_sub(stored.map_or(0, memory_size::of_document));
        Self { documents: usize::from(stored.is_none()), bytes, ..Self::default() }
    }

    /// A rule counts as a document.
    pub(in crate::store::catalog) fn of_alert_rule(
        new: &AlertRuleSpec,
        stored: Option<&AlertRuleSpec>,
    ) -> Self {
        let bytes_before = stored.map_or(0, memory_size::of_alert_rule);
        let bytes = memory_size::of_alert_rule(new).saturating_sub(bytes_before);
        Self { documents: usize::from(stored.is_none()), bytes, ..Self::default() }
    }

    /// Numbers of rows that the topology of a device adds.
    pub(in crate::store::catalog) fn of_topology(new: &Topology, stored: &Topology) -> Self {
        Self { bytes: new.heap_bytes().saturating_sub(stored.heap_bytes()), ..Self::default() }
    }

    pub(in crate::store::catalog) fn of_client(new: &ClientSpec) -> Self {
        Self { clients: 1, bytes: memory_size::of_client(new), ..Self::default() }
    }
}

impl AddAssign for QuotaDelta {
    fn add_assign(&mut self, other: Self) {
        self.devices += other.devices;
        self.streams += other.streams;
        self.groups += other.groups;
        self.keys += other.keys;
        self.products += other.products;
        self.clients += other.clients;
        self.documents += other.documents;
        self.bytes += other.bytes;
    }
}

/// Fails with `LimitReached`, naming the limit and its setting, when a change would exceed the organization's
/// quota.
pub(in crate::store::catalog) fn check_quota(
    limits: OrgLimits,
    now: Micros,
    mirror: &Mirror,
    org: OrgId,
    growth: QuotaDelta,
) -> Result<()> {
    let documents = mirror.documents.count_of(org) + mirror.alert_rules.count_of(org);
    let rows = [
        ("devices", growth.devices, mirror.devices.count_of(org), limits.devices),
        ("streams", growth.streams, mirror.streams().count_of(org), limits.streams),
        ("groups", growth.groups, mirror.groups.count_of(org), limits.groups),
        ("documents", growth.documents, documents, limits.documents),
        ("products", growth.products, mirror.products.count_of(org), limits.products),
    ];
    rows.into_iter()
        .try_for_each(|(name, new, used_bytes, most)| check_number(name, new, used_bytes, most))?;
    if growth.keys > 0 {
        check_number("keys", growth.keys, usable_keys(mirror, org, now), limits.keys)?;
    }
    if growth.clients > 0 {
        check_number("clients", growth.clients, usable_clients(mirror, org), limits.clients)?;
    }
    let used_bytes = mirror.bytes_of(org);
    if growth.bytes > 0 && used_bytes.saturating_add(growth.bytes) > limits.memory {
        let most = limits.memory;
        return Err(limit_reached(format!(
            "the organization's devices, data, groups, keys, products, clients and documents take {used_bytes} bytes of memory, and {most} is the most \
             (limits.organization_memory): delete some, or shorten their metadata"
        )));
    }
    Ok(())
}

fn check_number(name: &str, new: usize, count: usize, most: usize) -> Result<()> {
    if new > 0 && count.saturating_add(new) > most {
        let message = format!("the organization has {count} {name}, and {most} is the most (limits.{name})");
        return Err(limit_reached(message));
    }
    Ok(())
}

fn usable_keys(mirror: &Mirror, org: OrgId, now: Micros) -> usize {
    mirror.keys.rows_of(()).filter(|key| key.org == org && key.is_valid_at(now)).count()
}

fn usable_clients(mirror: &Mirror, org: OrgId) -> usize {
    mirror.clients.all().filter(|client| client.org == org && client.enabled).count()
}

pub(in crate::store::catalog) fn limit_reached(message: String) -> Error {
    Error::new(Kind::LimitReached, message)
}
