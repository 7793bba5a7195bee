//! Migration: captures, clips and live sessions of cameras.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(media_jobs()).await?;
        manager.create_index(index("media_jobs_uuid", "media_jobs", &["uuid"]).unique().take()).await?;
        // They serve the cascades.
        manager.create_index(index("media_jobs_device_id", "media_jobs", &["device_id"])).await?;
        manager.create_index(index("media_jobs_camera_id", "media_jobs", &["camera_id"])).await
    }
}

fn media_jobs() -> TableCreateStatement {
    let mut jobs = table("media_jobs");
    jobs.col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer("device_id"))
        .col(integer("camera_id"))
        .col(uuid("uuid"))
        .col(text("kind"))
        .col(text("state"))
        .col(text("content"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .foreign_key(&mut reference("media_jobs", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("media_jobs", "device_id", "devices", ForeignKeyAction::Cascade))
        .foreign_key(&mut reference("media_jobs", "camera_id", "documents", ForeignKeyAction::Cascade));
    jobs
}
