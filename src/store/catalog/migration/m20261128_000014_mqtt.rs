//! Migration: sessions and retained messages of MQTT.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(sessions()).await?;
        let mut named = index("mqtt_sessions_owner_client_id", "mqtt_sessions", &["owner", "client_id"]);
        manager.create_index(named.unique().take()).await?;
        // The cascade looks for rows of a device.
        manager.create_index(index("mqtt_sessions_device_id", "mqtt_sessions", &["device_id"])).await?;
        manager.create_table(retained()).await?;
        let mut of_topic = index("mqtt_retained_org_id_topic", "mqtt_retained", &["org_id", "topic"]);
        manager.create_index(of_topic.unique().take()).await?;
        manager.create_index(index("mqtt_retained_device_id", "mqtt_retained", &["device_id"])).await
    }
}

fn sessions() -> TableCreateStatement {
    let mut sessions = table("mqtt_sessions");
    sessions
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer_null("device_id"))
        .col(text("owner"))
        .col(text("client_id"))
        .col(text("subscriptions"))
        .col(big_integer("expiry_s"))
        .col(big_integer_null("ended_at"))
        .col(text_null("will"))
        .col(text_null("cursor"))
        .foreign_key(&mut reference("mqtt_sessions", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("mqtt_sessions", "device_id", "devices", ForeignKeyAction::Cascade));
    sessions
}

fn retained() -> TableCreateStatement {
    let mut retained = table("mqtt_retained");
    retained
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer("device_id"))
        .col(text("topic"))
        .col(blob("payload"))
        .col(integer("qos"))
        .col(big_integer("stored_at"))
        .foreign_key(&mut reference("mqtt_retained", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("mqtt_retained", "device_id", "devices", ForeignKeyAction::Cascade));
    retained
}
