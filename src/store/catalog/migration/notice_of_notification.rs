//! Migration: what a notification tells of its alert. Those that are there tell that it fired.

use futures::future::BoxFuture;
use sea_orm_migration::prelude::*;

const TABLE: &str = "alert_notification";
const COLUMN: &str = "notice";
const STATEMENT: &str =
    "ALTER TABLE alert_notification ADD COLUMN notice text NOT NULL DEFAULT 'alert.fired';";

pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m20261128_000001_notice_of_notification"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Boxed: the future of the trait method holds a pointer instead of the types of the driver.
        let run: BoxFuture<'_, _> = Box::pin(async {
            // A start may have been interrupted before the migration was noted.
            if manager.has_column(TABLE, COLUMN).await? {
                return Ok(());
            }
            manager.get_connection().execute_unprepared(STATEMENT).await.map(drop)
        });
        run.await
    }
}
