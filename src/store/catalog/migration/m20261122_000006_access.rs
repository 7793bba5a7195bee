//! Migration: sessions and the audit log.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(sessions()).await?;
        manager.create_index(index("sessions_hash", "sessions", &["hash"]).unique().take()).await?;
        manager.create_index(index("sessions_user_id", "sessions", &["user_id"])).await?;
        manager.create_table(audit_log()).await?;
        manager.create_index(index("audit_log_org_id_ts", "audit_log", &["org_id", "ts"])).await?;
        manager.create_index(index("audit_log_ts", "audit_log", &["ts"])).await
    }
}

fn sessions() -> TableCreateStatement {
    let mut sessions = table("sessions");
    sessions
        .col(pk_auto("id"))
        .col(integer("user_id"))
        .col(binary("hash"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .foreign_key(&mut reference("sessions", "user_id", "users", ForeignKeyAction::Cascade));
    sessions
}

/// The audit log refers to rows by kind and id, without foreign keys, because it outlives them.
fn audit_log() -> TableCreateStatement {
    let mut log = table("audit_log");
    log.col(pk_auto("id"))
        .col(big_integer("ts"))
        .col(big_integer("until"))
        .col(integer_null("org_id"))
        .col(text_null("actor"))
        .col(text_null("actor_name"))
        .col(text("action"))
        .col(text_null("kind"))
        .col(integer_null("row_id"))
        .col(text("fields"))
        .col(text("request"))
        .col(text("outcome"))
        .col(text_null("address"))
        .col(text("request_id"))
        .col(big_integer("count"));
    log
}
