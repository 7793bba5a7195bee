//! Retention policies: at most one per table, for the organization and for each stream. They are applied elsewhere.

use std::sync::Arc;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, Set,
};

use super::RetentionCatalog;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::policy::{Policy, PolicyTable};
use crate::domain::{Error, Principal, Result, StreamId};
use crate::store::catalog::database::{unavailable, write_error};
use crate::store::catalog::transaction::DbTransaction;
use crate::store::catalog::visibility::{VisibleCatalog, require_unrestricted};
use crate::store::catalog::{entity, not_unique};

impl RetentionCatalog {
    /// Policies of a stream, or of the organization itself, in the order of `PolicyTable::ALL`.
    pub fn policies(&self, who: &Principal, stream: Option<StreamId>) -> Result<Vec<Arc<Policy>>> {
        let visible = self.core.visible_to(who);
        let all = PolicyTable::ALL.into_iter().map(|table| visible.policy(table, stream));
        all.filter_map(|policy| policy.map(|found| found.cloned()).transpose()).collect()
    }

    /// Creates or replaces a policy; returns whether it is new. `drop_after_s` must be at least 1.
    pub async fn set_policy(
        &self,
        who: &Principal,
        table: PolicyTable,
        stream: Option<StreamId>,
        drop_after_s: i64,
    ) -> Result<(Arc<Policy>, bool)> {
        if drop_after_s < 1 {
            let message = "Ensure this value is greater than or equal to 1.";
            return Err(Error::field("drop_after_seconds", message));
        }
        let transaction = self.core.begin_transaction().await?;
        let policy = Policy { org: who.org, table, stream, drop_after_s };
        let is_new = stored(&transaction.visible_to(who), table, stream)?.is_none();
        let set = async move |db: DbTransaction| {
            write(&*db, &policy, is_new).await.map_err(|e| write_error(e, || not_unique("hypertable")))?;
            Ok((Arc::new(policy), is_new))
        };
        let audit = move |(_, is_new): &(Arc<Policy>, bool)| {
            audit_change(if *is_new { Action::Create } else { Action::Update }, table, stream)
        };
        transaction
            .commit_change(who, set, audit, |mirror, (policy, _)| mirror.put_policy(Arc::clone(policy)))
            .await
    }

    /// Removes a policy; returns whether there was one.
    pub async fn remove_policy(
        &self,
        who: &Principal,
        table: PolicyTable,
        stream: Option<StreamId>,
    ) -> Result<bool> {
        let transaction = self.core.begin_transaction().await?;
        let Some(policy) = stored(&transaction.visible_to(who), table, stream)? else { return Ok(false) };
        let org = policy.org;
        let remove = async move |db: DbTransaction| {
            entity::policy::Entity::delete_many()
                .filter(policy_condition(&policy))
                .exec(&*db)
                .await
                .map_err(unavailable)?;
            Ok(true)
        };
        let audit = move |_: &bool| audit_change(Action::Delete, table, stream);
        transaction
            .commit_change(who, remove, audit, move |mirror, _| mirror.remove_policy(org, table, stream))
            .await
    }

    /// Every policy of every organization, unordered.
    #[cfg(test)]
    pub fn all_policies(&self) -> Vec<Arc<Policy>> {
        self.core.mirror.read().policies().cloned().collect()
    }
}

/// The current policy, if the principal may change it.
fn stored(
    visible: &VisibleCatalog,
    table: PolicyTable,
    stream: Option<StreamId>,
) -> Result<Option<Arc<Policy>>> {
    if stream.is_none() {
        require_unrestricted(visible.who)?;
    }
    Ok(visible.policy(table, stream)?.cloned())
}

/// The audit row of a policy names its stream, if any, and its table.
fn audit_change(action: Action, table: PolicyTable, stream: Option<StreamId>) -> AuditChange {
    AuditChange::new(action, "policy", stream.map(|id| id.0)).with(vec![table.name()])
}

async fn write(db: &impl ConnectionTrait, policy: &Policy, is_new: bool) -> std::result::Result<(), DbErr> {
    if is_new {
        entity::policy::new(policy).insert(db).await?;
        return Ok(());
    }
    let change = entity::policy::ActiveModel { drop_after_s: Set(policy.drop_after_s), ..Default::default() };
    entity::policy::Entity::update_many().set(change).filter(policy_condition(policy)).exec(db).await?;
    Ok(())
}

fn policy_condition(policy: &Policy) -> Condition {
    use entity::policy::Column;
    let of_table =
        Condition::all().add(Column::OrgId.eq(policy.org.0)).add(Column::Hypertable.eq(policy.table.name()));
    match policy.stream {
        Some(stream) => of_table.add(Column::StreamId.eq(stream.0)),
        None => of_table.add(Column::StreamId.is_null()),
    }
}
