//! Migrations that add a column to a table.

use futures::future::BoxFuture;
use sea_orm_migration::prelude::*;

/// Adds a column, which rows that are there have with its default.
pub(super) struct AddedColumn {
    name: &'static str,
    table: &'static str,
    column: &'static str,
    /// Type and constraints.
    definition: &'static str,
}

/// The news that a notification tells of its alert. Those that are there tell that it fired.
pub(super) const NOTICE_OF_NOTIFICATION: AddedColumn = AddedColumn {
    name: "m20261128_000001_notice_of_notification",
    table: "alert_notification",
    column: "notice",
    definition: "text NOT NULL DEFAULT 'alert.fired'",
};

/// Until when the readings of an alert rule that had waited for their time are decided.
pub(super) const DECIDED_DUE: AddedColumn = AddedColumn {
    name: "m20261128_000002_decided_due",
    table: "alert_rules",
    column: "decided_due",
    definition: "bigint",
};

impl MigrationName for AddedColumn {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for AddedColumn {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let AddedColumn { table, column, definition, .. } = self;
        // Boxed: the future of the trait method holds a pointer instead of the types of the driver.
        let run: BoxFuture<'_, _> = Box::pin(async {
            // A start may have been interrupted before the migration was noted.
            if manager.has_column(*table, *column).await? {
                return Ok(());
            }
            let statement = format!("ALTER TABLE {table} ADD COLUMN {column} {definition};");
            manager.get_connection().execute_unprepared(&statement).await.map(drop)
        });
        run.await
    }
}
