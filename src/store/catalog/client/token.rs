//! Tokens of clients, looked up by their hashes. They survive a restart, and end with their client or user.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, Set};

use super::ClientCatalog;
use crate::domain::audit::{Action, AuditChange, RequestOrigin};
use crate::domain::token::{Token, TokenHashes};
use crate::domain::{ClientId, Error, Kind, Micros, Result, TokenId, UserId};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity;
use crate::store::catalog::entity::token::{Column, Entity};
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::{CatalogTransaction, DbTransaction};

/// Maximum pairs of tokens per client; the oldest ends when another is issued.
const MAX_TOKENS_PER_CLIENT: usize = 1000;

/// A pair of tokens to be issued.
#[derive(Debug, Clone, Copy)]
pub struct NewToken {
    pub client: ClientId,
    /// User whose rights the tokens carry.
    pub user: Option<UserId>,
    pub hashes: TokenHashes,
    pub expires_at: Micros,
}

impl ClientCatalog {
    /// Looks up an access token for authentication, without a principal.
    pub fn token_by_access(&self, hash: &[u8; 32], now: Micros) -> Option<Arc<Token>> {
        self.core.mirror.read().tokens.get_by_access(hash).filter(|token| token.is_valid_at(now)).cloned()
    }

    /// Stores a new pair of tokens. `Unauthenticated` when the client was revoked meanwhile, or the user may not act
    /// through it.
    pub async fn create_token(&self, token: NewToken, origin: &Arc<RequestOrigin>) -> Result<Arc<Token>> {
        let transaction = self.core.begin_transaction().await?;
        check(&transaction, &token)?;
        self.insert_token(transaction, token, None, origin).await
    }

    /// Replaces the pair of an unused refresh token by a new one of the same client and user, whoever `token` names as
    /// user. The old access token stays valid until it expires. `Unauthenticated` when the refresh token is unknown,
    /// used, expired or of another client.
    pub async fn refresh_token(
        &self,
        refresh: &[u8; 32],
        token: NewToken,
        origin: &Arc<RequestOrigin>,
    ) -> Result<Arc<Token>> {
        let transaction = self.core.begin_transaction().await?;
        let now = self.core.clock.now();
        let found = transaction.mirror().tokens.get_by_refresh(refresh).cloned();
        let old =
            found.filter(|old| old.client == token.client && old.is_valid_at(now)).ok_or_else(refused)?;
        let token = NewToken { user: old.user, ..token };
        check(&transaction, &token)?;
        self.insert_token(transaction, token, Some(old), origin).await
    }

    /// Inserts a pair, marks the refresh token of `used` as used, and ends the client's oldest pairs beyond the limit.
    async fn insert_token(
        &self,
        transaction: CatalogTransaction,
        token: NewToken,
        used: Option<Arc<Token>>,
        origin: &Arc<RequestOrigin>,
    ) -> Result<Arc<Token>> {
        let who = self.client_principal(token.client, token.user).ok_or_else(refused)?.with_origin(origin);
        let ended: Vec<TokenId> = {
            let mirror = transaction.mirror();
            let own = mirror.tokens.of_client(token.client);
            let too_many = (own.len() + 1).saturating_sub(MAX_TOKENS_PER_CLIENT);
            own.take(too_many).collect()
        };
        let used = used.map(|old| {
            let hashes = TokenHashes { refresh: None, ..old.hashes };
            Arc::new(Token { hashes, ..Token::clone(&old) })
        });
        let row = entity::token::new(
            token.client,
            token.user,
            token.hashes,
            self.core.clock.now(),
            token.expires_at,
        );
        let (dropped, spent) = (ended.clone(), used.as_ref().map(|old| old.id));
        let insert = async move |db: DbTransaction| {
            if let Some(id) = spent {
                let row = entity::token::ActiveModel {
                    id: Set(id.0),
                    refresh_hash: Set(None),
                    ..Default::default()
                };
                row.update(&*db).await.map_err(unavailable)?;
            }
            delete(&db, &dropped).await?;
            Token::try_from(row.insert(&*db).await.map_err(unavailable)?).map(Arc::new)
        };
        let audit = |token: &Arc<Token>| AuditChange::new(Action::Create, "token", token.id.0);
        let apply = move |mirror: &mut Mirror, token: &Arc<Token>| {
            if let Some(old) = used {
                mirror.tokens.put(old);
            }
            ended.iter().for_each(|id| mirror.tokens.remove(*id));
            mirror.tokens.put(Arc::clone(token));
        };
        transaction.commit_change(&who, insert, audit, apply).await
    }

    /// Deletes expired tokens.
    pub async fn purge_expired_tokens(&self, now: Micros) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        let expired = transaction.mirror().tokens.expired(now);
        if expired.is_empty() {
            return Ok(());
        }
        let forget = async move |db: DbTransaction| {
            Entity::delete_many()
                .filter(Column::ExpiresAt.lte(now.0))
                .exec(&*db)
                .await
                .map_err(unavailable)?;
            Ok(())
        };
        let apply =
            move |mirror: &mut Mirror, (): &()| expired.iter().for_each(|id| mirror.tokens.remove(*id));
        transaction.commit_unaudited(forget, apply).await
    }
}

/// Checks that the client is enabled and that the user may act through it.
fn check(transaction: &CatalogTransaction, token: &NewToken) -> Result<()> {
    let mirror = transaction.mirror();
    let client = mirror.clients.get(token.client).filter(|client| client.enabled).ok_or_else(refused)?;
    let may = |id: UserId| mirror.users().get(id).is_some_and(|user| client.admits(user));
    if token.user.is_none_or(may) { Ok(()) } else { Err(refused()) }
}

fn refused() -> Error {
    Error::new(Kind::Unauthenticated, "the client, its user or the token is not valid any more")
}

/// Deletes every token of a client.
pub(in crate::store::catalog) async fn delete_client_tokens(
    db: &DbTransaction,
    client: ClientId,
) -> Result<()> {
    let own = Entity::delete_many().filter(Column::ClientId.eq(client.0));
    own.exec(&**db).await.map_err(unavailable)?;
    Ok(())
}

/// Deletes every token of a user.
pub(in crate::store::catalog) async fn delete_user_tokens(db: &DbTransaction, user: UserId) -> Result<()> {
    let own = Entity::delete_many().filter(Column::UserId.eq(user.0));
    own.exec(&**db).await.map_err(unavailable)?;
    Ok(())
}

async fn delete(db: &DbTransaction, ids: &[TokenId]) -> Result<()> {
    for id in ids {
        Entity::delete_by_id(id.0).exec(&**db).await.map_err(unavailable)?;
    }
    Ok(())
}
