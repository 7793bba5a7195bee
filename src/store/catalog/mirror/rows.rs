//! Loads rows by their ids, and exchanges them in the mirror.

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::Mirror;
use super::named_index::{NamedIndex, Row};
use super::row_table::{POLICIES_OF_ORGS, RowIds, RowTable};
use crate::domain::device::Device;
use crate::domain::group::Group;
use crate::domain::org::{Org, User};
use crate::domain::policy::Policy;
use crate::domain::product::Product;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, GroupId, OrgId, ProductId, Result, StreamId, UserId};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::{device, floor, group, org, policy, product, stream, user};
use crate::store::table::Table;

/// Ids per query: few, because a device stored before the size limit may have many megabytes of metadata.
const IDS_AT_ONCE: usize = 64;

impl Mirror {
    /// Adds the rows with these ids, as far as they are there. `db` as for `load`.
    pub(super) async fn load_rows(&mut self, db: &impl ConnectionTrait, rows: &RowIds) -> Result<()> {
        for (table, ids) in rows.tables() {
            let ids: Vec<i32> = ids.iter().copied().collect();
            for some in ids.chunks(IDS_AT_ONCE) {
                self.load_some(db, table, some).await?;
            }
        }
        Ok(())
    }

    async fn load_some(&mut self, db: &impl ConnectionTrait, table: RowTable, ids: &[i32]) -> Result<()> {
        match table {
            RowTable::Devices => {
                for row in read::<device::Entity>(db, device::Column::Id, ids).await? {
                    self.devices.put(Arc::new(Device::try_from(row)?));
                }
            }
            RowTable::Floors => {
                for row in read::<floor::Entity>(db, floor::Column::SourceId, ids).await? {
                    self.put_floor(row.table()?, row.source_id, row.kept_from);
                }
            }
            RowTable::Groups => {
                for row in read::<group::Entity>(db, group::Column::Id, ids).await? {
                    self.groups.put(Arc::new(Group::from(row)));
                }
            }
            RowTable::Orgs => {
                for row in read::<org::Entity>(db, org::Column::Id, ids).await? {
                    self.orgs.put(Arc::new(Org::from(row)));
                }
            }
            RowTable::Policies => self.load_policies(db, ids).await?,
            RowTable::Products => {
                for row in read::<product::Entity>(db, product::Column::Id, ids).await? {
                    self.products.put(Arc::new(Product::try_from(row)?));
                }
            }
            RowTable::Streams => {
                for row in read::<stream::Entity>(db, stream::Column::Id, ids).await? {
                    self.put_stream(Arc::new(Stream::try_from(row)?));
                }
            }
            RowTable::Users => {
                for row in read::<user::Entity>(db, user::Column::Id, ids).await? {
                    self.users.put(Arc::new(User::from(row)));
                }
            }
        }
        Ok(())
    }

    async fn load_policies(&mut self, db: &impl ConnectionTrait, streams: &[i32]) -> Result<()> {
        let mut rows = read::<policy::Entity>(db, policy::Column::StreamId, streams).await?;
        if streams.contains(&POLICIES_OF_ORGS) {
            let of_orgs = policy::Entity::find().filter(policy::Column::StreamId.is_null());
            rows.extend(of_orgs.all(db).await.map_err(unavailable)?);
        }
        for row in rows {
            self.put_policy(Arc::new(Policy::try_from(row)?));
        }
        Ok(())
    }

    /// Exchanges the rows with these ids for those of `fresh`; a row that `fresh` does not have is gone. All are taken out
    /// before the first is put, because rows may have exchanged names, channels or pins.
    ///
    /// Unlike `put_user` and the methods that remove rows, it ends no session, touches no other row and raises no floor: where
    /// the database has done so, those rows have changed too.
    pub(in crate::store::catalog) fn exchange_rows(&mut self, fresh: &Mirror, rows: &RowIds) {
        if rows.is_empty() {
            return;
        }
        self.revision += 1;
        for (table, ids) in rows.tables() {
            self.take_rows(table, ids);
        }
        for (table, ids) in rows.tables() {
            self.put_rows(fresh, table, ids);
        }
    }

    fn take_rows(&mut self, table: RowTable, rows: &BTreeSet<i32>) {
        let ids = rows.iter().copied();
        match table {
            RowTable::Devices => ids.for_each(|id| self.devices.forget(DeviceId(id))),
            RowTable::Floors => {
                for (of, id) in ids.flat_map(|id| Table::ALL.map(|of| (of, id))) {
                    self.floors.remove(&(of, id));
                }
            }
            RowTable::Groups => remove_all(&mut self.groups, ids.map(GroupId)),
            RowTable::Orgs => remove_all(&mut self.orgs, ids.map(OrgId)),
            RowTable::Policies => {
                let id_of = |stream: Option<StreamId>| stream.map_or(POLICIES_OF_ORGS, |stream| stream.0);
                self.policies.retain(|(_, _, stream), _| !rows.contains(&id_of(*stream)));
            }
            RowTable::Products => remove_all(&mut self.products, ids.map(ProductId)),
            RowTable::Streams => ids.for_each(|id| drop(self.forget_stream(StreamId(id)))),
            RowTable::Users => remove_all(&mut self.users, ids.map(UserId)),
        }
    }

    fn put_rows(&mut self, fresh: &Mirror, table: RowTable, rows: &BTreeSet<i32>) {
        let ids = rows.iter().copied();
        match table {
            RowTable::Devices => {
                for device in ids.filter_map(|id| fresh.devices.get(DeviceId(id))) {
                    self.devices.put(Arc::clone(device));
                }
            }
            RowTable::Floors => {
                for ((of, source), kept_from) in &fresh.floors {
                    self.put_floor(*of, *source, *kept_from);
                }
            }
            RowTable::Groups => put_all(&mut self.groups, &fresh.groups, ids.map(GroupId)),
            RowTable::Orgs => put_all(&mut self.orgs, &fresh.orgs, ids.map(OrgId)),
            RowTable::Policies => {
                for policy in fresh.policies.values() {
                    self.put_policy(Arc::clone(policy));
                }
            }
            RowTable::Products => put_all(&mut self.products, &fresh.products, ids.map(ProductId)),
            RowTable::Streams => {
                for stream in ids.filter_map(|id| fresh.streams.get(StreamId(id))) {
                    self.put_stream(Arc::clone(stream));
                }
            }
            RowTable::Users => put_all(&mut self.users, &fresh.users, ids.map(UserId)),
        }
    }
}

/// Reads the rows whose column has one of these values.
async fn read<E: EntityTrait>(
    db: &impl ConnectionTrait,
    column: E::Column,
    values: &[i32],
) -> Result<Vec<E::Model>> {
    let rows = E::find().filter(column.is_in(values.iter().copied()));
    rows.all(db).await.map_err(unavailable)
}

fn remove_all<R: Row>(rows: &mut NamedIndex<R>, ids: impl Iterator<Item = R::Id>) {
    ids.for_each(|id| drop(rows.remove(id)));
}

/// Puts the rows of `fresh` with these ids.
fn put_all<R: Row>(rows: &mut NamedIndex<R>, fresh: &NamedIndex<R>, ids: impl Iterator<Item = R::Id>) {
    ids.filter_map(|id| fresh.get(id)).for_each(|row| rows.put(Arc::clone(row)));
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
