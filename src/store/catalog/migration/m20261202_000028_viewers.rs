//! Migration: users who read and change nothing.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.has_column("users", "is_viewer").await? {
            return Ok(());
        }
        let column = ColumnDef::new("is_viewer").boolean().not_null().default(false).take();
        manager.alter_table(Table::alter().table("users").add_column(column).take()).await
    }
}
