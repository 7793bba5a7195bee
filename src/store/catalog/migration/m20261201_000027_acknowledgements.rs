//! Migration: who acknowledged an event, when, and with which note; versions of alert rules; preferences of users.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (column, definition) in
            [("acknowledged_at", "bigint NULL"), ("acknowledged_by", "text NULL"), ("note", "text NULL")]
        {
            add_column(manager, "events", column, definition).await?;
        }
        let db = manager.get_connection();
        db.execute_unprepared(&from_alerts(manager.get_database_backend())).await?;
        add_column(manager, "alert_rules", "version", "integer NOT NULL DEFAULT 1").await?;
        manager.create_table(preferences()).await?;
        let one_each = index("user_preferences_user_id", "user_preferences", &["user_id"]).unique().take();
        manager.create_index(one_each).await
    }
}

async fn add_column(
    manager: &SchemaManager<'_>,
    table: &str,
    column: &str,
    definition: &str,
) -> Result<(), DbErr> {
    if manager.has_column(table, column).await? {
        return Ok(());
    }
    let statement = format!("ALTER TABLE {table} ADD COLUMN {column} {definition}");
    manager.get_connection().execute_unprepared(&statement).await.map(drop)
}

/// Alerts had these in their column of JSON.
fn from_alerts(backend: DbBackend) -> String {
    let member = |name: &str| match backend {
        DbBackend::Postgres => format!("alert::json ->> '{name}'"),
        _ => format!("json_extract(alert, '$.{name}')"),
    };
    let (at, by, note) = (member("acknowledged_at"), member("acknowledged_by"), member("note"));
    format!(
        "UPDATE events SET acknowledged_at = CAST({at} AS bigint), acknowledged_by = {by}, note = {note} \
         WHERE alert IS NOT NULL AND acknowledged_at IS NULL AND acknowledged_by IS NULL AND note IS NULL"
    )
}

/// One row for each user who has stored any.
fn preferences() -> TableCreateStatement {
    let mut preferences = table("user_preferences");
    preferences
        .col(pk_auto("id"))
        .col(integer("user_id"))
        .col(text("body"))
        .col(big_integer("updated_at"))
        .foreign_key(&mut reference("user_preferences", "user_id", "users", ForeignKeyAction::Cascade));
    preferences
}
