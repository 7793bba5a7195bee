//! Organizations: made by the server's administrator only, never deleted.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter};

use super::database::{refused, unavailable};
use super::sight::administrator;
use super::turn::Work;
use super::{Catalog, entity, not_unique};
use crate::domain::audit::{Action, Change};
use crate::domain::check::check_text;
use crate::domain::org::{DEFAULT_ORG, Org, slug_problems};
use crate::domain::{Error, Micros, OrgId, Principal, Result};

impl Catalog {
    /// The organization every installation begins with.
    pub fn default_org(&self) -> OrgId {
        self.default_org
    }

    pub fn org_count(&self) -> usize {
        self.mirror.read().orgs.len()
    }

    /// By id ascending; none unless the administrator asks.
    pub fn orgs(&self, who: &Principal) -> Vec<Arc<Org>> {
        if administrator(who).is_err() {
            return Vec::new();
        }
        self.mirror.read().orgs.of(()).cloned().collect()
    }

    pub fn org_by_slug(&self, who: &Principal, slug: &str) -> Result<Arc<Org>> {
        administrator(who)?;
        self.mirror.read().orgs.named((), slug).cloned().ok_or_else(Error::not_found)
    }

    /// The principal's own.
    pub fn org_of(&self, who: &Principal) -> Option<Arc<Org>> {
        self.mirror.read().orgs.get(who.org).cloned()
    }

    pub async fn create_org(&self, who: &Principal, slug: &str, name: &str) -> Result<Arc<Org>> {
        administrator(who)?;
        let (slug, name) = (slug.trim(), name.trim());
        let mut problems = slug_problems(slug);
        check_text(&mut problems, "name", name, 1, 100);
        Error::check(problems)?;
        let turn = self.turn().await?;
        if turn.sight(who).mirror.orgs.named((), slug).is_some() {
            return Err(not_unique("slug"));
        }
        let row = entity::org::new(slug, name, self.clock.now());
        let insert = async move |db: Work| {
            let row = row.insert(&*db).await.map_err(|e| refused(e, || not_unique("slug")))?;
            Ok(Arc::new(Org::from(row)))
        };
        let told = |org: &Arc<Org>| Change::new(Action::Create, "organization", org.id.0);
        turn.change(who, insert, told, |mirror, org| mirror.orgs.put(Arc::clone(org))).await
    }
}

/// The id of the organization `default`, made now if this is the first start.
pub(super) async fn ensure_default(db: &DatabaseConnection, now: Micros) -> Result<OrgId> {
    let by_slug = entity::org::Entity::find().filter(entity::org::Column::Slug.eq(DEFAULT_ORG));
    let row = match by_slug.one(db).await.map_err(unavailable)? {
        Some(row) => row,
        None => entity::org::new(DEFAULT_ORG, "Default", now).insert(db).await.map_err(unavailable)?,
    };
    Ok(OrgId(row.id))
}
