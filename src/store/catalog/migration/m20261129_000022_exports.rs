//! Migration: exports.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(exports()).await?;
        let by_uuid = index("exports_uuid", "exports", &["uuid"]).unique().take();
        manager.create_index(by_uuid).await?;
        manager.create_index(index("exports_org_id", "exports", &["org_id"])).await?;
        manager.create_index(index("exports_status", "exports", &["status"])).await
    }
}

fn exports() -> TableCreateStatement {
    let mut exports = table("exports");
    exports
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(text("uuid"))
        .col(text("scope_type"))
        .col(text("scope_id"))
        .col(big_integer("from_ts"))
        .col(big_integer("to_ts"))
        .col(text("includes"))
        .col(text("status"))
        .col(text("requested_by"))
        .col(text("access"))
        .col(text("error"))
        .col(big_integer_null("size_bytes"))
        .col(big_integer_null("reading_count"))
        .col(big_integer_null("annotation_count"))
        .col(big_integer("created_at"))
        .col(big_integer_null("completed_at"))
        .foreign_key(&mut reference("exports", "org_id", "orgs", ForeignKeyAction::Restrict));
    exports
}
