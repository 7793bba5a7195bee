//! Migration: the dashboards that a key is limited to.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.has_column("keys", "allowed_dashboards").await? {
            return Ok(());
        }
        let add = Table::alter().table("keys").add_column(text_null("allowed_dashboards")).take();
        manager.alter_table(add).await
    }
}
