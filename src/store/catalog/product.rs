//! Products in the catalog. Every organization has one for the devices that have no other.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait};

use super::catalog_core::CatalogCore;
use super::database::{unavailable, write_error};
use super::org::quota::QuotaDelta;
use super::transaction::DbTransaction;
use super::visibility::{VisibleCatalog, require_unrestricted};
use super::{entity, no_such_row, not_unique, trim};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::device::Device;
use crate::domain::pagination::Pagination;
use crate::domain::product::{DEFAULT_PRODUCT, Product, ProductSpec};
use crate::domain::validation::{MAX_OBJECT_BYTES, check_object};
use crate::domain::{Error, FieldError, Micros, OrgId, Principal, ProductId, Result};

/// Maximum size of a product's templates as JSON, bytes.
const MAX_TEMPLATE_BYTES: usize = 4 * MAX_OBJECT_BYTES;

/// Products of devices.
pub struct ProductCatalog {
    core: Arc<CatalogCore>,
}

impl ProductCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Products of the organization, by id ascending.
    pub fn products(&self, who: &Principal, page: Pagination) -> Vec<Arc<Product>> {
        let visible = self.core.visible_to(who);
        visible.mirror.products.rows_of(who.org).skip(page.offset).take(page.limit).cloned().collect()
    }

    /// Returns a product; `NotFound` when it is absent or of another organization.
    pub fn product(&self, who: &Principal, id: ProductId) -> Result<Arc<Product>> {
        self.core.visible_to(who).product(id).cloned()
    }

    /// The product of a device: its own, or that of the organization for devices without one.
    pub fn product_of(&self, device: &Device) -> Result<Arc<Product>> {
        let mirror = self.core.mirror.read();
        let own = device.spec.product.and_then(|id| mirror.products.get(id));
        let product = own.or_else(|| mirror.default_product(device.org));
        product.cloned().ok_or_else(|| Error::internal("an organization has no default product"))
    }

    /// Id of the product that the product of a device is derived from in the end: devices of variants of one product
    /// have the same.
    pub fn root_product_of(&self, device: &Device) -> Result<ProductId> {
        let mut product = self.product_of(device)?;
        let mirror = self.core.mirror.read();
        // No product is derived from itself, so this ends.
        while let Some(parent) = product.spec.parent.and_then(|id| mirror.products.get(id)) {
            product = Arc::clone(parent);
        }
        Ok(product.id)
    }

    /// Creates a product. `LimitReached` beyond the organization's quota.
    pub async fn create_product(&self, who: &Principal, mut spec: ProductSpec) -> Result<Arc<Product>> {
        require_unrestricted(who)?;
        trim(&mut spec.name);
        let transaction = self.core.begin_transaction().await?;
        check(&transaction.visible_to(who), &spec, None)?;
        self.core.check_quota(&transaction.mirror(), who.org, QuotaDelta::of_product(&spec, None))?;
        let row = entity::product::new(who.org, false, spec, self.core.clock.now());
        transaction
            .commit_change(
                who,
                async move |db| into_product(row.insert(&*db).await),
                |product| AuditChange::new(Action::Create, "product", product.id.0),
                |mirror, product| mirror.products.put(Arc::clone(product)),
            )
            .await
    }

    /// Changes a product atomically.
    pub async fn update_product(
        &self,
        who: &Principal,
        id: ProductId,
        change: impl FnOnce(&mut ProductSpec) + Send,
    ) -> Result<Arc<Product>> {
        require_unrestricted(who)?;
        let transaction = self.core.begin_transaction().await?;
        let stored = transaction.visible_to(who).product(id)?.clone();
        let mut spec = stored.spec.clone();
        change(&mut spec);
        trim(&mut spec.name);
        check(&transaction.visible_to(who), &spec, Some(&stored))?;
        let growth = QuotaDelta::of_product(&spec, Some(&stored.spec));
        self.core.check_quota(&transaction.mirror(), who.org, growth)?;
        let fields = stored.spec.differences(&spec);
        let row = entity::product::for_update(id, spec, self.core.clock.now());
        transaction
            .commit_change(
                who,
                async move |db| into_product(row.update(&*db).await),
                move |_| AuditChange::new(Action::Update, "product", id.0).with(fields),
                |mirror, product| mirror.products.put(Arc::clone(product)),
            )
            .await
    }

    /// Deletes a product. Its devices get the organization's default product, which itself cannot be deleted
    /// (`Conflict`); products derived from it are then derived from none.
    pub async fn delete_product(&self, who: &Principal, id: ProductId) -> Result<()> {
        require_unrestricted(who)?;
        let transaction = self.core.begin_transaction().await?;
        if transaction.visible_to(who).product(id)?.is_default {
            return Err(Error::conflict("the default product of an organization cannot be deleted"));
        }
        let delete = async move |db: DbTransaction| {
            entity::product::Entity::delete_by_id(id.0).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let audit = move |(): &()| AuditChange::new(Action::Delete, "product", id.0);
        transaction.commit_change(who, delete, audit, move |mirror, ()| mirror.remove_product(id)).await
    }
}

