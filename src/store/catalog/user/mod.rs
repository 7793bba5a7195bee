//! Users: the people who log in. The server's administrator and the superusers of an organization create and change them;
//! passwords arrive hashed.

pub(super) mod preferences;
pub(super) mod session;

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, EntityTrait, Set};

use self::session::delete_user_sessions;
use super::catalog_core::CatalogCore;
use super::client::token::delete_user_tokens;
use super::database::{unavailable, write_error};
use super::mirror::Mirror;
use super::transaction::DbTransaction;
use super::visibility::require_administrator;
use super::{entity, not_unique, trim};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::caller::Caller;
use crate::domain::org::{NewUser, User, UserChange};
use crate::domain::validation::check_text;
use crate::domain::{Error, Kind, Principal, Result, SessionId, UserId};

/// Maximum users of an organization. Each is in memory and in every list of them.
const MAX_USERS: usize = 1000;

/// A password that replaces another.
pub struct NewPassword<'a> {
    /// Hash of the new password.
    pub hash: String,
    /// Hash against which the old password was checked, if it was.
    pub verified: Option<&'a str>,
    /// Session that goes on.
    pub keep: Option<SessionId>,
}

impl NewPassword<'_> {
    /// A password that an administrator sets: no session goes on.
    pub fn set(hash: String) -> Self {
        Self { hash, verified: None, keep: None }
    }
}

/// Users, their sessions and preferences.
pub struct UserCatalog {
    core: Arc<CatalogCore>,
}

impl CatalogCore {
    pub(super) fn caller_name(&self, who: &Principal) -> String {
        let acting = self.acting_user(who);
        acting.map_or_else(|_| who.caller.to_string(), |user| user.name.clone())
    }

    pub(super) fn acting_user(&self, who: &Principal) -> Result<Arc<User>> {
        let Caller::User(id) = who.caller else { return Err(Error::not_found()) };
        self.mirror.read().users().get(id).cloned().ok_or_else(Error::not_found)
    }

    pub(super) fn is_superuser(&self, who: &Principal) -> bool {
        match who.caller {
            Caller::System => true,
            Caller::User(_) => self.acting_user(who).is_ok_and(|user| user.is_superuser && user.enabled),
            Caller::Key(_) | Caller::Client { .. } | Caller::Subject(_) | Caller::Device(_) => false,
        }
    }
}

