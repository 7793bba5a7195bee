//! Terminal grants: issues and redeems them, and publishes the key with which a terminal service verifies them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::access::{AccessControl, require_system};
use super::audit::AuditLog;
use super::core_parts::CoreParts;
use super::{AppSettings, secret_file};
use crate::auth::grant::{self, GrantKey};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::caller::Caller;
use crate::domain::grant::{Grant, GrantSpec};
use crate::domain::time::MICROS_PER_SECOND;
use crate::domain::{Clock, Error, Micros, Principal, Resource, Result, Scope};
use crate::store::Store;

const KEY_FILE: &str = "terminal.key";

/// Terminal grants.
pub struct TerminalGrants {
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    access: Arc<AccessControl>,
    audit: Arc<AuditLog>,
    /// How long a grant is valid, whole seconds.
    lifetime: Duration,
    key_path: PathBuf,
    /// Read or created on first use.
    key: OnceCell<GrantKey>,
}

impl TerminalGrants {
    pub(super) fn new(
        parts: &CoreParts,
        access: Arc<AccessControl>,
        audit: Arc<AuditLog>,
        settings: &AppSettings,
    ) -> Self {
        Self {
            store: parts.store.clone(),
            clock: parts.clock.clone(),
            access,
            audit,
            lifetime: settings.host.grant_ttl,
            key_path: settings.data_dir.join(KEY_FILE),
            key: OnceCell::new(),
        }
    }

    /// Requires a principal that may issue and redeem grants.
    pub fn check_may_grant(&self, principal: &Principal) -> Result<()> {
        self.access.require_host(principal, Scope::write(Resource::WebrtcTerminal))
    }

    /// Issues a grant and returns it with its token.
    pub async fn issue_grant(&self, principal: &Principal, spec: GrantSpec) -> Result<(Grant, String)> {
        self.check_may_grant(principal)?;
        Error::check(spec.problems())?;
        let issued_s = self.clock.now().0.div_euclid(MICROS_PER_SECOND);
        let life_s = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let grant = Grant {
            id: Uuid::new_v4(),
            spec,
            subject: subject(principal),
            issued_at: Micros(issued_s * MICROS_PER_SECOND),
            expires_at: Micros(issued_s.saturating_add(life_s).saturating_mul(MICROS_PER_SECOND)),
        };
        let token = self.grant_key().await?.sign(&grant);
        self.audit.audit(principal, AuditChange::new(Action::Create, "terminal-grant", None)).await?;
        tracing::info!(grant = %grant.id, by = %principal.caller, host = grant.spec.host_id, "terminal grant issued");
        Ok((grant, token))
    }

    /// Redeems a token and returns its grant. A second redemption is refused, also after a restart.
    pub async fn redeem_grant(&self, principal: &Principal, token: &str) -> Result<Grant> {
        self.check_may_grant(principal)?;
        let grant = self.grant_key().await?.verify(token, self.clock.now())?;
        if !self.store.catalog().clients.redeem_grant(grant.id, grant.expires_at).await? {
            return Err(grant::invalid_token());
        }
        self.audit.audit(principal, AuditChange::new(Action::Delete, "terminal-grant", None)).await?;
        tracing::info!(grant = %grant.id, by = %principal.caller, "terminal grant redeemed");
        Ok(grant)
    }

    /// Returns the public keys as a JWK set. They need no authentication, because they are not secret.
    pub async fn grant_keys(&self) -> Result<Value> {
        Ok(json!({"keys": [self.grant_key().await?.jwk()]}))
    }

    /// Reads the signing key if there is one, so that an unusable key is reported at the start.
    pub async fn check_grant_key(&self, principal: &Principal) -> Result<()> {
        require_system(principal)?;
        if self.key_path.exists() {
            self.grant_key().await?;
        }
        Ok(())
    }

    async fn grant_key(&self) -> Result<&GrantKey> {
        let read = async || {
            Ok::<_, Error>(GrantKey::from_seed(&secret_file::read_or_make(self.key_path.clone()).await?))
        };
        self.key.get_or_try_init(read).await
    }
}

/// Returns the subject of a grant: the bare id of an API key, or the kind and id of any other caller.
fn subject(principal: &Principal) -> String {
    match principal.caller {
        Caller::Key(id) => id.to_string(),
        other @ (Caller::User(_)
        | Caller::Client { .. }
        | Caller::Subject(_)
        | Caller::Device(_)
        | Caller::System) => other.to_string(),
    }
}
