//! Terminal grants that were redeemed: remembered until they expire, so that none counts twice, across restarts too.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::database::unavailable;
use super::turn::Work;
use super::{Catalog, entity};
use crate::domain::{Micros, Result};

impl Catalog {
    /// Redeems a grant: true the first time, false ever after. It is durable when this returns true. Grants that have
    /// expired are forgotten here; whoever asks has checked that this one has not.
    pub async fn redeem_grant(&self, id: Uuid, expires_at: Micros) -> Result<bool> {
        let turn = self.turn().await?;
        let now = self.clock.now();
        let redeem = async move |db: Work| {
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
        turn.run(redeem, |_, _| ()).await
    }
}
