//! Migration: registration tokens of devices; serial number, authority and revocation of certificates.

use sea_orm::ConnectionTrait;
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (column, definition) in
            [("serial", "text NULL"), ("authority", "text NULL"), ("revoked_at", "bigint NULL")]
        {
            if !manager.has_column("certificates", column).await? {
                let statement = format!("ALTER TABLE certificates ADD COLUMN \"{column}\" {definition}");
                manager.get_connection().execute_unprepared(&statement).await?;
            }
        }
        manager.create_table(registrations()).await?;
        let by_uuid = index("registrations_uuid", "registrations", &["uuid"]).unique().take();
        manager.create_index(by_uuid).await?;
        // It serves the cascade.
        manager.create_index(index("registrations_device_id", "registrations", &["device_id"])).await
    }
}

fn registrations() -> TableCreateStatement {
    let mut registrations = table("registrations");
    registrations
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer("device_id"))
        .col(uuid("uuid"))
        .col(binary("hash"))
        .col(text("state"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .foreign_key(&mut reference("registrations", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("registrations", "device_id", "devices", ForeignKeyAction::Cascade));
    registrations
}
