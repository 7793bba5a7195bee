//! The audit log. A change is told in the transaction that makes it (`turn`); a refused access is counted in memory and
//! written within seconds, or before anybody reads. Rows go when they are old, never one by one.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Set,
};

use super::database::unavailable;
use super::entity::audit::{ActiveModel, Column, Entity};
use super::entity::to_json;
use super::mirror::Mirror;
use super::refusals::{Due, Same};
use super::turn::Work;
use super::{Catalog, entity};
use crate::domain::audit::{AuditFilter, Change, Origin, Record, Refusal};
use crate::domain::principal::Caller;
use crate::domain::{Micros, OrgId, Principal, Result};

/// Who a row is about, and where they asked from.
#[derive(Clone)]
pub(super) struct Author {
    org: Option<OrgId>,
    actor: Option<String>,
    name: Option<String>,
    request: String,
    address: Option<String>,
    request_id: String,
}

impl Author {
    pub(super) fn of(who: &Principal, mirror: &Mirror) -> Self {
        let origin = who.origin.as_deref();
        Self {
            request: origin.map(|o| o.request.clone()).unwrap_or_default(),
            address: origin.and_then(|o| o.address).map(|a| a.to_string()),
            request_id: origin.map(|o| o.request_id.clone()).unwrap_or_default(),
            ..Self::known(Some(who.org), Some(who.caller), mirror)
        }
    }

    fn known(org: Option<OrgId>, caller: Option<Caller>, mirror: &Mirror) -> Self {
        let name = match caller {
            Some(Caller::Key(id)) => mirror.keys.get(id).map(|key| key.spec.name.clone()),
            Some(Caller::User(id)) => mirror.users().get(id).map(|user| user.name.clone()),
            Some(Caller::Device(id)) => mirror.devices.get(id).map(|device| device.spec.name.clone()),
            Some(Caller::System) | None => None,
        };
        Self {
            org,
            actor: caller.map(|caller| caller.to_string()),
            name,
            request: String::new(),
            address: None,
            request_id: String::new(),
        }
    }

    /// The row of a change that is made now.
    pub(super) fn row(self, change: &Change, now: Micros) -> ActiveModel {
        ActiveModel {
            action: Set(change.action.name().to_owned()),
            kind: Set(Some(change.kind.to_owned())),
            row_id: Set(change.id),
            fields: Set(to_json(&change.fields)),
            outcome: Set("ok".to_owned()),
            ..self.blank(now)
        }
    }

    fn blank(self, now: Micros) -> ActiveModel {
        ActiveModel {
            ts: Set(now.0),
            until: Set(now.0),
            org_id: Set(self.org.map(|org| org.0)),
            actor: Set(self.actor),
            actor_name: Set(self.name),
            kind: Set(None),
            row_id: Set(None),
            fields: Set("[]".to_owned()),
            request: Set(self.request),
            address: Set(self.address),
            request_id: Set(self.request_id),
            count: Set(1),
            ..Default::default()
        }
    }
}

impl Catalog {
    /// Tells of something that was done outside of the catalog; it is durable when this returns.
    pub async fn audit(&self, who: &Principal, change: Change) -> Result<()> {
        let turn = self.turn().await?;
        turn.change(who, async move |_| Ok(()), move |()| change, |_, ()| ()).await
    }

    /// Counts a refused access, in memory: being refused must not cost a write.
    pub fn note_refusal(&self, origin: &Origin, refusal: Refusal) {
        let who = origin.who.get().copied();
        let same = Same {
            org: who.map(|(org, _)| org),
            caller: who.map(|(_, caller)| caller),
            address: origin.address,
            refusal,
            request: origin.request.clone(),
        };
        self.refusals.lock().note(same, &origin.request_id, self.clock.now());
    }

    /// Writes the refusals counted since the last time. Those that could not be written are kept for the next.
    pub async fn save_refusals(&self) -> Result<()> {
        let turn = self.turn().await?;
        let due = self.refusals.lock().take(self.clock.now());
        if due.is_empty() {
            return Ok(());
        }
        let rows: Vec<(Due, Author)> = {
            let mirror = turn.mirror();
            let author = |same: &Same| Author::known(same.org, same.caller, &mirror);
            due.iter().map(|due| (due.clone(), author(&due.same))).collect()
        };
        let saved = turn.run(async move |db| write(&db, rows).await, |_, _| ()).await;
        let mut refusals = self.refusals.lock();
        match saved {
            Ok(ids) => due.iter().zip(ids).for_each(|(due, id)| refusals.written(&due.same, id)),
            Err(error) => {
                refusals.put_back(due);
                return Err(error);
            }
        }
        Ok(())
    }

    /// The rows the principal may see: those of its organization, and, in the default one, those of nobody known. A key
    /// that is restricted, and a person who is no superuser, see their own.
    pub async fn audit_log(&self, who: &Principal, filter: &AuditFilter) -> Result<Vec<Record>> {
        self.save_refusals().await?;
        let seen = self.audit_seen(who);
        let rows = select(filter).filter(seen).all(&self.db).await.map_err(unavailable)?;
        rows.into_iter().map(Record::try_from).collect()
    }

    /// Whether the whole log of the organization is for this principal.
    pub fn may_audit(&self, who: &Principal) -> bool {
        !who.is_restricted() && (self.is_superuser(who) || matches!(who.caller, Caller::Key(_)))
    }

    /// Forgets rows that are older.
    pub async fn forget_audit(&self, before: Micros) -> Result<()> {
        let forget = async move |db: Work| {
            // Whose last refusal is old began before: by `ts` the index finds it.
            let old =
                Entity::delete_many().filter(Column::Ts.lt(before.0)).filter(Column::Until.lt(before.0));
            old.exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        self.turn().await?.run(forget, |_, ()| ()).await
    }

    fn audit_seen(&self, who: &Principal) -> Condition {
        let of_org = Column::OrgId.eq(who.org.0);
        if !self.may_audit(who) {
            return Condition::all().add(of_org).add(Column::Actor.eq(who.caller.to_string()));
        }
        let seen = Condition::any().add(of_org);
        if who.org == self.default_org { seen.add(Column::OrgId.is_null()) } else { seen }
    }
}

/// Writes each; the ids of their rows.
async fn write(db: &Work, rows: Vec<(Due, Author)>) -> Result<Vec<i32>> {
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
        let author = Author {
            request: due.same.request,
            address: due.same.address.map(|address| address.to_string()),
            request_id: due.request_id,
            ..author
        };
        let row = ActiveModel {
            until: Set(due.last.0),
            action: Set("access".to_owned()),
            outcome: Set(due.same.refusal.name().to_owned()),
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
