//! Migration: readings that were not accepted.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(quarantine()).await?;
        let by_uuid = index("quarantine_uuid", "quarantine", &["uuid"]).unique().take();
        manager.create_index(by_uuid).await?;
        let of_org = index("quarantine_org_id_received_at", "quarantine", &["org_id", "received_at"]);
        manager.create_index(of_org).await?;
        // Counts and sums are read from this index alone, not from the rows with their payloads.
        manager.create_index(index("quarantine_org_id_bytes", "quarantine", &["org_id", "bytes"])).await?;
        manager.create_index(index("quarantine_received_at", "quarantine", &["received_at"])).await?;
        // The next two also serve the cascades.
        manager.create_index(index("quarantine_device_id", "quarantine", &["device_id"])).await?;
        manager.create_index(index("quarantine_stream_id", "quarantine", &["stream_id"])).await
    }
}

fn quarantine() -> TableCreateStatement {
    let mut quarantine = table("quarantine");
    quarantine
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer_null("device_id"))
        .col(integer_null("stream_id"))
        .col(text("uuid"))
        .col(text("topic"))
        .col(text("reason"))
        .col(text("detail"))
        .col(text("payload"))
        .col(big_integer("bytes"))
        .col(big_integer("received_at"))
        .foreign_key(&mut reference("quarantine", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("quarantine", "device_id", "devices", ForeignKeyAction::Cascade))
        .foreign_key(&mut reference("quarantine", "stream_id", "streams", ForeignKeyAction::SetNull));
    quarantine
}
