//! Migration: the version of each mirrored table, by which a query node knows what it has to load again.
//!
//! The function of the triggers of `m20261205_000031_catalog_version` raises the version of the catalog and that of the
//! statement's table. The row of the catalog is locked first and held until the transaction ends, so only one transaction at a
//! time has rows of `catalog_table_versions`: no two can wait for each other, in whatever order they change tables. Both
//! versions become visible with the change itself.
//!
//! A transaction raises a version once: each further update of a row that it has written itself would read all its former
//! forms, which takes seconds for an inventory of ten thousand streams. `xmin` is the transaction that wrote a row, in 32 bits;
//! a savepoint has a number of its own, so its statements raise the versions again.
//!
//! A table that the mirror holds since then needs its row here besides its trigger, in a migration of its own. Without the row
//! a query node loads the whole mirror.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;

use super::m20261205_000031_catalog_version::MIRRORED_TABLES;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

const TABLE: &str = "\
    CREATE TABLE IF NOT EXISTS catalog_table_versions (name text PRIMARY KEY, version bigint NOT NULL);";

/// The function of the triggers, which exist already.
const FUNCTION: &str = "\
    CREATE OR REPLACE FUNCTION raise_catalog_version() RETURNS trigger LANGUAGE plpgsql AS $$ \
    DECLARE own text := (txid_current() % 4294967296)::text; \
    BEGIN \
    UPDATE catalog_version SET version = version + 1 WHERE id = 1 AND xmin::text <> own; \
    UPDATE catalog_table_versions SET version = version + 1 \
    WHERE name = TG_TABLE_NAME::text AND xmin::text <> own; \
    RETURN NULL; END $$;";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let db = manager.get_connection();
        db.execute_unprepared(TABLE).await?;
        // First the rows: the function raises those that are there.
        for table in MIRRORED_TABLES {
            db.execute_unprepared(&row(table)).await?;
        }
        db.execute_unprepared(FUNCTION).await?;
        Ok(())
    }
}

/// The row of a table, unless there is one.
fn row(table: &str) -> String {
    format!(
        "INSERT INTO catalog_table_versions (name, version) VALUES ('{table}', 0) ON CONFLICT (name) DO NOTHING"
    )
}