fn check(visible: &VisibleCatalog, spec: &ProductSpec, stored: Option<&Arc<Product>>) -> Result<()> {
    let mut problems = spec.problems();
    check_object(&mut problems, "metadata", &spec.metadata, stored.map(|product| &product.spec.metadata));
    let length = entity::to_json(&spec.templates).len();
    if length > MAX_TEMPLATE_BYTES {
        let message = format!(
            "Ensure this field has no more than {MAX_TEMPLATE_BYTES} bytes of JSON (it has {length})."
        );
        problems.push(FieldError::new("templates", message));
    }
    if let Some(parent) = spec.parent {
        if visible.product(parent).is_err() {
            problems.push(no_such_row("parent", parent));
        } else if stored.is_some_and(|product| is_derived_from(visible, parent, product.id)) {
            problems.push(FieldError::new("parent", "A product may not be derived from itself."));
        }
    }
    let namesake = visible.mirror.products.get_by_name(visible.who.org, &spec.name);
    if namesake.is_some_and(|other| Some(other.id) != stored.map(|product| product.id)) {
        problems.push(FieldError::new("name", "This field must be unique."));
    }
    Error::check(problems)
}

/// Whether `product` is `origin` or derived from it.
fn is_derived_from(visible: &VisibleCatalog, product: ProductId, origin: ProductId) -> bool {
    let mut next = Some(product);
    // No product is derived from itself, so this ends.
    while let Some(id) = next {
        if id == origin {
            return true;
        }
        next = visible.mirror.products.get(id).and_then(|product| product.spec.parent);
    }
    false
}

fn into_product(row: std::result::Result<entity::product::Model, DbErr>) -> Result<Arc<Product>> {
    Ok(Arc::new(row.map_err(|e| write_error(e, || not_unique("name")))?.try_into()?))
}

/// Inserts the default product of a new organization.
pub(super) async fn insert_default(
    db: &impl ConnectionTrait,
    org: OrgId,
    now: Micros,
) -> Result<Arc<Product>> {
    let row = entity::product::new(org, true, ProductSpec::new(DEFAULT_PRODUCT), now);
    into_product(row.insert(db).await)
}

/// Gives every organization without products its default product, by id ascending: that of the first organization has
/// the id 1.
pub(super) async fn ensure_defaults(db: &impl ConnectionTrait, now: Micros) -> Result<()> {
    use sea_orm::QueryOrder;
    let owners = entity::product::Entity::find().all(db).await.map_err(unavailable)?;
    let orgs = entity::org::Entity::find().order_by_asc(entity::org::Column::Id);
    for org in orgs.all(db).await.map_err(unavailable)? {
        if !owners.iter().any(|product| product.org_id == org.id && product.is_default) {
            insert_default(db, OrgId(org.id), now).await?;
        }
    }
    Ok(())
}
