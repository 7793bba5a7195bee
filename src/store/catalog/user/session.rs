//! Login sessions, looked up by the hash of their token. Passwords are verified elsewhere.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};

use super::UserCatalog;
use crate::domain::audit::{Action, AuditChange, RequestOrigin};
use crate::domain::org::User;
use crate::domain::session::Session;
use crate::domain::{Error, Kind, Micros, Principal, Result, SessionId, UserId};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity;
use crate::store::catalog::entity::session::{Column, Entity};
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::DbTransaction;

/// Maximum sessions per user; the oldest ends when another begins.
const MAX_SESSIONS_PER_USER: usize = 50;

impl UserCatalog {
    /// Looks up a session for authentication, without a principal: an unexpired session and the current state of its
    /// user.
    pub fn session_by_hash(&self, hash: &[u8; 32], now: Micros) -> Option<(Arc<Session>, Arc<User>)> {
        let mirror = self.core.mirror.read();
        let session = mirror.session(hash).filter(|session| session.is_valid_at(now))?;
        let user = mirror.users().get(session.user)?;
        Some((Arc::clone(session), Arc::clone(user)))
    }

    /// Creates a session for a user whose password was verified. `Unauthenticated` when the user has changed since.
    pub async fn create_session(
        &self,
        user: &User,
        hash: [u8; 32],
        expires_at: Micros,
        origin: &Arc<RequestOrigin>,
    ) -> Result<Arc<Session>> {
        let (id, who) = (user.id, Principal::user(user).with_origin(origin));
        let transaction = self.core.begin_transaction().await?;
        let is_same = |now: &Arc<User>| now.may_log_in() && now.password_hash == user.password_hash;
        if !transaction.mirror().users().get(id).is_some_and(is_same) {
            return Err(Error::new(Kind::Unauthenticated, "the user has changed meanwhile"));
        }
        let own = transaction.mirror().sessions_of(id);
        let too_many = (own.len() + 1).saturating_sub(MAX_SESSIONS_PER_USER);
        let ended: Vec<SessionId> = own.iter().take(too_many).map(|session| session.id).collect();
        let row = entity::session::new(id, hash, self.core.clock.now(), expires_at);
        let dropped = ended.clone();
        let insert = async move |db: DbTransaction| {
            delete(&db, &dropped).await?;
            Session::try_from(row.insert(&*db).await.map_err(unavailable)?).map(Arc::new)
        };
        let audit = |session: &Arc<Session>| AuditChange::new(Action::Login, "session", session.id.0);
        let apply = move |mirror: &mut Mirror, session: &Arc<Session>| {
            mirror.remove_sessions(&ended);
            mirror.put_session(Arc::clone(session));
        };
        transaction.commit_change(&who, insert, audit, apply).await
    }

    /// Ends a session of the acting user; idempotent.
    pub async fn end_session(&self, who: &Principal, id: SessionId) -> Result<()> {
        let user = self.core.acting_user(who)?.id;
        let transaction = self.core.begin_transaction().await?;
        if !transaction.mirror().sessions_of(user).iter().any(|session| session.id == id) {
            return Ok(());
        }
        let end = async move |db: DbTransaction| delete(&db, &[id]).await;
        let audit = move |(): &()| AuditChange::new(Action::Logout, "session", id.0);
        transaction.commit_change(who, end, audit, move |mirror, ()| mirror.remove_sessions(&[id])).await
    }

    /// Deletes expired sessions.
    pub async fn purge_expired_sessions(&self, now: Micros) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        let expired: Vec<SessionId> = transaction
            .mirror()
            .sessions()
            .filter(|session| !session.is_valid_at(now))
            .map(|s| s.id)
            .collect();
        if expired.is_empty() {
            return Ok(());
        }
        let ids = expired.clone();
        let forget = async move |db: DbTransaction| delete(&db, &ids).await;
        transaction.commit_unaudited(forget, move |mirror, ()| mirror.remove_sessions(&expired)).await
    }
}

/// Deletes every session of a user except `keep`.
pub(in crate::store::catalog) async fn delete_user_sessions(
    db: &DbTransaction,
    user: UserId,
    keep: Option<SessionId>,
) -> Result<()> {
    let own = Entity::delete_many().filter(Column::UserId.eq(user.0));
    let ended = match keep {
        Some(keep) => own.filter(Column::Id.ne(keep.0)),
        None => own,
    };
    ended.exec(&**db).await.map_err(unavailable)?;
    Ok(())
}

async fn delete(db: &DbTransaction, ids: &[SessionId]) -> Result<()> {
    for id in ids {
        Entity::delete_by_id(id.0).exec(&**db).await.map_err(unavailable)?;
    }
    Ok(())
}
