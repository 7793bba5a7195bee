//! The fields of a product. Its stream templates are objects and are given beside the list, as `templates`.

use std::sync::Arc;

use super::noun::Noun;
use super::reader::FieldReader;
use super::visitor::FieldVisitor;
use super::visitor::Presence::{Optional, Required};
use crate::app::product::Products;
use crate::domain::product::{Product, ProductSpec};
use crate::domain::{Principal, ProductId, Result};

impl Noun for ProductSpec {
    fn blank() -> Self {
        ProductSpec::new("")
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        // All fields by name: one that is missing here does not compile.
        let ProductSpec { name, parent, metadata, templates: _ } = self;
        visitor.visit("name", Required, 1..=100, name);
        visitor.visit_row_or_null("parent", ProductId, parent);
        visitor.visit("metadata", Optional, (), metadata);
    }
}

impl Products {
    /// Creates a product; absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn create_product_from_fields(
        &self,
        principal: &Principal,
        fields: FieldReader,
    ) -> Result<Arc<Product>> {
        self.check_may_change_products(principal)?;
        self.create_product(principal, read_checked(fields, &ProductSpec::blank())?).await
    }

    /// Changes the given fields of a product. A whole row replaces it: absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn update_product_from_fields(
        &self,
        principal: &Principal,
        id: ProductId,
        given: FieldReader,
    ) -> Result<Arc<Product>> {
        let current = self.product_to_change(principal, id)?;
        read_checked(given.clone(), &current.spec)?;
        // Read again onto the row stored by then: concurrent updates of different fields must both last.
        let change = move |stored: &mut ProductSpec| *stored = read_product(&mut given.clone(), stored);
        self.update_product(principal, id, change).await
    }
}

/// Reads the fields of a new product, or of a change of a stored one, and checks them.
fn read_checked(mut fields: FieldReader, stored: &ProductSpec) -> Result<ProductSpec> {
    let spec = read_product(&mut fields, stored);
    fields.finish(spec.problems())?;
    Ok(spec)
}

fn read_product(fields: &mut FieldReader, stored: &ProductSpec) -> ProductSpec {
    let mut spec = fields.read_changed(stored);
    fields.objects("templates", &mut spec.templates);
    spec
}
