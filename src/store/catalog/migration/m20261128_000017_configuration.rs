//! Migration: uploaded objects, what devices report about bindings, and who created a command.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(objects()).await?;
        manager.create_index(index("objects_uuid", "objects", &["uuid"]).unique().take()).await?;
        manager.create_table(binding_reports()).await?;
        let one_each =
            index("binding_reports_binding_device_id", "binding_reports", &["binding", "device_id"]);
        manager.create_index(one_each.clone().unique().take()).await?;
        // It serves the cascade.
        manager.create_index(index("binding_reports_device_id", "binding_reports", &["device_id"])).await?;
        if manager.has_column("commands", "created_by").await? {
            return Ok(());
        }
        let created_by = Table::alter()
            .table("commands")
            .add_column(ColumnDef::new("created_by").text().not_null().default(""))
            .take();
        manager.alter_table(created_by).await
    }
}

fn objects() -> TableCreateStatement {
    let mut objects = table("objects");
    objects
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(text("uuid"))
        .col(text("file_name"))
        .col(text("content_type"))
        .col(big_integer("size_bytes"))
        .col(text("sha256"))
        .col(big_integer("created_at"))
        .col(big_integer("upload_until"))
        .col(big_integer_null("stored_at"))
        .foreign_key(&mut reference("objects", "org_id", "orgs", ForeignKeyAction::Restrict));
    objects
}

fn binding_reports() -> TableCreateStatement {
    let mut reports = table("binding_reports");
    reports
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer("device_id"))
        .col(text("binding"))
        .col(text("artefact"))
        .col(integer("version"))
        .col(text("status"))
        .col(text_null("hash"))
        .col(text_null("message"))
        .col(big_integer("reported_at"))
        .foreign_key(&mut reference("binding_reports", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("binding_reports", "device_id", "devices", ForeignKeyAction::Cascade));
    reports
}
