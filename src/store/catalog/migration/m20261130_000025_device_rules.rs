//! Migration: alert rules on the state of a device, and how many alerts a rule raised in an hour.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;

use super::{index, reference, table};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// The columns that rules had before.
const KEPT: &str = "id, org_id, stream_id, uuid, name, spec, first_seq, decided_until, fired_at, open_event_id, \
                    created_at, updated_at";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.has_column("alert_rules", "device_id").await? {
            return manager.create_index(by_device()).await;
        }
        let statements = match manager.get_database_backend() {
            DbBackend::Postgres => on_postgres(),
            _ => on_sqlite(),
        };
        manager.get_connection().execute_unprepared(&statements).await?;
        manager.create_index(by_device()).await
    }
}

/// It serves the cascade.
fn by_device() -> IndexCreateStatement {
    index("alert_rules_device_id", "alert_rules", &["device_id"])
}

/// PostgreSQL runs a migration in one transaction. The column that is asked for comes last.
fn on_postgres() -> String {
    "ALTER TABLE alert_rules ALTER COLUMN stream_id DROP NOT NULL; \
     ALTER TABLE alert_rules ADD COLUMN IF NOT EXISTS budget_hour bigint NOT NULL DEFAULT 0; \
     ALTER TABLE alert_rules ADD COLUMN IF NOT EXISTS budget_raised bigint NOT NULL DEFAULT 0; \
     ALTER TABLE alert_rules ADD COLUMN IF NOT EXISTS suppressed bigint NOT NULL DEFAULT 0; \
     ALTER TABLE alert_rules ADD COLUMN IF NOT EXISTS device_id integer NULL \
     CONSTRAINT alert_rules_device_id_fkey REFERENCES devices (id) ON DELETE CASCADE;"
        .to_owned()
}

/// SQLite cannot make a column nullable, so the table is made anew, in one transaction of one connection. Foreign keys are
/// off meanwhile: otherwise the events of rules would lose them with the former table.
fn on_sqlite() -> String {
    let create = rules().to_string(SqliteQueryBuilder);
    let indexes = [
        index("alert_rules_uuid", "alert_rules", &["uuid"]).unique().take(),
        index("alert_rules_org_id_name", "alert_rules", &["org_id", "name"]).unique().take(),
        index("alert_rules_stream_id", "alert_rules", &["stream_id"]),
        index("alert_rules_open_event_id", "alert_rules", &["open_event_id"]),
    ];
    let indexes = indexes.map(|index| index.to_string(SqliteQueryBuilder)).join("; ");
    format!(
        "PRAGMA foreign_keys = OFF; BEGIN; {create}; \
         INSERT INTO new_alert_rules ({KEPT}) SELECT {KEPT} FROM alert_rules; \
         DROP TABLE alert_rules; ALTER TABLE new_alert_rules RENAME TO alert_rules; {indexes}; \
         COMMIT; PRAGMA foreign_keys = ON;"
    )
}

fn rules() -> TableCreateStatement {
    let mut rules = table("new_alert_rules");
    rules
        .col(pk_auto("id"))
        .col(integer("org_id"))
        .col(integer_null("stream_id"))
        .col(uuid("uuid"))
        .col(text("name"))
        .col(text("spec"))
        .col(big_integer("first_seq"))
        .col(big_integer_null("decided_until"))
        .col(big_integer_null("fired_at"))
        .col(integer_null("open_event_id"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .col(big_integer("budget_hour").default(0))
        .col(big_integer("budget_raised").default(0))
        .col(big_integer("suppressed").default(0))
        .col(integer_null("device_id"))
        .foreign_key(&mut reference("alert_rules", "org_id", "orgs", ForeignKeyAction::Restrict))
        .foreign_key(&mut reference("alert_rules", "stream_id", "streams", ForeignKeyAction::Cascade))
        .foreign_key(&mut reference("alert_rules", "device_id", "devices", ForeignKeyAction::Cascade))
        .foreign_key(&mut reference("alert_rules", "open_event_id", "events", ForeignKeyAction::SetNull));
    rules
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectOptions, Database, DatabaseConnection};
    use sea_orm_migration::MigratorTrait;

    use super::*;
    use crate::store::catalog::migration::Migrator;

    async fn count(db: &DatabaseConnection, sql: &str) -> i64 {
        let statement = sea_orm::Statement::from_string(DbBackend::Sqlite, sql.to_owned());
        let row = db.query_one_raw(statement).await.expect("the database answers").expect("a row");
        row.try_get_by_index(0).expect("a number")
    }

    #[tokio::test]
    async fn rules_and_their_alerts_outlive_the_new_table() {
        let mut options = ConnectOptions::new("sqlite::memory:");
        options.max_connections(1);
        let db = Database::connect(options).await.expect("a database");
        let here = Migrator::migrations().iter().position(|one| one.name() == Migration.name());
        let before = here.expect("it is listed") as u32;
        Migrator::up(&db, Some(before)).await.expect("a catalog as it was");
        db.execute_unprepared(
            "PRAGMA foreign_keys = OFF; \
             INSERT INTO alert_rules (id, org_id, stream_id, uuid, name, spec, first_seq, created_at, updated_at) \
             VALUES (7, 1, 5, x'00000000000000000000000000000007', 'hot', '{}', 9, 1, 1); \
             INSERT INTO events (id, org_id, kind, level, ts, message, url, payload, acknowledged, created_at, uuid, \
             rule_id) VALUES (3, 1, 'alert', 'info', 1, '', '', '{}', 0, 1, x'03', 7); \
             PRAGMA foreign_keys = ON;",
        )
        .await
        .expect("a rule with an alert");
        Migrator::up(&db, None).await.expect("the catalog as it is");
        assert_eq!(count(&db, "SELECT stream_id FROM alert_rules WHERE id = 7 AND suppressed = 0").await, 5);
        assert_eq!(
            count(&db, "SELECT rule_id FROM events WHERE id = 3").await,
            7,
            "the alert keeps its rule"
        );
        let names = "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND tbl_name = 'alert_rules' \
                     AND name LIKE 'alert_rules_%'";
        assert_eq!(count(&db, names).await, 5);
        assert_eq!(count(&db, "PRAGMA foreign_keys").await, 1);
        for (table, parent) in
            [("alert_rules", "devices"), ("alert_rules", "streams"), ("events", "alert_rules")]
        {
            let list = format!(
                "SELECT count(*) FROM pragma_foreign_key_list('{table}') WHERE \"table\" = '{parent}'"
            );
            assert_eq!(count(&db, &list).await, 1, "{table} refers to {parent}");
        }
    }
}
