//! Preferences of users: what pages remember of a person, as one JSON object. They are read from the database and not
//! mirrored, and are deleted with the user.

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};
use serde_json::{Map, Value};

use super::UserCatalog;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::{Principal, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::to_json;
use crate::store::catalog::entity::user_preferences::{ActiveModel, Column, Entity};
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::DbTransaction;

impl UserCatalog {
    /// Preferences of the user that the principal stands for; empty if none were stored. `NotFound` for any other caller.
    pub async fn preferences(&self, who: &Principal) -> Result<Map<String, Value>> {
        let user = self.core.acting_user(who)?;
        let row = Entity::find().filter(Column::UserId.eq(user.id.0)).one(&self.core.db).await;
        match row.map_err(unavailable)? {
            Some(row) => row.try_into(),
            None => Ok(Map::new()),
        }
    }

    /// Replaces the preferences of the user that the principal stands for. `NotFound` for any other caller.
    pub async fn set_preferences(
        &self,
        who: &Principal,
        preferences: Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        let transaction = self.core.begin_transaction().await?;
        let (user, now) = (self.core.acting_user(who)?.id, self.core.clock.now());
        let store = async move |db: DbTransaction| {
            let old = Entity::delete_many().filter(Column::UserId.eq(user.0));
            old.exec(&*db).await.map_err(unavailable)?;
            let row = ActiveModel {
                user_id: Set(user.0),
                body: Set(to_json(&preferences)),
                updated_at: Set(now.0),
                ..Default::default()
            };
            row.insert(&*db).await.map_err(unavailable)?;
            Ok(preferences)
        };
        let audit = move |_: &Map<String, Value>| {
            AuditChange::new(Action::Update, "user", user.0).with(vec!["preferences"])
        };
        transaction.commit_change(who, store, audit, |_: &mut Mirror, _: &Map<String, Value>| {}).await
    }
}
