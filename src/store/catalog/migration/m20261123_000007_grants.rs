//! Migration: redeemed terminal grants.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::table;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut grants = table("redeemed_grants");
        grants.col(text("id").primary_key()).col(big_integer("expires_at"));
        manager.create_table(grants).await
    }
}
