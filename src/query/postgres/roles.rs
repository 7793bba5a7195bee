//! The one role that `pg_catalog` tells of: whoever is connected, whatever name they came by. What they may is their key's
//! business, and no role's.

use async_trait::async_trait;
use datafusion_pg_catalog::pg_catalog::context::{PgCatalogContextProvider, Role};

/// As `pg_get_userbyid` and `session_user` name the owner of everything.
const NAME: &str = "postgres";

#[derive(Debug, Clone)]
pub(super) struct Roles;

#[async_trait]
impl PgCatalogContextProvider for Roles {
    async fn roles(&self) -> Vec<String> {
        vec![NAME.to_owned()]
    }

    async fn role(&self, name: &str) -> Option<Role> {
        (name == NAME).then(|| Role {
            name: NAME.to_owned(),
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
