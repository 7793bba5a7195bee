//! Migration: models, their versions and files.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(models()).await?;
        // One model per stream; this index also serves the cascade, as does the next.
        manager.create_index(index("models_stream_id", "models", &["stream_id"]).unique().take()).await?;
        manager.create_index(index("models_device_id", "models", &["device_id"])).await?;
        manager.create_table(versions()).await?;
        let numbered = &["model_id", "number"];
        manager
            .create_index(index("model_versions_model_id_number", "model_versions", numbered).unique().take())
            .await?;
        manager.create_table(files()).await
    }
}

fn models() -> TableCreateStatement {
    let mut models = table("models");
    models
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer("device_id"))
        .col(integer("stream_id"))
        .col(boolean("enabled"))
        // Number of the current version; highest number ever assigned.
        .col(integer("number"))
        .col(integer("newest"))
        .col(text("progress"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .foreign_key(&mut reference("models", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("models", "device_id", "devices", ForeignKeyAction::Cascade))
        .foreign_key(&mut reference("models", "stream_id", "streams", ForeignKeyAction::Cascade));
    models
}

fn versions() -> TableCreateStatement {
    let mut versions = table("model_versions");
    versions
        .col(pk_auto("id"))
        .col(integer("model_id"))
        .col(integer("number"))
        .col(text("settings"))
        .col(text("model"))
        .col(text("scaler"))
        .col(big_integer("created_at"))
        .foreign_key(&mut reference("model_versions", "model_id", "models", ForeignKeyAction::Cascade));
    versions
}

/// A table of its own, so that listing versions does not read megabytes.
fn files() -> TableCreateStatement {
    let mut files = table("model_files");
    files
        .col(integer("id").primary_key())
        .col(blob("model"))
        .col(blob("scaler"))
        .foreign_key(&mut reference("model_files", "id", "model_versions", ForeignKeyAction::Cascade));
    files
}
