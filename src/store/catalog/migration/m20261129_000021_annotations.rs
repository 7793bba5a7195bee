//! Migration: annotations. They are many and looked for by time, so they are no documents.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(annotations()).await?;
        let by_uuid = index("annotations_uuid", "annotations", &["uuid"]).unique().take();
        manager.create_index(by_uuid).await?;
        // Overlaps with a range are found in this index alone.
        let times = &["org_id", "start_time", "until_time"];
        manager.create_index(index("annotations_org_id_start_time", "annotations", times)).await?;
        // The next four also serve the references.
        for (name, column) in [
            ("annotations_class_id", "class_id"),
            ("annotations_document_id", "document_id"),
            ("annotations_device_id", "device_id"),
            ("annotations_stream_id", "stream_id"),
        ] {
            manager.create_index(index(name, "annotations", &[column, "start_time"])).await?;
        }
        Ok(())
    }
}

fn annotations() -> TableCreateStatement {
    let mut annotations = table("annotations");
    annotations
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(uuid("uuid"))
        .col(integer("class_id"))
        .col(text("scope_type"))
        .col(uuid("scope_uuid"))
        .col(integer_null("document_id"))
        .col(integer_null("device_id"))
        .col(integer_null("stream_id"))
        .col(big_integer("start_time"))
        .col(big_integer_null("end_time"))
        .col(big_integer("until_time"))
        .col(text("content"))
        .col(text("source"))
        .col(double_null("confidence"))
        .col(text_null("note"))
        .col(text("created_by"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .foreign_key(&mut reference("annotations", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("annotations", "class_id", "documents", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("annotations", "document_id", "documents", ForeignKeyAction::Cascade))
        .foreign_key(&mut reference("annotations", "device_id", "devices", ForeignKeyAction::Cascade))
        .foreign_key(&mut reference("annotations", "stream_id", "streams", ForeignKeyAction::Cascade));
    annotations
}
