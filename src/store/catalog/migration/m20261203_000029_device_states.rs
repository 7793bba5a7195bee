//! Migration: changes of the states of devices, and when the server that records them was last there.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(device_states()).await?;
        // It also serves the cascade.
        let of_device = index("device_states_device_id_at", "device_states", &["device_id", "at"]);
        manager.create_index(of_device).await?;
        manager.create_index(index("device_states_at", "device_states", &["at"])).await?;
        manager.create_table(server_heartbeat()).await
    }
}

fn device_states() -> TableCreateStatement {
    let mut states = table("device_states");
    states
        .col(pk_auto("id"))
        .col(integer("device_id"))
        .col(big_integer("at"))
        .col(text_null("state"))
        .col(text_null("error"))
        .foreign_key(&mut reference("device_states", "device_id", "devices", ForeignKeyAction::Cascade));
    states
}

fn server_heartbeat() -> TableCreateStatement {
    let mut heartbeat = table("server_heartbeat");
    heartbeat.col(pk_auto("id")).col(big_integer("at"));
    heartbeat
}
