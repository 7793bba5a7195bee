//! In-memory index of one row type: by id, and by name within the owner, with counts per organization. It knows
//! neither database nor principal.

use std::collections::{BTreeSet, HashMap};
#[cfg(test)]
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use crate::domain::client::{Client, ClientApi};
use crate::domain::device::Device;
use crate::domain::group::Group;
use crate::domain::key::Key;
use crate::domain::org::{Org, User};
use crate::domain::product::Product;
use crate::domain::stream::Stream;
use crate::domain::{ClientId, DeviceId, GroupId, KeyId, OrgId, ProductId, StreamId, UserId};
use crate::store::catalog::memory_size::AccountedRow;

/// A row with an id and a name that is unique within its owner.
pub(in crate::store::catalog) trait Row: AccountedRow {
    type Id: Copy + Ord + Hash;
    /// `()` when the name is unique in the whole catalog.
    type Owner: Copy + Eq + Hash;

    fn id(&self) -> Self::Id;
    fn owner(&self) -> Self::Owner;
    fn unique_name(&self) -> &str;
}

/// All rows of one type. Every operation is at most logarithmic in their number, so filling the index is not
/// quadratic.
pub(in crate::store::catalog) struct NamedIndex<R: Row> {
    by_id: HashMap<R::Id, Arc<R>>,
    owners: HashMap<R::Owner, OwnerIndex<R::Id>>,
    orgs: HashMap<OrgId, OrgUsage>,
}

/// Row count and memory of one organization.
#[derive(Debug, Clone, Copy, Default)]
struct OrgUsage {
    rows: usize,
    bytes: usize,
}

/// Ids and names of one owner's rows.
struct OwnerIndex<Id> {
    ids: BTreeSet<Id>,
    names: HashMap<String, Id>,
}

impl<R: Row> Default for NamedIndex<R> {
    fn default() -> Self {
        Self { by_id: HashMap::new(), owners: HashMap::new(), orgs: HashMap::new() }
    }
}

impl<R: Row> NamedIndex<R> {
    pub(in crate::store::catalog) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Number of rows of an organization.
    pub(in crate::store::catalog) fn count_of(&self, org: OrgId) -> usize {
        self.orgs.get(&org).map_or(0, |usage| usage.rows)
    }

    /// Estimated memory of an organization's rows, bytes.
    pub(in crate::store::catalog) fn bytes_of(&self, org: OrgId) -> usize {
        self.orgs.get(&org).map_or(0, |usage| usage.bytes)
    }

    pub(in crate::store::catalog) fn get(&self, id: R::Id) -> Option<&Arc<R>> {
        self.by_id.get(&id)
    }

    pub(in crate::store::catalog) fn get_by_name(&self, owner: R::Owner, name: &str) -> Option<&Arc<R>> {
        let id = self.owners.get(&owner)?.names.get(name)?;
        self.by_id.get(id)
    }

    /// Ids of an owner's rows, ascending.
    pub(in crate::store::catalog) fn ids_of(&self, owner: R::Owner) -> impl Iterator<Item = R::Id> {
        self.owners.get(&owner).into_iter().flat_map(|owned| owned.ids.iter().copied())
    }

    /// An owner's rows, by id ascending.
    pub(in crate::store::catalog) fn rows_of(&self, owner: R::Owner) -> impl Iterator<Item = &Arc<R>> {
        self.ids_of(owner).filter_map(|id| self.by_id.get(&id))
    }

    /// Every row, unordered.
    pub(in crate::store::catalog) fn all(&self) -> impl Iterator<Item = &Arc<R>> {
        self.by_id.values()
    }

    /// Adds or replaces a row.
    pub(in crate::store::catalog) fn put(&mut self, row: Arc<R>) {
        self.remove(row.id());
        let owned = self
            .owners
            .entry(row.owner())
            .or_insert_with(|| OwnerIndex { ids: BTreeSet::new(), names: HashMap::new() });
        owned.ids.insert(row.id());
        owned.names.insert(row.unique_name().to_owned(), row.id());
        let usage = self.orgs.entry(row.org()).or_default();
        usage.rows += 1;
        usage.bytes += row.memory_bytes();
        self.by_id.insert(row.id(), row);
    }

    pub(in crate::store::catalog) fn remove(&mut self, id: R::Id) -> Option<Arc<R>> {
        let row = self.by_id.remove(&id)?;
        if let Some(owned) = self.owners.get_mut(&row.owner()) {
            owned.ids.remove(&id);
            owned.names.remove(row.unique_name());
            if owned.ids.is_empty() {
                self.owners.remove(&row.owner());
            }
        }
        if let Some(usage) = self.orgs.get_mut(&row.org()) {
            usage.rows -= 1;
            usage.bytes -= row.memory_bytes();
            if usage.rows == 0 {
                self.orgs.remove(&row.org());
            }
        }
        Some(row)
    }
}

#[cfg(test)]
impl<R: Row<Id: Debug, Owner: Debug>> NamedIndex<R> {
    /// Every entry beside the rows as text: the ids and names of owners, and what is counted of organizations.
    pub(in crate::store::catalog) fn entries(&self) -> Vec<String> {
        let ids = self.owners.iter().map(|(owner, owned)| format!("{owner:?} has {:?}", owned.ids));
        let names = self.owners.iter().flat_map(|(owner, owned)| {
            owned.names.iter().map(move |(name, id)| format!("{name:?} of {owner:?} is {id:?}"))
        });
        let counts = self.orgs.iter().map(|(org, usage)| format!("{org:?}: {usage:?}"));
        ids.chain(names).chain(counts).collect()
    }
}

macro_rules! row {
    ($($row:ident $id:ident, named by $($name:ident).+, within $owner:ty $(: $by:ident $(. $more:ident)*)?;)+) => {$(
        impl Row for $row {
            type Id = $id;
            type Owner = $owner;

            fn id(&self) -> $id {
                self.id
            }

            fn owner(&self) -> $owner {
                $(self.$by$(.$more)*)?
            }

            fn unique_name(&self) -> &str {
                &self.$($name).+
            }
        }
    )+};
}

row! {
    Org OrgId, named by slug, within ();
    User UserId, named by name, within ();
    Key KeyId, named by secret.prefix, within ();
    Client ClientId, named by secret.client_id, within ClientApi: spec.api;
    Product ProductId, named by spec.name, within OrgId: org;
    Device DeviceId, named by spec.name, within OrgId: org;
    Stream StreamId, named by spec.name, within DeviceId: spec.device;
    Group GroupId, named by spec.name, within OrgId: org;
}
