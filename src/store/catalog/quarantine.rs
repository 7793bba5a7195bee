//! Quarantined readings. They are read from the database and not mirrored: an organization may have thousands of them.
//!
//! Each organization keeps at most [`MAX_ROWS_PER_ORG`] rows and [`MAX_BYTES_PER_ORG`] of text: the oldest make room for
//! the newest, so that a device that sends nonsense delays and refuses no reading.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use std::sync::Arc;
use uuid::Uuid;

use super::catalog_core::CatalogCore;
use super::database::unavailable;
use super::entity::quarantine::{self, Column, Entity};
use super::transaction::DbTransaction;
use super::visibility::VisibleCatalog;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::pagination::Pagination;
use crate::domain::quarantine::{QuarantineEntry, QuarantineFilter, QuarantineRecord};
use crate::domain::{Error, Micros, OrgId, Principal, Result};

/// Maximum quarantined readings of an organization.
pub const MAX_ROWS_PER_ORG: i64 = 10_000;
/// Maximum bytes of their texts.
pub const MAX_BYTES_PER_ORG: i64 = 64 << 20;
/// Rows inserted by one statement: databases limit the number of parameters.
const INSERTED_AT_ONCE: usize = 500;
/// Rows that are looked at together to make room.
const REMOVED_AT_ONCE: u64 = 500;

/// Readings of an organization in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Usage {
    rows: i64,
    bytes: i64,
}

impl Usage {
    fn is_within_bounds(self) -> bool {
        self.rows <= MAX_ROWS_PER_ORG && self.bytes <= MAX_BYTES_PER_ORG
    }

    /// Whether a tenth is free: room is made for many rows at a time.
    fn has_room(self) -> bool {
        self.rows <= MAX_ROWS_PER_ORG / 10 * 9 && self.bytes <= MAX_BYTES_PER_ORG / 10 * 9
    }
}

/// Messages that could not be stored, until somebody deletes them.
pub struct QuarantineCatalog {
    core: Arc<CatalogCore>,
}

impl QuarantineCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Stores readings that were not accepted, durable on return. The oldest rows of the organization beyond its bounds
    /// are removed.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer; nothing is stored then.
    pub async fn quarantine(&self, who: &Principal, entries: Vec<QuarantineEntry>) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        let rows: Vec<quarantine::ActiveModel> = {
            let visible = transaction.visible_to(who);
            entries.into_iter().map(|entry| quarantine::new(who.org, known(&visible, entry))).collect()
        };
        let org = who.org;
        let insert = async move |db: DbTransaction| {
            for some in rows.chunks(INSERTED_AT_ONCE) {
                Entity::insert_many(some.to_vec()).exec(&*db).await.map_err(unavailable)?;
            }
            make_room(&db, org).await
        };
        transaction.commit_unaudited(insert, |_, ()| ()).await
    }

    /// Returns the visible rows that pass the filter.
    pub async fn quarantined(
        &self,
        who: &Principal,
        filter: &QuarantineFilter,
    ) -> Result<Vec<QuarantineRecord>> {
        let Some(seen) = self.visible_quarantine(who, filter) else { return Ok(Vec::new()) };
        let order = if filter.newest_first { Order::Desc } else { Order::Asc };
        let sql_int = |n: usize| u64::try_from(n).unwrap_or(u64::MAX).min(i64::MAX as u64);
        let rows = Entity::find()
            .filter(seen)
            .order_by(Column::ReceivedAt, order.clone())
            .order_by(Column::Id, order)
            .offset(sql_int(filter.page.offset))
            .limit(sql_int(filter.page.limit));
        let rows = rows.all(&self.core.db).await.map_err(unavailable)?;
        rows.into_iter().map(QuarantineRecord::try_from).collect()
    }

    /// Number of visible rows that pass the filter, regardless of paging.
    pub async fn count_quarantined(&self, who: &Principal, filter: &QuarantineFilter) -> Result<u64> {
        let all = QuarantineFilter { after: None, page: Pagination::ALL, ..filter.clone() };
        let Some(seen) = self.visible_quarantine(who, &all) else { return Ok(0) };
        Entity::find().filter(seen).count(&self.core.db).await.map_err(unavailable)
    }

    /// Returns a quarantined reading; `NotFound` when it is absent or not visible.
    pub async fn quarantined_by_uuid(&self, who: &Principal, uuid: Uuid) -> Result<QuarantineRecord> {
        let row = read(&self.core.db, uuid).await?;
        if sees(who, &row) { Ok(row) } else { Err(Error::hidden()) }
    }

    /// Removes a quarantined reading; `NotFound` when it is absent or not visible.
    pub async fn delete_quarantined(&self, who: &Principal, uuid: Uuid) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        let row = read(&transaction.db, uuid).await?;
        if !sees(who, &row) {
            return Err(Error::hidden());
        }
        let id = row.id.0;
        let delete = async move |db: DbTransaction| {
            Entity::delete_by_id(id).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let audit = move |(): &()| AuditChange::new(Action::Delete, "quarantine", id);
        transaction.commit_change(who, delete, audit, |_, ()| ()).await
    }

    /// Removes the rows of every organization that arrived before a time.
    pub async fn purge_quarantine(&self, before: Micros) -> Result<()> {
        let purge = async move |db: DbTransaction| {
            let old = Entity::delete_many().filter(Column::ReceivedAt.lt(before.0));
            old.exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        self.core.begin_transaction().await?.commit_unaudited(purge, |_, ()| ()).await
    }

    /// The visibility condition and the filter; `None` when nothing that passes the filter is visible.
    fn visible_quarantine(&self, who: &Principal, filter: &QuarantineFilter) -> Option<Condition> {
        let visible = self.core.visible_to(who);
        let mut seen = Condition::all().add(Column::OrgId.eq(who.org.0));
        if let Some(devices) = &who.devices {
            seen = seen.add(Column::DeviceId.is_in(devices.iter().map(|device| device.0)));
        } else if who.is_restricted() {
            // A payload can hold values of all streams of its device.
            return None;
        }
        if let Some(device) = filter.device {
            visible.device(device).ok()?;
            seen = seen.add(Column::DeviceId.eq(device.0));
        }
        if let Some(reason) = filter.reason {
            seen = seen.add(Column::Reason.eq(reason.name()));
        }
        if let Some(from) = filter.from {
            seen = seen.add(Column::ReceivedAt.gte(from.0));
        }
        if let Some(to) = filter.to {
            seen = seen.add(Column::ReceivedAt.lt(to.0));
        }
        if let Some((received_at, id)) = filter.after {
            let later = |column: Column, value: sea_orm::Value| {
                if filter.newest_first { column.lt(value) } else { column.gt(value) }
            };
            let same_time = Condition::all()
                .add(Column::ReceivedAt.eq(received_at.0))
                .add(later(Column::Id, id.0.into()));
            let after = Condition::any().add(later(Column::ReceivedAt, received_at.0.into())).add(same_time);
            seen = seen.add(after);
        }
        Some(seen)
    }
}

