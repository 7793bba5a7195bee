//! Sessions of people, found by the hash of their token. Whether a password was right is not judged here.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};

use super::database::unavailable;
use super::entity::session::{Column, Entity};
use super::turn::Work;
use super::{Catalog, entity};
use crate::domain::audit::{Action, Change, Origin};
use crate::domain::org::User;
use crate::domain::session::Session;
use crate::domain::{Error, Kind, Micros, Principal, Result, SessionId, UserId};

/// Sessions of one user; the oldest ends when another begins.
const MAX_OF_A_USER: usize = 50;

impl Catalog {
    /// Authentication's own look-up, without a principal: a session that has not expired, and its user as they are now.
    pub fn session_by_hash(&self, hash: &[u8; 32], now: Micros) -> Option<(Arc<Session>, Arc<User>)> {
        let mirror = self.mirror.read();
        let session = mirror.session(hash).filter(|session| session.is_valid_at(now))?;
        let user = mirror.users().get(session.user)?;
        Some((Arc::clone(session), Arc::clone(user)))
    }

    /// Begins a session of a user whose password was verified. `Unauthenticated` when the user has changed since.
    pub async fn create_session(
        &self,
        user: &User,
        hash: [u8; 32],
        expires_at: Micros,
        origin: &Arc<Origin>,
    ) -> Result<Arc<Session>> {
        let (id, who) = (user.id, Principal::user(user).asking_from(origin));
        let turn = self.turn().await?;
        let is_same = |now: &Arc<User>| now.may_log_in() && now.password_hash == user.password_hash;
        if !turn.mirror().users().get(id).is_some_and(is_same) {
            return Err(Error::new(Kind::Unauthenticated, "the user has changed meanwhile"));
        }
        let own = turn.mirror().sessions_of(id);
        let too_many = (own.len() + 1).saturating_sub(MAX_OF_A_USER);
        let ended: Vec<SessionId> = own.iter().take(too_many).map(|session| session.id).collect();
        let row = entity::session::new(id, hash, self.clock.now(), expires_at);
        let dropped = ended.clone();
        let insert = async move |db: Work| {
            delete(&db, &dropped).await?;
            Session::try_from(row.insert(&*db).await.map_err(unavailable)?).map(Arc::new)
        };
        let told = |session: &Arc<Session>| Change::new(Action::Login, "session", session.id.0);
        let apply = move |mirror: &mut super::mirror::Mirror, session: &Arc<Session>| {
            mirror.remove_sessions(&ended);
            mirror.put_session(Arc::clone(session));
        };
        turn.change(&who, insert, told, apply).await
    }

    /// Ends a session of the person who acts; a second time changes nothing.
    pub async fn end_session(&self, who: &Principal, id: SessionId) -> Result<()> {
        let user = self.acting_user(who)?.id;
        let turn = self.turn().await?;
        if !turn.mirror().sessions_of(user).iter().any(|session| session.id == id) {
            return Ok(());
        }
        let end = async move |db: Work| delete(&db, &[id]).await;
        let told = move |(): &()| Change::new(Action::Logout, "session", id.0);
        turn.change(who, end, told, move |mirror, ()| mirror.remove_sessions(&[id])).await
    }

    /// Forgets sessions that have expired.
    pub async fn forget_sessions(&self, now: Micros) -> Result<()> {
        let turn = self.turn().await?;
        let expired: Vec<SessionId> =
            turn.mirror().sessions().filter(|session| !session.is_valid_at(now)).map(|s| s.id).collect();
        if expired.is_empty() {
            return Ok(());
        }
        let ids = expired.clone();
        let forget = async move |db: Work| delete(&db, &ids).await;
        turn.run(forget, move |mirror, ()| mirror.remove_sessions(&expired)).await
    }
}

/// Ends every session of a user but one.
pub(super) async fn end_all(db: &Work, user: UserId, keep: Option<SessionId>) -> Result<()> {
    let own = Entity::delete_many().filter(Column::UserId.eq(user.0));
    let ended = match keep {
        Some(keep) => own.filter(Column::Id.ne(keep.0)),
        None => own,
    };
    ended.exec(&**db).await.map_err(unavailable)?;
    Ok(())
}

async fn delete(db: &Work, ids: &[SessionId]) -> Result<()> {
    for id in ids {
        Entity::delete_by_id(id.0).exec(&**db).await.map_err(unavailable)?;
    }
    Ok(())
}
