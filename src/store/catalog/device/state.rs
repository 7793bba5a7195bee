//! Changes of the states of devices. They are read from the database and not mirrored; nobody is told of a new one, because
//! collectors have told already.

use sea_orm::sea_query::Query;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect, Set,
};

use super::DeviceCatalog;
use crate::domain::device_history::{KEEP_US, MAX_CHANGES, StateChange};
use crate::domain::{DeviceId, Micros, Principal, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::device_state::{self, Column, Entity};
use crate::store::catalog::entity::server_heartbeat;
use crate::store::catalog::transaction::DbTransaction;

/// Rows inserted by one statement: databases limit the number of parameters.
const INSERTED_AT_ONCE: usize = 500;
/// Id of the only heartbeat.
const HEARTBEAT: i32 = 1;

impl DeviceCatalog {
    /// Returns the changes of a device in a range with the last one before it, in the order of their times; of more than
    /// [`MAX_CHANGES`] the newest.
    ///
    /// # Errors
    /// `NotFound` for a device that the principal does not see.
    pub async fn device_state_changes(
        &self,
        who: &Principal,
        device: DeviceId,
        from: Micros,
        to: Micros,
    ) -> Result<Vec<StateChange>> {
        self.device(who, device)?;
        let of_device = || Entity::find().filter(Column::DeviceId.eq(device.0));
        let newest_first =
            |rows: sea_orm::Select<Entity>| rows.order_by_desc(Column::At).order_by_desc(Column::Id);
        let within = of_device().filter(Column::At.gt(from.0)).filter(Column::At.lt(to.0));
        let within = newest_first(within).limit(MAX_CHANGES).all(&self.core.db).await.map_err(unavailable)?;
        let before = newest_first(of_device().filter(Column::At.lte(from.0)));
        let before = before.one(&self.core.db).await.map_err(unavailable)?;
        let is_whole = u64::try_from(within.len()).is_ok_and(|rows| rows < MAX_CHANGES);
        let rows = before.into_iter().filter(|_| is_whole).chain(within.into_iter().rev());
        rows.map(StateChange::try_from).collect()
    }

    /// Stores changes in their order. Those of devices that are no longer there are left out.
    ///
    /// # Errors
    /// `Unavailable`; nothing is stored then.
    pub async fn record_device_states(&self, changes: Vec<StateChange>) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        let rows: Vec<_> = {
            let mirror = transaction.mirror();
            let known = changes.into_iter().filter(|change| mirror.devices.get(change.device).is_some());
            known.map(device_state::new).collect()
        };
        let insert = async move |db: DbTransaction| {
            for some in rows.chunks(INSERTED_AT_ONCE) {
                Entity::insert_many(some.to_vec()).exec(&*db).await.map_err(unavailable)?;
            }
            Ok(())
        };
        transaction.commit_unmirrored(insert).await
    }

    /// Notes that the states of devices are recorded up to now.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn save_heartbeat(&self, now: Micros) -> Result<()> {
        let save = async move |db: DbTransaction| {
            let row = server_heartbeat::Entity::update_many()
                .col_expr(server_heartbeat::Column::At, now.0.into())
                .filter(server_heartbeat::Column::Id.eq(HEARTBEAT));
            if row.exec(&*db).await.map_err(unavailable)?.rows_affected == 0 {
                let row = server_heartbeat::ActiveModel { id: Set(HEARTBEAT), at: Set(now.0) };
                row.insert(&*db).await.map_err(unavailable)?;
            }
            Ok(())
        };
        self.core.begin_transaction().await?.commit_unmirrored(save).await
    }

    /// Returns when a server last noted that it runs; `None` before the first start of one.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn last_heartbeat(&self) -> Result<Option<Micros>> {
        let found = server_heartbeat::Entity::find_by_id(HEARTBEAT).one(&self.core.db).await;
        Ok(found.map_err(unavailable)?.map(|row| Micros(row.at)))
    }

    /// Ends the states that a server left open which did not stop in order: nothing is known after its last heartbeat.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn end_device_states(&self) -> Result<()> {
        let seen = self.last_heartbeat().await?.map_or(i64::MIN, |at| at.0);
        let newest =
            Query::select().expr(Column::Id.max()).from(Entity).group_by_col(Column::DeviceId).take();
        let open = Entity::find().filter(Column::Id.in_subquery(newest)).filter(Column::State.is_not_null());
        let open = open.all(&self.core.db).await.map_err(unavailable)?;
        let ends = open.into_iter().map(|row| StateChange {
            device: DeviceId(row.device_id),
            at: Micros(row.at).max(Micros(seen)),
            state: None,
            error: None,
        });
        self.record_device_states(ends.collect()).await
    }

    /// Removes changes that are too old or too many of their device. The last one of a device stays, because its state
    /// may last.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer.
    pub async fn purge_device_states(&self, now: Micros) -> Result<()> {
        let oldest = now.0.saturating_sub(KEEP_US);
        let newest =
            Query::select().expr(Column::Id.max()).from(Entity).group_by_col(Column::DeviceId).take();
        let devices = self.all_devices();
        let purge = async move |db: DbTransaction| {
            let old = Condition::all().add(Column::At.lt(oldest)).add(Column::Id.in_subquery(newest).not());
            Entity::delete_many().filter(old).exec(&*db).await.map_err(unavailable)?;
            for device in devices {
                let of_device = || Entity::find().filter(Column::DeviceId.eq(device.id.0));
                if of_device().count(&*db).await.map_err(unavailable)? <= MAX_CHANGES {
                    continue;
                }
                let last_kept = of_device().order_by_desc(Column::Id).offset(MAX_CHANGES - 1);
                let Some(last_kept) = last_kept.one(&*db).await.map_err(unavailable)? else { continue };
                let surplus = Entity::delete_many()
                    .filter(Column::DeviceId.eq(device.id.0))
                    .filter(Column::Id.lt(last_kept.id));
                surplus.exec(&*db).await.map_err(unavailable)?;
            }
            Ok(())
        };
        self.core.begin_transaction().await?.commit_unmirrored(purge).await
    }
}
