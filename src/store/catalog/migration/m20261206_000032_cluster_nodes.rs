//! Migration: the nodes of a cluster. The mirror does not hold them, so a renewal must not raise the version of the catalog: the
//! table has no trigger.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::table;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut nodes = table("cluster_nodes");
        nodes
            .col(text("id").primary_key())
            .col(text("role"))
            .col(text_null("url"))
            .col(text("version"))
            .col(big_integer("started_at"))
            .col(big_integer("renewed_at"));
        manager.create_table(nodes).await
    }
}
