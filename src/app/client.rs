//! Clients of the vendors' APIs: their administration, and the principals of their secrets.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::access::{AccessControl, require_system};
use super::core_parts::CoreParts;
use crate::auth::client;
use crate::domain::client::{Client, ClientApi, ClientSecret, ClientSpec, Role};
use crate::domain::{ClientId, Error, FieldError, Kind, Principal, Result};
use crate::store::Store;

/// A request for a new client, with names as they are typed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClientRequest {
    pub api: String,
    pub name: String,
    /// Name of the user for whom the client acts.
    pub user: Option<String>,
    pub role: Option<String>,
}

/// A command on clients; they are those of the organization that is acted in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCommand {
    Create(ClientRequest),
    List,
    /// `api` names the client's API where one of each API has this id.
    Revoke {
        api: Option<String>,
        client_id: String,
    },
}

impl ClientCommand {
    /// Returns the command as it is typed.
    pub fn name(&self) -> &'static str {
        match self {
            ClientCommand::Create(_) => "basalt client create",
            ClientCommand::List => "basalt client list",
            ClientCommand::Revoke { .. } => "basalt client revoke",
        }
    }
}

/// A client without its secret. Times are ISO-8601.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientLine {
    pub id: i32,
    pub client_id: String,
    pub api: String,
    pub name: String,
    /// Name of the user for whom the client acts.
    pub user: Option<String>,
    pub role: Option<String>,
    pub user_scoped: bool,
    pub enabled: bool,
    pub created_at: String,
    pub revoked_at: Option<String>,
}

/// Clients of the vendors' APIs.
pub struct Clients {
    store: Arc<Store>,
    access: Arc<AccessControl>,
}

impl Clients {
    pub(super) fn new(parts: &CoreParts, access: Arc<AccessControl>) -> Self {
        Self { store: parts.store.clone(), access }
    }

    /// Returns the fields of a client as they are shown.
    pub fn client_line(&self, client: &Client) -> ClientLine {
        ClientLine {
            id: client.id.0,
            client_id: client.secret.client_id.clone(),
            api: client.spec.api.name().to_owned(),
            name: client.spec.name.clone(),
            user: client.spec.user.and_then(|user| self.store.catalog().users.user_name(user)),
            role: client.spec.role.map(|role| role.name().to_owned()),
            user_scoped: client.spec.user_scoped,
            enabled: client.enabled,
            created_at: client.created_at.to_iso(),
            revoked_at: client.revoked_at.map(|at| at.to_iso()),
        }
    }

    /// Creates a client in the principal's organization; its secret is returned only here. A Blynk client with a user
    /// or a role gives tokens to users: to that user, or to every user of the organization.
    pub async fn issue_client(
        &self,
        principal: &Principal,
        request: &ClientRequest,
    ) -> Result<(Arc<Client>, String)> {
        self.access.require_superuser(principal)?;
        let spec = self.client_spec(principal, request)?;
        let (secret, stored) = client::generate(spec.api);
        let client = self.store.catalog().clients.create_client(principal, spec, stored).await?;
        Ok((client, secret))
    }

    /// Returns the clients of the principal's organization, by id; revoked ones are included.
    pub fn clients(&self, principal: &Principal) -> Result<Vec<Arc<Client>>> {
        self.access.require_superuser(principal)?;
        Ok(self.store.catalog().clients.clients(principal))
    }

    /// Returns a client of the principal's organization, revoked or not; `NotFound` when it is absent.
    pub fn client(&self, principal: &Principal, id: ClientId) -> Result<Arc<Client>> {
        self.access.require_superuser(principal)?;
        self.store.catalog().clients.client(principal, id)
    }

    /// Disables a client of the principal's organization permanently; its tokens end at once.
    pub async fn revoke_client(&self, principal: &Principal, id: ClientId) -> Result<Arc<Client>> {
        self.access.require_superuser(principal)?;
        self.store.catalog().clients.revoke_client(principal, id).await
    }

