//! Tokens of clients: issued for their secrets, and turned into principals.
//!
//! Blynk has opaque tokens that the catalog stores, Instathings JSON web tokens that it does not. Both end with their
//! client.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use uuid::Uuid;

use super::access::AccessControl;
use super::client::Clients;
use super::core_parts::CoreParts;
use super::session::{Login, Sessions, counted_name, later};
use super::{AppSettings, secret_file};
use crate::auth::jwt::{JwtClaims, JwtKey};
use crate::auth::token::{self, TokenTexts};
use crate::domain::audit::RequestOrigin;
use crate::domain::caller::Caller;
use crate::domain::client::{Client, ClientApi};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Clock, Error, Kind, Micros, Principal, Result, UserId};
use crate::store::Store;
use crate::store::catalog::{ClientCatalog, NewToken};

const KEY_FILE: &str = "tokens.key";

/// Grant that a client presents for a pair of tokens, besides its id and secret.
pub enum TokenGrant {
    /// Nothing: the tokens are the client's own.
    ClientCredentials,
    /// An unused refresh token.
    RefreshToken(String),
    /// Name and password of a user; the tokens are the user's.
    Password(Login),
}

/// A new pair of tokens. No `Debug`, because the texts exist only here.
pub struct TokenPair {
    pub access: String,
    pub refresh: String,
    /// Lifetime of both.
    pub lifetime: Duration,
}

/// Why no token was issued, in the terms of OAuth 2.0.
#[derive(Debug)]
pub enum TokenError {
    /// The client is unknown or revoked, or its secret is wrong.
    InvalidClient,
    /// The refresh token is unknown, used or expired, or the name or the password of the user is wrong.
    InvalidGrant,
    /// The client may not use this kind of grant.
    UnauthorizedClient,
    /// Anything else, such as too many attempts.
    Failed(Error),
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        TokenError::Failed(error)
    }
}

/// An authenticated token: who calls, by which client, and until when.
#[derive(Debug, Clone)]
pub struct ClientAccess {
    pub principal: Principal,
    pub client: Arc<Client>,
    /// Time from which the token is refused.
    pub expires_at: Micros,
    pub(super) token: TokenRef,
}

/// A token whose validity is checked again while a connection lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenRef {
    /// Hash of an opaque access token.
    Opaque([u8; 32]),
    /// A JSON web token that was verified.
    Jwt { expires_at: Micros },
}

impl TokenRef {
    /// Returns when the token of this principal expires; `None` when it is not valid any more, or its rights are others.
    pub(super) fn expires_at(self, catalog: &ClientCatalog, who: &Principal, now: Micros) -> Option<Micros> {
        let Caller::Client { client, user } = who.caller else { return None };
        let expires_at = match self {
            TokenRef::Opaque(hash) => catalog.token_by_access(&hash, now)?.expires_at,
            TokenRef::Jwt { expires_at } => Some(expires_at).filter(|end| now < *end)?,
        };
        let rights = catalog.client_principal(client, user)?;
        let is_same = rights.org == who.org && rights.scopes == who.scopes && rights.devices == who.devices;
        is_same.then_some(expires_at)
    }
}

/// Services that issue tokens together.
pub(super) struct TokenCalls {
    pub access: Arc<AccessControl>,
    pub sessions: Arc<Sessions>,
    pub clients: Arc<Clients>,
}

/// Tokens of clients.
pub struct Tokens {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    access: Arc<AccessControl>,
    sessions: Arc<Sessions>,
    clients: Arc<Clients>,
    /// Lifetime of a JSON web token, whole seconds.
    jwt_lifetime: Duration,
    /// Lifetime of a pair of opaque tokens, whole seconds.
    pair_lifetime: Duration,
    /// File of the secret that signs JSON web tokens.
    jwt_key_path: PathBuf,
    /// Read or created on first use.
    jwt_key: OnceCell<JwtKey>,
}

