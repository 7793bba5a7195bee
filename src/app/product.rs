//! Products: the types of devices.

use std::sync::Arc;

use super::core_parts::CoreParts;
use crate::domain::device::Device;
use crate::domain::pagination::Pagination;
use crate::domain::product::{Product, ProductSpec};
use crate::domain::{Error, Principal, ProductId, Resource, Result, Scope};
use crate::store::Store;

/// Products of an organization; each device is of one.
pub struct Products {
    store: Arc<Store>,
}

impl Products {
    pub(super) fn new(parts: &CoreParts) -> Self {
        Self { store: parts.store.clone() }
    }

    /// Returns the products of the principal's organization, by id.
    pub fn products(&self, principal: &Principal, page: Pagination) -> Result<Vec<Arc<Product>>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().products.products(principal, page))
    }

    /// Returns a product of the principal's organization; `NotFound` when it is absent.
    pub fn product(&self, principal: &Principal, id: ProductId) -> Result<Arc<Product>> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().products.product(principal, id)
    }

    /// Returns the product of a device that the caller has already been given.
    pub fn product_of(&self, device: &Device) -> Result<Arc<Product>> {
        self.store.catalog().products.product_of(device)
    }

    /// Returns the product for a principal that may change it.
    pub fn product_to_change(&self, principal: &Principal, id: ProductId) -> Result<Arc<Product>> {
        self.check_may_change_products(principal)?;
        self.store.catalog().products.product(principal, id)
    }

    /// Requires a principal that may change products. A restricted key may not: they belong to the whole organization.
    pub fn check_may_change_products(&self, principal: &Principal) -> Result<()> {
        principal.require(Scope::write(Resource::Device))?;
        if principal.is_restricted() {
            return Err(Error::forbidden("a key restricted to some devices or data cannot change products"));
        }
        Ok(())
    }

    /// Creates a product; `LimitReached` beyond the organization's quota.
    pub async fn create_product(&self, principal: &Principal, spec: ProductSpec) -> Result<Arc<Product>> {
        self.check_may_change_products(principal)?;
        self.store.catalog().products.create_product(principal, spec).await
    }

    /// Changes a product as it is stored at that moment.
    pub async fn update_product(
        &self,
        principal: &Principal,
        id: ProductId,
        change: impl FnOnce(&mut ProductSpec) + Send,
    ) -> Result<Arc<Product>> {
        self.check_may_change_products(principal)?;
        self.store.catalog().products.update_product(principal, id, change).await
    }

    /// Deletes a product; its devices get the default product of the organization.
    pub async fn delete_product(&self, principal: &Principal, id: ProductId) -> Result<()> {
        self.check_may_change_products(principal)?;
        self.store.catalog().products.delete_product(principal, id).await
    }
}