    /// Disables a client by its public id, which may belong to one client of each API. Otherwise like
    /// [`Clients::revoke_client`].
    pub async fn revoke_client_named(
        &self,
        principal: &Principal,
        api: Option<&str>,
        client_id: &str,
    ) -> Result<Arc<Client>> {
        require_system(principal)?;
        let api = api.map(str::parse::<ClientApi>).transpose()?;
        let clients = self.clients(principal)?;
        let wanted = |client: &&Arc<Client>| {
            client.secret.client_id == client_id && api.is_none_or(|api| client.spec.api == api)
        };
        let found: Vec<_> = clients.iter().filter(wanted).collect();
        match found[..] {
            [one] => self.revoke_client(principal, one.id).await,
            [] => Err(Error::field("client_id", format!("there is no client `{client_id}`"))),
            _ => {
                let apis: Vec<_> = found.iter().map(|client| client.spec.api.name()).collect();
                let message =
                    format!("`{client_id}` is a client of {}: name one with --api", apis.join(" and "));
                Err(Error::field("client_id", message))
            }
        }
    }

    /// Creates the client that the operator chose (such as `BASALT_BOOTSTRAP_BLYNK=id:secret`) in the organization
    /// `default` at the first start, unless one of this id exists. One that was revoked since stays revoked.
    pub async fn bootstrap_client(&self, api: ClientApi, secret: ClientSecret) -> Result<()> {
        let catalog = self.store.catalog();
        if let Some(stored) = catalog.clients.client_for_login(api, &secret.client_id) {
            if stored.secret != secret {
                tracing::warn!(
                    api = api.name(),
                    client_id = secret.client_id,
                    "this client exists with another secret, which stays; revoke it and preset another id"
                );
            }
            return Ok(());
        }
        if !self.access.may_preset(&format!("BASALT_BOOTSTRAP_{}", api.name().to_uppercase())).await? {
            return Ok(());
        }
        let name = "bootstrap".to_owned();
        let spec = ClientSpec { api, name, user: None, role: None, user_scoped: false };
        catalog.clients.create_client(&self.access.system(None)?, spec, secret).await?;
        Ok(())
    }

    /// Returns the enabled client of an id and its secret; every failure gives the same error.
    pub fn authenticate_client(&self, api: ClientApi, client_id: &str, secret: &str) -> Result<Arc<Client>> {
        let stored = self.store.catalog().clients.client_for_login(api, client_id);
        let is_right = client::matches(stored.as_ref().map(|client| &client.secret), secret);
        let found = stored.filter(|client| is_right && client.enabled);
        found.ok_or_else(|| Error::new(Kind::Unauthenticated, "Client ID is not found or password is wrong."))
    }

    fn client_spec(&self, principal: &Principal, request: &ClientRequest) -> Result<ClientSpec> {
        let ClientRequest { api, name, user, role } = request;
        let mut problems = Vec::new();
        let api = api.parse::<ClientApi>().map_err(|error| problems.extend(error.fields)).ok();
        let role = role.as_deref().map(str::parse::<Role>).transpose();
        let role = role.map_err(|error| problems.extend(error.fields)).ok().flatten();
        let user = user.as_deref().and_then(|name| {
            let found =
                self.store.catalog().users.user_for_login(name).filter(|user| user.org == principal.org);
            if found.is_none() {
                problems.push(FieldError::new("user", format!("User \"{name}\" does not exist.")));
            }
            found.map(|user| user.id)
        });
        Error::check(problems)?;
        let api = api.ok_or_else(|| Error::internal("a valid API name could not be parsed"))?;
        let user_scoped = api == ClientApi::Blynk && (user.is_some() || role.is_some());
        // What acts for a person gets the least that a person may have, unless more is asked for.
        let role = role.or(user.filter(|_| api == ClientApi::Blynk).map(|_| Role::Viewer));
        Ok(ClientSpec { api, name: name.clone(), user, role, user_scoped })
    }
}

/// Returns the stored form of a preset client, or why the text cannot be one; `variable` is where it is from.
pub fn client_preset(variable: &'static str, text: &str) -> Result<ClientSecret> {
    client::parse_preset(variable, text)
}

/// Returns the stored form of a preset key of the MK platform, or why the text cannot be one; `variable` is where it is
/// from.
pub fn mk_key_preset(variable: &'static str, text: &str) -> Result<ClientSecret> {
    client::parse_mk_preset(variable, text)
}
