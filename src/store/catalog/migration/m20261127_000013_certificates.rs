//! Migration: certificates of devices.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(certificates()).await?;
        // It also serves the cascade.
        let mut of_device = index("certificates_device_id", "certificates", &["device_id"]);
        manager.create_index(of_device.unique().take()).await
    }
}

fn certificates() -> TableCreateStatement {
    let mut certificates = table("certificates");
    certificates
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer("device_id"))
        .col(text("fingerprint"))
        .col(big_integer("issued_at"))
        .col(big_integer("expires_at"))
        .foreign_key(&mut reference("certificates", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("certificates", "device_id", "devices", ForeignKeyAction::Cascade));
    certificates
}
