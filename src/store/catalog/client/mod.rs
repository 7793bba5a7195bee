//! Clients of the vendors' APIs, looked up by their public id. Secrets are verified in auth/, not here.

pub(super) mod grant;
pub(super) mod token;
pub(super) mod token_index;

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::{ActiveModelTrait, DbErr, Set};

use self::token::delete_client_tokens;
use super::catalog_core::CatalogCore;
use super::database::write_error;
use super::mirror::Mirror;
use super::org::quota::QuotaDelta;
use super::transaction::DbTransaction;
use super::visibility::require_unrestricted;
use super::{entity, not_unique, trim};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::client::{Client, ClientApi, ClientSecret, ClientSpec};
use crate::domain::token::Token;
use crate::domain::{ClientId, Error, FieldError, Principal, Result, UserId};

/// Clients of OAuth, their tokens, and redeemed grants of terminals.
pub struct ClientCatalog {
    core: Arc<CatalogCore>,
}

impl ClientCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Clients of the principal's organization by id ascending, revoked ones included; empty for a restricted key.
    pub fn clients(&self, who: &Principal) -> Vec<Arc<Client>> {
        self.core.visible_to(who).clients()
    }

    /// Clients by id ascending, for who may read the whole audit log: superusers, and keys without lists. Others see none, as
    /// they see no users and keys.
    pub fn clients_for_audit(&self, who: &Principal) -> Vec<Arc<Client>> {
        if self.core.may_read_audit_log(who) { self.clients(who) } else { Vec::new() }
    }

    /// Returns a client; `NotFound` when it is absent or not visible.
    pub fn client(&self, who: &Principal, id: ClientId) -> Result<Arc<Client>> {
        self.core.visible_to(who).client(id).cloned()
    }

    /// Creates a client in the principal's organization.
    pub async fn create_client(
        &self,
        who: &Principal,
        mut spec: ClientSpec,
        secret: ClientSecret,
    ) -> Result<Arc<Client>> {
        require_unrestricted(who)?;
        trim(&mut spec.name);
        let transaction = self.core.begin_transaction().await?;
        check(&transaction.mirror(), who, &spec, &secret)?;
        self.core.check_quota(&transaction.mirror(), who.org, QuotaDelta::of_client(&spec))?;
        let row = entity::client::new(who.org, spec, secret, self.core.clock.now());
        transaction
            .commit_change(
                who,
                async move |db| into_client(row.insert(&*db).await),
                |client| AuditChange::new(Action::Create, "client", client.id.0),
                |mirror, client| mirror.clients.put(Arc::clone(client)),
            )
            .await
    }

    /// Disables a client permanently and ends its tokens; idempotent.
    pub async fn revoke_client(&self, who: &Principal, id: ClientId) -> Result<Arc<Client>> {
        let transaction = self.core.begin_transaction().await?;
        let stored = transaction.visible_to(who).client(id)?.clone();
        if !stored.enabled {
            return Ok(stored);
        }
        let row = entity::client::ActiveModel {
            id: Set(id.0),
            enabled: Set(false),
            revoked_at: Set(Some(self.core.clock.now().0)),
            ..Default::default()
        };
        let revoke = async move |db: DbTransaction| {
            delete_client_tokens(&db, id).await?;
            into_client(row.update(&*db).await)
        };
        let audit = |client: &Arc<Client>| AuditChange::new(Action::Revoke, "client", client.id.0);
        let apply = |mirror: &mut Mirror, client: &Arc<Client>| {
            mirror.tokens.remove_of_client(client.id);
            mirror.clients.put(Arc::clone(client));
        };
        transaction.commit_change(who, revoke, audit, apply).await
    }

    /// Looks up a client for authentication, without a principal. The client may be revoked.
    pub fn client_for_login(&self, api: ClientApi, client_id: &str) -> Option<Arc<Client>> {
        self.core.mirror.read().clients.get_by_name(api, client_id).cloned()
    }

    /// The client that a token was issued to.
    pub fn client_of_token(&self, token: &Token) -> Option<Arc<Client>> {
        self.core.mirror.read().clients.get(token.client).cloned()
    }

    /// The principal of a token of this client, and for a user if the token is the user's. `None` when the client was
    /// revoked, or the user is disabled or deleted.
    pub fn client_principal(&self, id: ClientId, user: Option<UserId>) -> Option<Principal> {
        let mirror = self.core.mirror.read();
        let client = mirror.clients.get(id).filter(|client| client.enabled)?;
        let user = match user {
            Some(user) => Some(mirror.users().get(user).filter(|user| client.admits(user))?),
            None => None,
        };
        let owned: BTreeSet<_> = match user {
            Some(user) if client.permissions().is_own_only() => mirror.devices.owned_by(&user.name).collect(),
            _ => BTreeSet::new(),
        };
        Some(client.principal(user.map(|user| &**user), owned))
    }
}

fn check(mirror: &Mirror, who: &Principal, spec: &ClientSpec, secret: &ClientSecret) -> Result<()> {
    let mut problems = spec.problems();
    if let Some(user) = spec.user
        && mirror.users().get(user).is_none_or(|user| user.org != who.org)
    {
        problems.push(FieldError::new("user", "There is no such user in this organization."));
    }
    Error::check(problems)?;
    match mirror.clients.get_by_name(spec.api, &secret.client_id) {
        Some(_) => Err(not_unique("client_id")),
        None => Ok(()),
    }
}

fn into_client(row: std::result::Result<entity::client::Model, DbErr>) -> Result<Arc<Client>> {
    Ok(Arc::new(row.map_err(|e| write_error(e, || not_unique("client_id")))?.try_into()?))
}
