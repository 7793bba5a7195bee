//! Migration: alert rules, what alerts have beside events, the position of their evaluation, and the notifications that
//! are to be sent.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// UUID of an event that has none yet.
const NO_UUID: &str = "00000000-0000-0000-0000-000000000000";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(rules()).await?;
        let by_uuid = index("alert_rules_uuid", "alert_rules", &["uuid"]).unique().take();
        manager.create_index(by_uuid).await?;
        let one_name = index("alert_rules_org_id_name", "alert_rules", &["org_id", "name"]).unique().take();
        manager.create_index(one_name).await?;
        // The next two serve the actions of the references.
        manager.create_index(index("alert_rules_stream_id", "alert_rules", &["stream_id"])).await?;
        manager.create_index(index("alert_rules_open_event_id", "alert_rules", &["open_event_id"])).await?;
        add_event_columns(manager).await?;
        manager.create_index(index("events_uuid", "events", &["uuid"]).unique().take()).await?;
        let by_status = index("events_org_id_alert_status", "events", &["org_id", "alert_status", "ts"]);
        manager.create_index(by_status).await?;
        manager.create_index(index("events_rule_id", "events", &["rule_id"])).await?;
        manager.create_table(checkpoint()).await?;
        manager.create_table(notifications()).await?;
        let due = index("alert_notification_due", "alert_notification", &["status", "next_attempt_at"]);
        manager.create_index(due).await?;
        manager.create_index(index("alert_notification_alert_id", "alert_notification", &["alert_id"])).await
    }
}

fn rules() -> TableCreateStatement {
    let mut rules = table("alert_rules");
    rules
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer("stream_id"))
        .col(uuid("uuid"))
        .col(text("name"))
        .col(text("spec"))
        .col(big_integer("first_seq"))
        .col(big_integer_null("decided_until"))
        .col(big_integer_null("fired_at"))
        .col(integer_null("open_event_id"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .foreign_key(&mut reference("alert_rules", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("alert_rules", "stream_id", "streams", ForeignKeyAction::Cascade))
        .foreign_key(&mut reference("alert_rules", "open_event_id", "events", ForeignKeyAction::SetNull));
    rules
}

/// The one row says up to which record of the log rules are evaluated, and what they remember there.
fn checkpoint() -> TableCreateStatement {
    let mut checkpoint = table("alert_checkpoint");
    checkpoint
        .col(pk_auto("id"))
        .col(big_integer("next_seq"))
        .col(big_integer("stored_at"))
        .col(blob("states"));
    checkpoint
}

fn notifications() -> TableCreateStatement {
    let mut notifications = table("alert_notification");
    notifications
        .col(uuid("id").primary_key())
        .col(integer("org_id"))
        .col(integer("alert_id"))
        .col(uuid("channel_id"))
        .col(text("status"))
        .col(integer("attempts"))
        .col(big_integer_null("next_attempt_at"))
        .col(text_null("error"))
        .col(big_integer_null("sent_at"))
        .col(big_integer("created_at"))
        .foreign_key(&mut reference("alert_notification", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("alert_notification", "alert_id", "events", ForeignKeyAction::Cascade));
    notifications
}

/// SQLite keeps UUIDs as 16 bytes, PostgreSQL has a type for them.
async fn add_event_columns(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let (no_uuid, new_uuid) = match manager.get_database_backend() {
        DbBackend::Postgres => (format!("'{NO_UUID}'"), "gen_random_uuid()"),
        _ => ("x'00000000000000000000000000000000'".to_owned(), "randomblob(16)"),
    };
    let uuid_type = match manager.get_database_backend() {
        DbBackend::Postgres => "uuid",
        _ => "blob",
    };
    for (column, definition) in [
        ("uuid", format!("{uuid_type} NOT NULL DEFAULT {no_uuid}")),
        ("source", "text NOT NULL DEFAULT 'USER'".to_owned()),
        ("rule_id", "integer NULL REFERENCES alert_rules (id) ON DELETE SET NULL".to_owned()),
        ("alert_status", "text NULL".to_owned()),
        ("alert", "text NULL".to_owned()),
    ] {
        if !manager.has_column("events", column).await? {
            let statement = format!("ALTER TABLE events ADD COLUMN \"{column}\" {definition}");
            manager.get_connection().execute_unprepared(&statement).await?;
        }
    }
    let db = manager.get_connection();
    db.execute_unprepared(&format!("UPDATE events SET uuid = {new_uuid} WHERE uuid = {no_uuid}")).await?;
    // Events of models are the only ones that the server wrote by itself so far.
    db.execute_unprepared("UPDATE events SET source = 'SYSTEM' WHERE kind = 'anomaly'").await.map(drop)
}
