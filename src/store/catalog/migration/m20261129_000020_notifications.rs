//! Migration: secrets of documents, of which notification channels are the first.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite cannot add a column `IF NOT EXISTS`.
        if manager.has_column("documents", "secret").await? {
            return Ok(());
        }
        let add = Table::alter().table("documents").add_column(text_null("secret")).take();
        manager.alter_table(add).await
    }
}
