//! Migration: event log and retention policies.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(events()).await?;
        manager.create_index(index("events_org_id_ts", "events", &["org_id", "ts"])).await?;
        // The next two also serve the cascades: without them deleting a device would scan the log.
        manager.create_index(index("events_device_id", "events", &["device_id"])).await?;
        manager.create_index(index("events_stream_id", "events", &["stream_id"])).await?;
        manager.create_table(policies()).await?;
        let (of_org, of_stream) = one_policy_each();
        manager.create_index(of_org).await?;
        manager.create_index(of_stream).await
    }
}

fn events() -> TableCreateStatement {
    let mut events = table("events");
    events
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer_null("device_id"))
        .col(integer_null("stream_id"))
        .col(text("kind"))
        .col(text("level"))
        .col(big_integer("ts"))
        .col(text("message"))
        .col(text("url"))
        .col(text("payload"))
        .col(boolean("acknowledged"))
        .col(big_integer("created_at"))
        .foreign_key(&mut reference("events", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("events", "device_id", "devices", ForeignKeyAction::SetNull))
        .foreign_key(&mut reference("events", "stream_id", "streams", ForeignKeyAction::SetNull));
    events
}

fn policies() -> TableCreateStatement {
    let mut policies = table("policies");
    policies
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(text("hypertable"))
        .col(integer_null("stream_id"))
        .col(big_integer("drop_after_s"))
        .foreign_key(&mut reference("policies", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("policies", "stream_id", "streams", ForeignKeyAction::Cascade));
    policies
}

/// One policy per table, for the organization and for each stream. Two partial indexes, because a unique index treats
/// every null as a different value.
fn one_policy_each() -> (IndexCreateStatement, IndexCreateStatement) {
    let mut of_org =
        index("policies_org_id_hypertable", "policies", &["org_id", "hypertable"]).unique().take();
    of_org.and_where(Expr::col("stream_id").is_null());
    let mut of_stream =
        index("policies_stream_id_hypertable", "policies", &["stream_id", "hypertable"]).unique().take();
    of_stream.and_where(Expr::col("stream_id").is_not_null());
    (of_org, of_stream)
}
