//! User type of the schema; only superusers can read users.

use std::sync::Arc;

use async_graphql::{Enum, ID, Object};
use serde::Serialize;

use crate::api::graphql::ids::NodeType;
use crate::api::graphql::object::object;
use crate::api::graphql::scalars::DateTime;
use crate::domain::{org, user_role};

/// A person who logs in with a password.
pub struct User(pub Arc<org::User>);

/// Role of a user in the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize)]
#[graphql(remote = "user_role::UserRole", rename_items = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum UserRole {
    /// The user may not log in here; clients of vendors' APIs may act for it.
    None,
    /// Reads everything of the organization and changes nothing but the own password and preferences.
    Viewer,
    /// Reads and changes everything of the organization but users, keys, clients and the audit log.
    Staff,
    /// Reads and changes everything of the organization.
    Superuser,
}

object! {
    #[Object]
    /// A person who logs in with a password.
    impl User(self) {
        /// Global id, unique across all object types: `node(id:)` returns the user.
        id: ID = NodeType::User.id(self.0.id.0);
        /// Row number, as shown by REST.
        row_id: i32 = self.0.id.0;
        /// Name to log in with; unique over all organizations.
        username: &str = &self.0.name;
        /// Role of the user.
        role: UserRole = self.0.role().into();
        /// Whether the user may log in.
        enabled: bool = self.0.enabled;
        /// Time of creation.
        created_at: DateTime = DateTime(self.0.created_at);
    }
}
