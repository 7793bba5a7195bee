//! Clients: programs that call the API of another vendor with an id and a secret, and what they may do.

use std::collections::BTreeSet;

use super::caller::Caller;
pub use super::client_role::{Permission, Permissions, Role};
use super::mk_role::MkRole;
use super::named_enum::named_enum;
use super::org::User;
use super::validation::check_text;
use super::{ClientId, DeviceId, FieldError, Micros, OrgId, Principal, UserId};

named_enum! {
    /// API that a client calls.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum ClientApi {
        /// The Instathings cloud.
        Instathings = "instathings",
        /// Blynk's organization API.
        Blynk = "blynk",
        /// The MK platform.
        Mk = "mk",
    }
    display;
    field "api";
}

impl ClientApi {
    /// Roles that a client of this API can have.
    pub fn roles(self) -> &'static [Role] {
        match self {
            ClientApi::Instathings => &[],
            ClientApi::Blynk => &[Role::Viewer, Role::OrgViewer, Role::Operator, Role::Importer, Role::Admin],
            ClientApi::Mk => &[Role::Admin, Role::Member, Role::Readonly],
        }
    }
}

/// Settings of a client, all fixed at its creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSpec {
    /// API that the client calls.
    pub api: ClientApi,
    /// Purpose of the client, 1..=100 characters; not unique.
    pub name: String,
    /// User for whom the client acts, of the same organization; `None` is the organization.
    pub user: Option<UserId>,
    /// Role of the client or its users, one of the API's roles; `None` is everything.
    pub role: Option<Role>,
    /// Whether users get tokens of their own by their passwords.
    pub user_scoped: bool,
}

impl ClientSpec {
    /// Checks every rule that needs no other row.
    pub fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_text(&mut found, "name", &self.name, 1, 100);
        if let Some(role) = self.role.filter(|role| !self.api.roles().contains(role)) {
            let names: Vec<_> = self.api.roles().iter().map(|role| role.name()).collect();
            let valid = if names.is_empty() { "it has no roles".to_owned() } else { names.join(", ") };
            found.push(FieldError::new("role", format!("`{role}` is no role of {}: {valid}", self.api)));
        }
        if self.api != ClientApi::Blynk && (self.user.is_some() || self.user_scoped) {
            let message = format!("a client of {} acts for its organization", self.api);
            found.push(FieldError::new("user", message));
        }
        found
    }
}

/// The id of a new client and its secret in the form it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// Public id, 1..=100 visible ASCII characters without a colon, unique in the API over all organizations.
    pub client_id: String,
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
}

/// A client as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Row id.
    pub id: ClientId,
    /// Organization that the client belongs to.
    pub org: OrgId,
    /// Settings.
    pub spec: ClientSpec,
    /// Public id and hash of the secret.
    pub secret: ClientSecret,
    /// False once the client was revoked, which is final.
    pub enabled: bool,
    /// Time of creation.
    pub created_at: Micros,
    /// Time of the revocation.
    pub revoked_at: Option<Micros>,
}

impl Client {
    /// Permissions of the client's tokens.
    pub fn permissions(&self) -> Permissions {
        self.spec.role.map_or_else(Permissions::all, Role::permissions)
    }

    /// Whether a user may act through the client.
    pub fn admits(&self, user: &User) -> bool {
        user.enabled && user.org == self.org && self.spec.user.is_none_or(|only| only == user.id)
    }

    /// The principal of a token of this client, for a user if it is the user's. `owned` are the user's devices, which
    /// are all that it sees without the permission to see those of the organization.
    pub fn principal(&self, user: Option<&User>, owned: BTreeSet<DeviceId>) -> Principal {
        let permissions = self.permissions();
        let scopes = match self.spec.api {
            ClientApi::Mk => MkRole::of_key(self.spec.role).scopes(),
            ClientApi::Instathings | ClientApi::Blynk => permissions.scopes(),
        };
        Principal {
            org: self.org,
            caller: Caller::Client { client: self.id, user: user.map(|user| user.id) },
            scopes,
            devices: permissions.is_own_only().then_some(owned),
            streams: None,
            dashboards: None,
            origin: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_says_what_is_wrong() {
        let spec = |api| ClientSpec { api, name: "c".to_owned(), user: None, role: None, user_scoped: false };
        let rows = [
            ("plain", spec(ClientApi::Instathings), ""),
            ("with_a_role", ClientSpec { role: Some(Role::Operator), ..spec(ClientApi::Blynk) }, ""),
            ("of_another_api", ClientSpec { role: Some(Role::Viewer), ..spec(ClientApi::Mk) }, "role"),
            ("without_roles", ClientSpec { role: Some(Role::Admin), ..spec(ClientApi::Instathings) }, "role"),
            ("of_a_user", ClientSpec { user: Some(UserId(1)), ..spec(ClientApi::Mk) }, "user"),
            ("blank", ClientSpec { name: " ".to_owned(), ..spec(ClientApi::Blynk) }, "name"),
        ];
        for (name, spec, expected) in rows {
            let found: Vec<_> =
                spec.problems().into_iter().map(|problem| problem.field.to_string()).collect();
            assert_eq!(found.join(" "), expected, "{name}");
        }
    }
}
