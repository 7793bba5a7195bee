//! The only role in `pg_catalog`: every connection has it, whatever its user name. Rights come from the API key, not
//! from the role.

use async_trait::async_trait;
use datafusion_pg_catalog::pg_catalog::context::{PgCatalogContextProvider, Role};

/// The owner of everything, as `pg_get_userbyid` and `session_user` name it.
const ROLE_NAME: &str = "postgres";

#[derive(Debug, Clone)]
pub(super) struct Roles;

#[async_trait]
impl PgCatalogContextProvider for Roles {
    async fn roles(&self) -> Vec<String> {
        vec![ROLE_NAME.to_owned()]
    }

    async fn role(&self, name: &str) -> Option<Role> {
        (name == ROLE_NAME).then(|| Role {
            name: ROLE_NAME.to_owned(),
            is_superuser: false,
            can_login: true,
            can_create_db: false,
            can_create_role: false,
            can_create_user: false,
            can_replication: false,
            grants: Vec::new(),
            inherited_roles: Vec::new(),
        })
    }
}
