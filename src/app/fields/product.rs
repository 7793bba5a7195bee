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
        self.create_product(principal, read_whole(fields)?).await
    }

    /// Replaces a product; absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn replace_product_from_fields(
        &self,
        principal: &Principal,
        id: ProductId,
        fields: FieldReader,
    ) -> Result<Arc<Product>> {
        self.product_to_change(principal, id)?;
        let spec = read_whole(fields)?;
        self.update_product(principal, id, move |stored| *stored = spec).await
    }

    /// Changes the given fields of a product.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn update_product_from_fields(
        &self,
        principal: &Principal,
        id: ProductId,
        patch: FieldReader,
    ) -> Result<Arc<Product>> {
        let current = self.product_to_change(principal, id)?;
        let (mut fields, mut changed) = (patch.clone(), current.spec.clone());
        read_product(&mut fields, &mut changed);
        fields.finish(changed.problems())?;
        // Merged again onto the row stored by then: concurrent updates of different fields must both last.
        self.update_product(principal, id, move |stored| read_product(&mut patch.clone(), stored)).await
    }
}

fn read_whole(mut fields: FieldReader) -> Result<ProductSpec> {
    let mut spec = ProductSpec::blank();
    read_product(&mut fields, &mut spec);
    fields.finish(spec.problems())?;
    Ok(spec)
}

fn read_product(fields: &mut FieldReader, spec: &mut ProductSpec) {
    spec.visit_fields(fields);
    fields.objects("templates", &mut spec.templates);
}
