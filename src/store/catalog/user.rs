//! Users: the people who log in. Made and changed by the server's administrator only; passwords arrive hashed.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, EntityTrait, Set};

use super::database::{refused, unavailable};
use super::session::end_all;
use super::sight::administrator;
use super::turn::Work;
use super::{Catalog, entity, not_unique, trim};
use crate::domain::audit::{Action, Change};
use crate::domain::check::check_text;
use crate::domain::org::{NewUser, User, UserChange};
use crate::domain::principal::Caller;
use crate::domain::{Error, Principal, Result, SessionId, UserId};

impl Catalog {
    /// Users of the principal's organization by id ascending; none unless the administrator asks.
    pub fn users(&self, who: &Principal) -> Vec<Arc<User>> {
        self.sight(who).users()
    }

    /// Looks in every organization: names are unique over all.
    pub fn user_by_name(&self, who: &Principal, name: &str) -> Result<Arc<User>> {
        administrator(who)?;
        self.user_to_log_in(name).ok_or_else(Error::not_found)
    }

    /// A login's own look-up, without a principal: who logs in has none yet.
    pub fn user_to_log_in(&self, name: &str) -> Option<Arc<User>> {
        self.mirror.read().users().named((), name).cloned()
    }

    /// The person who acts; `NotFound` for any other caller.
    pub fn acting_user(&self, who: &Principal) -> Result<Arc<User>> {
        let Caller::User(id) = who.caller else { return Err(Error::not_found()) };
        self.mirror.read().users().get(id).cloned().ok_or_else(Error::not_found)
    }

    /// Whether this is a superuser, or the administrator of the server.
    pub fn is_superuser(&self, who: &Principal) -> bool {
        match who.caller {
            Caller::System => true,
            Caller::User(_) => self.acting_user(who).is_ok_and(|user| user.is_superuser && user.enabled),
            Caller::Key(_) | Caller::Device(_) => false,
        }
    }

    /// Makes a user of the principal's organization.
    pub async fn create_user(&self, who: &Principal, mut user: NewUser) -> Result<Arc<User>> {
        administrator(who)?;
        trim(&mut user.name);
        let mut problems = Vec::new();
        check_text(&mut problems, "name", &user.name, 1, 150);
        Error::check(problems)?;
        let turn = self.turn().await?;
        if turn.mirror().users().named((), &user.name).is_some() {
            return Err(not_unique("name"));
        }
        let row = entity::user::new(who.org, user, self.clock.now());
        turn.change(
            who,
            async move |db| write(row.insert(&*db).await),
            |user| Change::new(Action::Create, "user", user.id.0),
            |mirror, user| mirror.put_user(Arc::clone(user)),
        )
        .await
    }

    /// Changes a user of the principal's organization; the sessions of one who may no longer log in end with it.
    pub async fn update_user(&self, who: &Principal, id: UserId, change: UserChange) -> Result<Arc<User>> {
        let turn = self.turn().await?;
        let stored = turn.sight(who).user(id)?.clone();
        let mut changed = User::clone(&stored);
        change.apply(&mut changed);
        let fields = change.differences(&stored);
        let row = entity::user::ActiveModel {
            id: Set(id.0),
            is_staff: Set(changed.is_staff),
            is_superuser: Set(changed.is_superuser),
            enabled: Set(changed.enabled),
            ..Default::default()
        };
        let update = async move |db: Work| {
            if !changed.may_log_in() {
                end_all(&db, id, None).await?;
            }
            write(row.update(&*db).await)
        };
        let told = move |_: &Arc<User>| Change::new(Action::Update, "user", id.0).with(fields);
        turn.change(who, update, told, |mirror, user| mirror.put_user(Arc::clone(user))).await
    }

    /// Replaces the password of a user of the principal's organization: the administrator anybody's, a person their own.
    /// Every session of that user ends but the one named.
    pub async fn set_password(
        &self,
        who: &Principal,
        id: UserId,
        hash: String,
        keep: Option<SessionId>,
    ) -> Result<()> {
        if who.caller != Caller::User(id) {
            administrator(who)?;
        }
        let turn = self.turn().await?;
        let is_there = turn.mirror().users().get(id).is_some_and(|user| user.org == who.org);
        if !is_there {
            return Err(Error::not_found());
        }
        let others = turn.mirror().sessions_of(id).iter().map(|session| session.id).collect::<Vec<_>>();
        let ended: Vec<SessionId> = others.into_iter().filter(|id| Some(*id) != keep).collect();
        let row = entity::user::ActiveModel { id: Set(id.0), password_hash: Set(hash), ..Default::default() };
        let update = async move |db: Work| {
            end_all(&db, id, keep).await?;
            write(row.update(&*db).await)
        };
        let told = move |_: &Arc<User>| Change::new(Action::Update, "user", id.0).with(vec!["password"]);
        let apply = move |mirror: &mut super::mirror::Mirror, user: &Arc<User>| {
            mirror.remove_sessions(&ended);
            mirror.put_user(Arc::clone(user));
        };
        turn.change(who, update, told, apply).await.map(drop)
    }

    /// Deletes a user of the principal's organization, with the sessions.
    pub async fn delete_user(&self, who: &Principal, id: UserId) -> Result<()> {
        let turn = self.turn().await?;
        turn.sight(who).user(id)?;
        let delete = async move |db: Work| {
            end_all(&db, id, None).await?;
            entity::user::Entity::delete_by_id(id.0).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let told = move |(): &()| Change::new(Action::Delete, "user", id.0);
        turn.change(who, delete, told, move |mirror, ()| mirror.remove_user(id)).await
    }
}

fn write(row: std::result::Result<entity::user::Model, sea_orm::DbErr>) -> Result<Arc<User>> {
    row.map(|row| Arc::new(User::from(row))).map_err(|e| refused(e, || not_unique("name")))
}