impl UserCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Users of the principal's organization by id ascending; empty unless the caller manages them.
    pub fn users(&self, who: &Principal) -> Vec<Arc<User>> {
        self.core.visible_to(who).users()
    }

    /// A user of the principal's organization, for a caller who manages them.
    pub fn user(&self, who: &Principal, id: UserId) -> Result<Arc<User>> {
        self.core.visible_to(who).user(id).cloned()
    }

    /// Returns a user by name, for the administrator. Searches all organizations, because names are unique across
    /// them.
    pub fn user_by_name(&self, who: &Principal, name: &str) -> Result<Arc<User>> {
        require_administrator(who)?;
        self.user_for_login(name).ok_or_else(Error::not_found)
    }

    /// Looks up a user for a login, without a principal: whoever logs in has none yet.
    pub fn user_for_login(&self, name: &str) -> Option<Arc<User>> {
        self.core.mirror.read().users().get_by_name((), name).cloned()
    }

    /// Name of a user, for a row that refers to it and that the caller has already been given.
    pub fn user_name(&self, id: UserId) -> Option<String> {
        self.core.mirror.read().users().get(id).map(|user| user.name.clone())
    }

    /// How rows name a caller: a user by its name, any other by its kind and id, such as `key:3`.
    pub fn caller_name(&self, who: &Principal) -> String {
        self.core.caller_name(who)
    }

    /// The user that the principal stands for; `NotFound` for any other caller.
    pub fn acting_user(&self, who: &Principal) -> Result<Arc<User>> {
        self.core.acting_user(who)
    }

    /// Whether the principal is a superuser or the server's administrator.
    pub fn is_superuser(&self, who: &Principal) -> bool {
        self.core.is_superuser(who)
    }

    /// Creates a user in the principal's organization.
    pub async fn create_user(&self, who: &Principal, mut user: NewUser) -> Result<Arc<User>> {
        self.core.visible_to(who).require_user_manager()?;
        trim(&mut user.name);
        let mut problems = Vec::new();
        check_text(&mut problems, "name", &user.name, 1, 150);
        Error::check(problems)?;
        let transaction = self.core.begin_transaction().await?;
        // Once more, because a superuser may have lost the role meanwhile.
        transaction.visible_to(who).require_user_manager()?;
        if transaction.mirror().users().get_by_name((), &user.name).is_some() {
            return Err(not_unique("name"));
        }
        if transaction.visible_to(who).users().len() >= MAX_USERS {
            let message = format!("an organization has at most {MAX_USERS} users");
            return Err(Error::new(Kind::LimitReached, message));
        }
        let row = entity::user::new(who.org, user, self.core.clock.now());
        transaction
            .commit_change(
                who,
                async move |db| into_user(row.insert(&*db).await),
                |user| AuditChange::new(Action::Create, "user", user.id.0),
                |mirror, user| mirror.put_user(Arc::clone(user)),
            )
            .await
    }

    /// Changes a user of the principal's organization. Its sessions end when it may no longer log in, or has another role
    /// or password; with another password its tokens end too.
    ///
    /// # Errors
    /// `Conflict` for the caller's own user: whoever is left could not undo it.
    pub async fn update_user(&self, who: &Principal, id: UserId, change: UserChange) -> Result<Arc<User>> {
        let transaction = self.core.begin_transaction().await?;
        let stored = transaction.visible_to(who).user(id)?.clone();
        refuse_own(who, id)?;
        let mut changed = User::clone(&stored);
        change.apply(&mut changed);
        let fields = change.differences(&stored);
        let has_new_password = change.password_hash.is_some();
        let is_ended = !changed.may_log_in() || changed.role() != stored.role() || has_new_password;
        let ended: Vec<SessionId> = if is_ended {
            transaction.mirror().sessions_of(id).iter().map(|session| session.id).collect()
        } else {
            Vec::new()
        };
        let row = entity::user::ActiveModel {
            id: Set(id.0),
            is_staff: Set(changed.is_staff),
            is_superuser: Set(changed.is_superuser),
            is_viewer: Set(changed.is_viewer),
            enabled: Set(changed.enabled),
            password_hash: Set(changed.password_hash),
            ..Default::default()
        };
        let update = async move |db: DbTransaction| {
            if is_ended {
                delete_user_sessions(&db, id, None).await?;
            }
            if has_new_password {
                delete_user_tokens(&db, id).await?;
            }
            into_user(row.update(&*db).await)
        };
        let audit = move |_: &Arc<User>| AuditChange::new(Action::Update, "user", id.0).with(fields);
        let apply = move |mirror: &mut Mirror, user: &Arc<User>| {
            mirror.remove_sessions(&ended);
            if has_new_password {
                mirror.tokens.remove_of_user(id);
            }
            mirror.put_user(Arc::clone(user));
        };
        transaction.commit_change(who, update, audit, apply).await
    }

    /// Replaces the password of a user of the principal's organization: the administrator may do so for any user, a
    /// user for itself. Every session of that user except the kept one ends, and every token.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the user has another password than the verified one by now, or is disabled.
    pub async fn set_password(&self, who: &Principal, id: UserId, new: NewPassword<'_>) -> Result<()> {
        if who.caller != Caller::User(id) {
            require_administrator(who)?;
        }
        let NewPassword { hash, verified, keep } = new;
        let transaction = self.core.begin_transaction().await?;
        let user = transaction.mirror().users().get(id).filter(|user| user.org == who.org).cloned();
        let user = user.ok_or_else(Error::not_found)?;
        if verified.is_some_and(|old| !user.enabled || user.password_hash != old) {
            return Err(Error::conflict("the password was changed meanwhile"));
        }
        let others =
            transaction.mirror().sessions_of(id).iter().map(|session| session.id).collect::<Vec<_>>();
        let ended: Vec<SessionId> = others.into_iter().filter(|id| Some(*id) != keep).collect();
        let row = entity::user::ActiveModel { id: Set(id.0), password_hash: Set(hash), ..Default::default() };
        let update = async move |db: DbTransaction| {
            delete_user_sessions(&db, id, keep).await?;
            delete_user_tokens(&db, id).await?;
            into_user(row.update(&*db).await)
        };
        let audit =
            move |_: &Arc<User>| AuditChange::new(Action::Update, "user", id.0).with(vec!["password"]);
        let apply = move |mirror: &mut Mirror, user: &Arc<User>| {
            mirror.remove_sessions(&ended);
            mirror.tokens.remove_of_user(id);
            mirror.put_user(Arc::clone(user));
        };
        transaction.commit_change(who, update, audit, apply).await.map(drop)
    }

    /// Deletes a user of the principal's organization and its sessions.
    ///
    /// # Errors
    /// `Conflict` for the caller's own user, as `update_user`.
    pub async fn delete_user(&self, who: &Principal, id: UserId) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        transaction.visible_to(who).user(id)?;
        refuse_own(who, id)?;
        let delete = async move |db: DbTransaction| {
            delete_user_sessions(&db, id, None).await?;
            entity::user::Entity::delete_by_id(id.0).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let audit = move |(): &()| AuditChange::new(Action::Delete, "user", id.0);
        transaction.commit_change(who, delete, audit, move |mirror, ()| mirror.remove_user(id)).await
    }
}

/// Nobody takes away the own rights. So a superuser is left whenever a superuser makes a change: the one who makes it.
fn refuse_own(who: &Principal, id: UserId) -> Result<()> {
    if who.caller == Caller::User(id) {
        return Err(Error::conflict("you cannot change or delete your own user; ask another superuser"));
    }
    Ok(())
}

fn into_user(row: std::result::Result<entity::user::Model, sea_orm::DbErr>) -> Result<Arc<User>> {
    row.map(|row| Arc::new(User::from(row))).map_err(|e| write_error(e, || not_unique("name")))
}
