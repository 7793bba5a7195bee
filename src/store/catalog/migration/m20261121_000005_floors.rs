//! Migration: retention floors, below which rows are permanently removed, including those of deleted streams and
//! devices.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::table;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// No foreign key: a floor outlives its stream, so that the rows of deleted streams leave the disk.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut floors = table("floors");
        floors
            .col(text("lake_table"))
            .col(integer("source_id"))
            .col(big_integer("kept_from"))
            .primary_key(Index::create().col("lake_table").col("source_id"));
        manager.create_table(floors).await
    }
}
