//! Audit log. A change is recorded in its own transaction (`transaction`); denied accesses are counted in memory and
//! written within seconds, or before anybody reads. Rows are deleted by age only, never individually.

pub(super) mod actor;
pub(super) mod denied_access;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Set,
};
use std::sync::Arc;

use self::actor::AuditActor;
use self::denied_access::{DenialCounts, DenialKey, PendingDenial};
use super::catalog_core::CatalogCore;
use super::database::unavailable;
use super::entity;
use super::entity::audit::{ActiveModel, Column, Entity};
use super::transaction::DbTransaction;
use crate::domain::audit::{AccessDenial, AuditChange, AuditFilter, AuditRecord, RequestOrigin};
use crate::domain::caller::Caller;
use crate::domain::{Micros, Principal, Result};
use parking_lot::Mutex;

/// The audit log, and denied accesses that are to be written to it.
pub struct AuditCatalog {
    core: Arc<CatalogCore>,
    /// Denied accesses not yet written to the database.
    denials: Mutex<DenialCounts>,
}

impl CatalogCore {
    pub(super) fn may_read_audit_log(&self, who: &Principal) -> bool {
        !who.is_restricted() && (self.is_superuser(who) || matches!(who.caller, Caller::Key(_)))
    }
}

impl AuditCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core, denials: Default::default() }
    }

    /// Records something done outside of the catalog; durable on return.
    pub async fn append_audit(&self, who: &Principal, change: AuditChange) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        transaction.commit_change(who, async move |_| Ok(()), move |()| change, |_, ()| ()).await
    }

    /// Counts a denied access in memory: a denial must not cost a write.
    pub fn count_denial(&self, origin: &RequestOrigin, refusal: AccessDenial) {
        let who = origin.who.get().copied();
        let same = DenialKey {
            org: who.map(|(org, _)| org),
            caller: who.map(|(_, caller)| caller),
            address: origin.address,
            refusal,
            request: origin.request.clone(),
        };
        self.denials.lock().count(same, &origin.request_id, self.core.clock.now());
    }

    /// Writes the denials counted since the last call, also on a follower. On failure they are kept for the next call.
    pub async fn save_denials(&self) -> Result<()> {
        let transaction = self.core.begin_on_any_node().await?;
        let due = self.denials.lock().take_unwritten(self.core.clock.now());
        if due.is_empty() {
            return Ok(());
        }
        let rows: Vec<(PendingDenial, AuditActor)> = {
            let mirror = transaction.mirror();
            let author = |same: &DenialKey| AuditActor::from_caller(same.org, same.caller, &mirror);
            due.iter().map(|due| (due.clone(), author(&due.key))).collect()
        };
        let saved = transaction.commit_unmirrored(async move |db| write(&db, rows).await).await;
        let mut refusals = self.denials.lock();
        match saved {
            Ok(ids) => due.iter().zip(ids).for_each(|(due, id)| refusals.mark_written(&due.key, id)),
            Err(error) => {
                refusals.put_back(due);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Returns the rows visible to the principal: those of its organization and, in the default organization, those
    /// of unknown callers. Restricted keys, and users who are not superusers, see only their own rows.
    pub async fn audit_log(&self, who: &Principal, filter: &AuditFilter) -> Result<Vec<AuditRecord>> {
        self.save_denials().await?;
        let seen = self.visible_audit_rows(who);
        let rows = select(filter).filter(seen).all(&self.core.db).await.map_err(unavailable)?;
        rows.into_iter().map(AuditRecord::try_from).collect()
    }

    /// Whether the principal may read the organization's whole log.
    pub fn may_read_audit_log(&self, who: &Principal) -> bool {
        self.core.may_read_audit_log(who)
    }

    /// Deletes rows older than `before`.
    pub async fn purge_audit_log(&self, before: Micros) -> Result<()> {
        let forget = async move |db: DbTransaction| {
            // A row whose last denial is old also began before, so the index on `ts` finds it.
            let old =
                Entity::delete_many().filter(Column::Ts.lt(before.0)).filter(Column::Until.lt(before.0));
            old.exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        self.core.begin_transaction().await?.commit_unaudited(forget, |_, ()| ()).await
    }

    fn visible_audit_rows(&self, who: &Principal) -> Condition {
        let of_org = Column::OrgId.eq(who.org.0);
        if !self.core.may_read_audit_log(who) {
            return Condition::all().add(of_org).add(Column::Actor.eq(who.caller.to_string()));
        }
        let seen = Condition::any().add(of_org);
        if who.org == self.core.default_org { seen.add(Column::OrgId.is_null()) } else { seen }
    }
}

/// Writes the denials; returns the ids of their rows.
async fn write(db: &DbTransaction, rows: Vec<(PendingDenial, AuditActor)>) -> Result<Vec<i32>> {
    let mut ids = Vec::with_capacity(rows.len());
    for (due, author) in rows {
        if let Some(id) = due.row {
            let more = sea_orm::sea_query::ExprTrait::add(Expr::col(Column::Count), due.count);
            let row = Entity::update_many().col_expr(Column::Count, more);
            let row = row.col_expr(Column::Until, Expr::value(due.last.0)).filter(Column::Id.eq(id));
            row.exec(&**db).await.map_err(unavailable)?;
            ids.push(id);
            continue;
        }
        let author = AuditActor {
            request: due.key.request,
            address: due.key.address.map(|address| address.to_string()),
            request_id: due.request_id,
            ..author
        };
        let row = ActiveModel {
            until: Set(due.last.0),
            action: Set("access".to_owned()),
            outcome: Set(due.key.refusal.name().to_owned()),
            count: Set(due.count),
            ..author.blank(due.first)
        };
        let row: entity::audit::Model = row.insert(&**db).await.map_err(unavailable)?;
        ids.push(row.id);
    }
    Ok(ids)
}

fn select(filter: &AuditFilter) -> sea_orm::Select<Entity> {
    let mut rows = Entity::find();
    if let Some(from) = filter.from {
        rows = rows.filter(Column::Ts.gte(from.0));
    }
    if let Some(to) = filter.to {
        rows = rows.filter(Column::Ts.lte(to.0));
    }
    if let Some(id) = filter.after {
        let next = if filter.newest_first { Column::Id.lt(id) } else { Column::Id.gt(id) };
        rows = rows.filter(next);
    }
    let order = if filter.newest_first { Order::Desc } else { Order::Asc };
    let sql_int = |n: usize| u64::try_from(n).unwrap_or(u64::MAX).min(i64::MAX as u64);
    rows.order_by(Column::Id, order).offset(sql_int(filter.page.offset)).limit(sql_int(filter.page.limit))
}
