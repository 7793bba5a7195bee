//! Organizations: created by the server's administrator only, never deleted.

pub(super) mod plan;
pub(super) mod quota;
pub(super) mod reading_counts;

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter};
use uuid::Uuid;

use self::quota::OrgLimits;
use self::reading_counts::ReadingCounts;
use super::catalog_core::CatalogCore;
use super::database::{unavailable, write_error};
use super::mirror::Mirror;
use super::transaction::DbTransaction;
use super::visibility::require_administrator;
use super::{entity, not_unique, product};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::org::{DEFAULT_ORG, Org, slug_problems};
use crate::domain::product::Product;
use crate::domain::validation::check_text;
use crate::domain::{Error, Micros, OrgId, Principal, Result};

/// Organizations, their plans and quotas, and the readings that they sent.
pub struct OrgCatalog {
    core: Arc<CatalogCore>,
    /// Accepted readings, not yet written to the database.
    reading_counts: ReadingCounts,
}

impl OrgCatalog {
    pub(super) fn new(core: Arc<CatalogCore>, reading_counts: ReadingCounts) -> Self {
        Self { core, reading_counts }
    }

    /// Sets the limits for future changes. Existing rows stay.
    pub fn set_org_limits(&self, limits: OrgLimits) {
        *self.core.limits.write() = limits;
    }

    /// The organization that every installation starts with.
    pub fn default_org(&self) -> OrgId {
        self.core.default_org
    }

    /// Number of organizations.
    pub fn org_count(&self) -> usize {
        self.core.mirror.read().orgs.len()
    }

    /// Organizations by id ascending; empty unless the caller is the administrator.
    pub fn orgs(&self, who: &Principal) -> Vec<Arc<Org>> {
        if require_administrator(who).is_err() {
            return Vec::new();
        }
        self.core.mirror.read().orgs.rows_of(()).cloned().collect()
    }

    /// Returns an organization by slug, for the administrator.
    pub fn org_by_slug(&self, who: &Principal, slug: &str) -> Result<Arc<Org>> {
        require_administrator(who)?;
        self.core.mirror.read().orgs.get_by_name((), slug).cloned().ok_or_else(Error::not_found)
    }

    /// For authentication: the organization with this UUID.
    pub fn org_by_uuid(&self, uuid: Uuid) -> Option<Arc<Org>> {
        self.core.mirror.read().orgs.rows_of(()).find(|org| org.uuid == uuid).cloned()
    }

    /// The principal's own organization.
    pub fn org_of(&self, who: &Principal) -> Option<Arc<Org>> {
        self.core.mirror.read().orgs.get(who.org).cloned()
    }

    /// Creates an organization, for the administrator.
    pub async fn create_org(&self, who: &Principal, slug: &str, name: &str) -> Result<Arc<Org>> {
        require_administrator(who)?;
        let (slug, name) = (slug.trim(), name.trim());
        let mut problems = slug_problems(slug);
        check_text(&mut problems, "name", name, 1, 100);
        Error::check(problems)?;
        let transaction = self.core.begin_transaction().await?;
        if transaction.visible_to(who).mirror.orgs.get_by_name((), slug).is_some() {
            return Err(not_unique("slug"));
        }
        let now = self.core.clock.now();
        let row = entity::org::new(slug, name, now);
        let insert = async move |db: DbTransaction| {
            let row = row.insert(&*db).await.map_err(|e| write_error(e, || not_unique("slug")))?;
            let org = Arc::new(Org::from(row));
            let product = product::insert_default(&*db, org.id, now).await?;
            Ok((org, product))
        };
        let audit = |(org, _): &(Arc<Org>, _)| AuditChange::new(Action::Create, "organization", org.id.0);
        let apply = |mirror: &mut Mirror, (org, product): &(Arc<Org>, Arc<Product>)| {
            mirror.orgs.put(Arc::clone(org));
            mirror.products.put(Arc::clone(product));
        };
        transaction.commit_change(who, insert, audit, apply).await.map(|(org, _)| org)
    }
}

/// Returns the id of the organization `default`, creating it on the first start.
pub(super) async fn ensure_default(db: &DatabaseConnection, now: Micros) -> Result<OrgId> {
    let by_slug = entity::org::Entity::find().filter(entity::org::Column::Slug.eq(DEFAULT_ORG));
    let row = match by_slug.one(db).await.map_err(unavailable)? {
        Some(row) => row,
        None => entity::org::new(DEFAULT_ORG, "Default", now).insert(db).await.map_err(unavailable)?,
    };
    Ok(OrgId(row.id))
}
