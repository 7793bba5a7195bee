//! Registrations of devices in the catalog, and the certificates to which they lead.

pub(super) mod certificate;
pub(super) mod certificate_index;
pub(super) mod registration;
pub(super) mod registration_index;
mod registration_state;

use std::sync::Arc;

use super::catalog_core::CatalogCore;

/// Certificates of devices, and registrations by which devices come to them.
pub struct ProvisioningCatalog {
    core: Arc<CatalogCore>,
}

impl ProvisioningCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }
}