/// Leaves out the device and the stream that are gone, or that the principal does not see.
fn known(visible: &VisibleCatalog, entry: QuarantineEntry) -> QuarantineEntry {
    QuarantineEntry {
        device: entry.device.filter(|device| visible.device(*device).is_ok()),
        stream: entry.stream.filter(|stream| visible.stream(*stream).is_ok()),
        ..entry
    }
}

fn sees(who: &Principal, row: &QuarantineRecord) -> bool {
    let is_own = |device| who.owns_device(row.org, device);
    row.org == who.org && (!who.is_restricted() || row.entry.device.is_some_and(is_own))
}

async fn read(db: &impl ConnectionTrait, uuid: Uuid) -> Result<QuarantineRecord> {
    let row = Entity::find().filter(Column::Uuid.eq(uuid.to_string())).one(db).await;
    row.map_err(unavailable)?.ok_or_else(Error::not_found)?.try_into()
}

/// Removes the oldest rows of an organization that is beyond its bounds.
async fn make_room(db: &DbTransaction, org: OrgId) -> Result<()> {
    let mut usage = usage(db, org).await?;
    if usage.is_within_bounds() {
        return Ok(());
    }
    while !usage.has_room() {
        let oldest = Entity::find()
            .select_only()
            .column(Column::Id)
            .column(Column::Bytes)
            .filter(Column::OrgId.eq(org.0))
            .order_by_asc(Column::Id)
            .limit(REMOVED_AT_ONCE)
            .into_tuple::<(i32, i64)>();
        let oldest = oldest.all(&**db).await.map_err(unavailable)?;
        let mut last = None;
        for (id, bytes) in oldest {
            if usage.has_room() {
                break;
            }
            usage = Usage { rows: usage.rows - 1, bytes: usage.bytes - bytes };
            last = Some(id);
        }
        let Some(last) = last else { break };
        let gone = Entity::delete_many().filter(Column::OrgId.eq(org.0)).filter(Column::Id.lte(last));
        gone.exec(&**db).await.map_err(unavailable)?;
    }
    Ok(())
}

async fn usage(db: &DbTransaction, org: OrgId) -> Result<Usage> {
    // Cast, because PostgreSQL sums integers of 64 bits to decimals.
    let all = Entity::find()
        .select_only()
        .expr_as(Expr::cust("CAST(count(*) AS BIGINT)"), "all_rows")
        .expr_as(Expr::cust("CAST(coalesce(sum(bytes), 0) AS BIGINT)"), "all_bytes")
        .filter(Column::OrgId.eq(org.0))
        .into_tuple::<(i64, i64)>();
    let (rows, bytes) = all.one(&**db).await.map_err(unavailable)?.unwrap_or_default();
    Ok(Usage { rows, bytes })
}
