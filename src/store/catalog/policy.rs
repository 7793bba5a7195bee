//! Retention policies: at most one a table for the organization and for each stream. Applying them is not here.

use std::sync::Arc;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbErr, EntityTrait, QueryFilter, Set,
};

use super::database::{refused, unavailable};
use super::sight::{Sight, whole_org};
use super::turn::Work;
use super::{Catalog, entity, not_unique};
use crate::domain::audit::{Action, Change};
use crate::domain::policy::{Policy, PolicyTable};
use crate::domain::{Error, Principal, Result, StreamId};

impl Catalog {
    /// The policies of a stream, or of the organization itself, in the order of `PolicyTable::ALL`.
    pub fn policies(&self, who: &Principal, stream: Option<StreamId>) -> Result<Vec<Arc<Policy>>> {
        let sight = self.sight(who);
        let all = PolicyTable::ALL.into_iter().map(|table| sight.policy(table, stream));
        all.filter_map(|policy| policy.map(|found| found.cloned()).transpose()).collect()
    }

    /// Makes or replaces a policy; says whether it is new. `drop_after_s` is at least 1.
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
        let turn = self.turn().await?;
        let policy = Policy { org: who.org, table, stream, drop_after_s };
        let is_new = stored(&turn.sight(who), table, stream)?.is_none();
        let set = async move |db: Work| {
            write(&*db, &policy, is_new).await.map_err(|e| refused(e, || not_unique("hypertable")))?;
            Ok((Arc::new(policy), is_new))
        };
        let told = move |(_, is_new): &(Arc<Policy>, bool)| {
            told(if *is_new { Action::Create } else { Action::Update }, table, stream)
        };
        turn.change(who, set, told, |mirror, (policy, _)| mirror.put_policy(Arc::clone(policy))).await
    }

    /// Removes a policy; says whether there was one.
    pub async fn remove_policy(
        &self,
        who: &Principal,
        table: PolicyTable,
        stream: Option<StreamId>,
    ) -> Result<bool> {
        let turn = self.turn().await?;
        let Some(policy) = stored(&turn.sight(who), table, stream)? else { return Ok(false) };
        let org = policy.org;
        let remove = async move |db: Work| {
            entity::policy::Entity::delete_many()
                .filter(row_of(&policy))
                .exec(&*db)
                .await
                .map_err(unavailable)?;
            Ok(true)
        };
        let told = move |_: &bool| told(Action::Delete, table, stream);
        turn.change(who, remove, told, move |mirror, _| mirror.remove_policy(org, table, stream)).await
    }

    /// Every policy of every organization, in no order.
    #[cfg(test)]
    pub fn all_policies(&self) -> Vec<Arc<Policy>> {
        self.mirror.read().policies().cloned().collect()
    }
}

/// The policy as it stands, if the principal may change it.
fn stored(sight: &Sight, table: PolicyTable, stream: Option<StreamId>) -> Result<Option<Arc<Policy>>> {
    if stream.is_none() {
        whole_org(sight.who)?;
    }
    Ok(sight.policy(table, stream)?.cloned())
}

/// A policy is named by its stream, if it has one, and its table.
fn told(action: Action, table: PolicyTable, stream: Option<StreamId>) -> Change {
    Change::new(action, "policy", stream.map(|id| id.0)).with(vec![table.name()])
}

async fn write(db: &impl ConnectionTrait, policy: &Policy, is_new: bool) -> std::result::Result<(), DbErr> {
    if is_new {
        entity::policy::new(policy).insert(db).await?;
        return Ok(());
    }
    let change = entity::policy::ActiveModel { drop_after_s: Set(policy.drop_after_s), ..Default::default() };
    entity::policy::Entity::update_many().set(change).filter(row_of(policy)).exec(db).await?;
    Ok(())
}

fn row_of(policy: &Policy) -> Condition {
    use entity::policy::Column;
    let of_table =
        Condition::all().add(Column::OrgId.eq(policy.org.0)).add(Column::Hypertable.eq(policy.table.name()));
    match policy.stream {
        Some(stream) => of_table.add(Column::StreamId.eq(stream.0)),
        None => of_table.add(Column::StreamId.is_null()),
    }
}
