//! Terminal grants that were redeemed: remembered until they expire, so that none counts twice, across restarts too.

use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, SqlErr};
use uuid::Uuid;

use super::database::unavailable;
use super::{Catalog, entity};
use crate::domain::{Micros, Result};

impl Catalog {
    /// Redeems a grant: true the first time, false ever after. It is durable when this returns true. Grants that have
    /// expired are forgotten here; whoever asks has checked that this one has not.
    pub async fn redeem_grant(&self, id: Uuid, expires_at: Micros) -> Result<bool> {
        let turn = self.turn().await?;
        let now = self.clock.now();
        let redeem = async move |db: DatabaseConnection| {
            use entity::grant::{Column, Entity};
            Entity::delete_many()
                .filter(Column::ExpiresAt.lte(now.0))
                .exec(&db)
                .await
                .map_err(unavailable)?;
            match entity::grant::new(id, expires_at).insert(&db).await {
                Ok(_) => Ok(true),
                Err(error) => match error.sql_err() {
                    Some(SqlErr::UniqueConstraintViolation(_)) => Ok(false),
                    _ => Err(unavailable(error)),
                },
            }
        };
        turn.run(redeem, |_, _| ()).await
    }
}
