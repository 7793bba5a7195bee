//! Redeemed terminal grants, stored until they expire so that none is redeemed twice, even across restarts.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::ClientCatalog;
use crate::domain::{Micros, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity;
use crate::store::catalog::transaction::DbTransaction;

impl ClientCatalog {
    /// Redeems a grant: returns true the first time, durably, and false ever after. Expired grants are deleted here;
    /// the caller has checked that this one has not expired.
    pub async fn redeem_grant(&self, id: Uuid, expires_at: Micros) -> Result<bool> {
        let transaction = self.core.begin_transaction().await?;
        let now = self.core.clock.now();
        let redeem = async move |db: DbTransaction| {
            use entity::grant::{Column, Entity};
            Entity::delete_many()
                .filter(Column::ExpiresAt.lte(now.0))
                .exec(&*db)
                .await
                .map_err(unavailable)?;
            let once = OnConflict::column(Column::Id).do_nothing().to_owned();
            let insert = Entity::insert(entity::grant::new(id, expires_at)).on_conflict(once);
            let rows = insert.exec_without_returning(&*db).await.map_err(unavailable)?;
            Ok(rows == 1)
        };
        transaction.commit_unaudited(redeem, |_, _| ()).await
    }
}
