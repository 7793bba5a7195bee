//! Migration: commands.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(commands()).await?;
        // It also serves the cascade.
        manager.create_index(index("commands_device_id", "commands", &["device_id"])).await
    }
}

fn commands() -> TableCreateStatement {
    let mut commands = table("commands");
    commands
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer("device_id"))
        .col(text("uuid"))
        .col(text("key"))
        .col(text("kind"))
        .col(text("params"))
        .col(text("state"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("sent_at"))
        .col(big_integer_null("acked_at"))
        .col(big_integer_null("done_at"))
        .col(text("result"))
        .col(text("error"))
        .foreign_key(&mut reference("commands", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("commands", "device_id", "devices", ForeignKeyAction::Cascade));
    commands
}
