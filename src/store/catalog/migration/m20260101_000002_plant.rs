//! Migration: devices, groups and streams.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(devices()).await?;
        manager
            .create_index(index("devices_org_id_name", "devices", &["org_id", "name"]).unique().take())
            .await?;
        manager.create_table(groups()).await?;
        manager
            .create_index(index("groups_org_id_name", "groups", &["org_id", "name"]).unique().take())
            .await?;
        manager.create_table(streams()).await?;
        let one_name_a_device =
            index("streams_device_id_name", "streams", &["device_id", "name"]).unique().take();
        manager.create_index(one_name_a_device).await?;
        manager.create_index(index("streams_group_id", "streams", &["group_id"])).await
    }
}

fn devices() -> TableCreateStatement {
    let mut devices = table("devices");
    devices
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(uuid("uuid"))
        .col(text("name"))
        .col(text("protocol"))
        .col(text("host"))
        .col(integer_null("port"))
        .col(integer("unit"))
        .col(text("username"))
        .col(text("password"))
        .col(double("timeout_s"))
        .col(double_null("poll_interval_s"))
        .col(text("byteorder"))
        .col(boolean("enabled"))
        .col(text("metadata"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .foreign_key(&mut reference("devices", "org_id", "orgs", ForeignKeyAction::Restrict));
    devices
}

fn groups() -> TableCreateStatement {
    let mut groups = table("groups");
    groups
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(text("name"))
        .col(text("description"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .foreign_key(&mut reference("groups", "org_id", "orgs", ForeignKeyAction::Restrict));
    groups
}

fn streams() -> TableCreateStatement {
    let mut streams = table("streams");
    streams
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(uuid("uuid"))
        .col(integer("device_id"))
        .col(integer_null("group_id"))
        .col(text("name"))
        .col(text("path"))
        .col(text("kind"))
        .col(text("access_mode"))
        .col(double_null("poll_interval_s"))
        .col(text("unit"))
        .col(double("scale"))
        .col(double("offset"))
        .col(text_null("byteorder"))
        .col(boolean("enabled"))
        .col(double_null("deadband"))
        .col(integer_null("statistics_interval_s"))
        .col(text("metadata"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .foreign_key(&mut reference("streams", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("streams", "device_id", "devices", ForeignKeyAction::Cascade))
        .foreign_key(&mut reference("streams", "group_id", "groups", ForeignKeyAction::SetNull));
    streams
}