impl Tokens {
    pub(super) fn new(parts: &CoreParts, calls: TokenCalls, settings: &AppSettings) -> Self {
        let TokenCalls { access, sessions, clients } = calls;
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            access,
            sessions,
            clients,
            jwt_lifetime: settings.compat.instathings_token_ttl,
            pair_lifetime: settings.compat.blynk_token_ttl,
            jwt_key_path: settings.data_dir.join(KEY_FILE),
            jwt_key: OnceCell::new(),
        }
    }

    /// Issues a JSON web token of the Instathings API.
    pub async fn issue_jwt(&self, client_id: &str, secret: &str) -> Result<String, TokenError> {
        let client = self.clients.authenticate_client(ClientApi::Instathings, client_id, secret);
        let client = client.map_err(|_| TokenError::InvalidClient)?;
        let system = Principal::system(client.org);
        let iat = self.clock.now().0.div_euclid(MICROS_PER_SECOND);
        let life = i64::try_from(self.jwt_lifetime.as_secs()).unwrap_or(i64::MAX);
        let claims = JwtClaims {
            project_id: self.access.org_slug(&system),
            client_id: client.secret.client_id.clone(),
            iat,
            exp: iat.saturating_add(life),
            jti: Some(Uuid::new_v4()),
        };
        Ok(self.jwt_key().await?.sign(&claims))
    }

    /// Authenticates a JSON web token of the Instathings API; every failure gives the same error.
    pub async fn authenticate_jwt(&self, token: &str) -> Result<ClientAccess> {
        let now = self.clock.now();
        let claims = self.jwt_key().await?.verify(token, now).ok_or_else(invalid_token)?;
        let catalog = self.store.catalog();
        let client = catalog.clients.client_for_login(ClientApi::Instathings, &claims.client_id);
        let client = client.ok_or_else(invalid_token)?;
        let expires_at = claims.expires_at();
        let access = self.access(client, None, TokenRef::Jwt { expires_at }, expires_at)?;
        if self.access.org_slug(&access.principal) != claims.project_id {
            return Err(invalid_token());
        }
        Ok(access)
    }

    /// Issues a pair of tokens of Blynk's API. Tokens of a client with a user are that user's.
    pub async fn issue_tokens(
        &self,
        client_id: &str,
        secret: &str,
        grant: TokenGrant,
        origin: &Arc<RequestOrigin>,
    ) -> Result<TokenPair, TokenError> {
        let client = self.clients.authenticate_client(ClientApi::Blynk, client_id, secret);
        let client = client.map_err(|_| TokenError::InvalidClient)?;
        let lifetime = self.pair_lifetime;
        let (texts, hashes) = token::generate();
        let expires_at = later(self.clock.now(), lifetime);
        let catalog = self.store.catalog();
        let new = |user| NewToken { client: client.id, user, hashes, expires_at };
        let made = match grant {
            TokenGrant::ClientCredentials => {
                catalog.clients.create_token(new(client.spec.user), origin).await
            }
            TokenGrant::RefreshToken(refresh) => match token::parse(&refresh) {
                Some(refresh) => catalog.clients.refresh_token(&refresh, new(None), origin).await,
                None => return Err(TokenError::InvalidGrant),
            },
            TokenGrant::Password(login) => {
                if !client.spec.user_scoped {
                    return Err(TokenError::UnauthorizedClient);
                }
                let name = login.username.trim().to_owned();
                let user = self.sessions.verify_login(login, origin, |user| client.admits(user)).await;
                let made =
                    catalog.clients.create_token(new(Some(user.map_err(refused_grant)?.id)), origin).await;
                if made.is_ok() {
                    self.sessions.attempts.succeed(counted_name(&name), origin.address);
                }
                made
            }
        };
        made.map_err(refused_grant)?;
        let TokenTexts { access, refresh } = texts;
        Ok(TokenPair { access, refresh, lifetime })
    }

    /// Authenticates an access token of Blynk's API; every failure gives the same error.
    pub fn authenticate_access_token(&self, token: &str) -> Result<ClientAccess> {
        let hash = token::parse(token).ok_or_else(invalid_token)?;
        let catalog = self.store.catalog();
        let stored = catalog.clients.token_by_access(&hash, self.clock.now()).ok_or_else(invalid_token)?;
        let client = catalog.clients.client_of_token(&stored).ok_or_else(invalid_token)?;
        self.access(client, stored.user, TokenRef::Opaque(hash), stored.expires_at)
    }

    /// Reads the signing secret if there is one, so that an unusable one is reported at the start.
    pub async fn check_jwt_key(&self) -> Result<()> {
        if self.jwt_key_path.exists() {
            self.jwt_key().await?;
        }
        Ok(())
    }

    fn access(
        &self,
        client: Arc<Client>,
        user: Option<UserId>,
        token: TokenRef,
        expires_at: Micros,
    ) -> Result<ClientAccess> {
        let principal =
            self.store.catalog().clients.client_principal(client.id, user).ok_or_else(invalid_token)?;
        Ok(ClientAccess { principal, client, expires_at, token })
    }

    async fn jwt_key(&self) -> Result<&JwtKey> {
        let read = async || {
            Ok::<_, Error>(JwtKey::new(&secret_file::read_or_make(self.jwt_key_path.clone()).await?))
        };
        self.jwt_key.get_or_try_init(read).await
    }
}

fn invalid_token() -> Error {
    Error::new(Kind::Unauthenticated, "The access token is not valid or has expired.")
}

fn refused_grant(error: Error) -> TokenError {
    match error.kind {
        Kind::Unauthenticated => TokenError::InvalidGrant,
        _ => TokenError::Failed(error),
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
