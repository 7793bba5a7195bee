//! Migration: history of a stream's statistics windows.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.has_column("streams", "windows").await? {
            return Ok(());
        }
        let add = Table::alter().table("streams").add_column(text_null("windows")).take();
        manager.alter_table(add).await
    }
}
