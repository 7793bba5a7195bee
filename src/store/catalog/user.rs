//! Users: the people who log in. Made by the server's administrator only; passwords arrive hashed.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, DatabaseConnection, Set};

use super::database::refused;
use super::sight::administrator;
use super::{Catalog, entity, not_unique, trim};
use crate::domain::check::check_text;
use crate::domain::org::{NewUser, User};
use crate::domain::{Error, Principal, Result, UserId};

impl Catalog {
    /// Users of the principal's organization by id ascending; none unless the administrator asks.
    pub fn users(&self, who: &Principal) -> Vec<Arc<User>> {
        self.sight(who).users()
    }

    /// Looks in every organization: a login does not know its own yet, and names are unique over all.
    pub fn user_by_name(&self, who: &Principal, name: &str) -> Result<Arc<User>> {
        administrator(who)?;
        self.mirror.read().users.named((), name).cloned().ok_or_else(Error::not_found)
    }

    /// Makes a user of the principal's organization.
    pub async fn create_user(&self, who: &Principal, mut user: NewUser) -> Result<Arc<User>> {
        administrator(who)?;
        trim(&mut user.name);
        let mut problems = Vec::new();
        check_text(&mut problems, "name", &user.name, 1, 150);
        Error::check(problems)?;
        let turn = self.turn().await?;
        if turn.sight(who).mirror.users.named((), &user.name).is_some() {
            return Err(not_unique("name"));
        }
        let row = entity::user::new(who.org, user, self.clock.now());
        turn.run(
            async move |db| write(row.insert(&db).await),
            |mirror, user| mirror.users.put(Arc::clone(user)),
        )
        .await
    }

    /// Replaces the password of a user of the principal's organization.
    pub async fn set_password(&self, who: &Principal, id: UserId, hash: String) -> Result<()> {
        let turn = self.turn().await?;
        turn.sight(who).user(id)?;
        let row = entity::user::ActiveModel { id: Set(id.0), password_hash: Set(hash), ..Default::default() };
        let update = async move |db: DatabaseConnection| write(row.update(&db).await);
        turn.run(update, |mirror, user| mirror.users.put(Arc::clone(user))).await?;
        Ok(())
    }
}

fn write(row: std::result::Result<entity::user::Model, sea_orm::DbErr>) -> Result<Arc<User>> {
    row.map(|row| Arc::new(User::from(row))).map_err(|e| refused(e, || not_unique("name")))
}
