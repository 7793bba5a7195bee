//! Migration: the version of the catalog, by which a query node knows that its mirror is behind.
//!
//! A trigger of each mirrored table raises the version with every statement, whether or not it finds a row. The version is
//! a row and not a sequence: the lock of the row is held until its transaction ends, so the transactions that raise it
//! commit in the order of their versions, and nobody reads a version of which an earlier change is not visible yet. A
//! sequence has no such order, and a rollback does not undo it.
//!
//! The triggers run before their statement, so a transaction locks the version before any row of a mirrored table. If it
//! came after, two nodes that save the uses of keys could wait for each other: one for the version, the other for a key.
//!
//! A catalog in SQLite has one process, so it needs no version.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Tables that the mirror held at this migration. A table that it holds since then gets its trigger in a migration of its
/// own.
pub(in crate::store::catalog) const MIRRORED_TABLES: &[&str] = &[
    "alert_rules",
    "binding_reports",
    "certificates",
    "clients",
    "commands",
    "devices",
    "documents",
    "floors",
    "groups",
    "keys",
    "media_jobs",
    "model_versions",
    "models",
    "objects",
    "org_plans",
    "orgs",
    "policies",
    "products",
    "registrations",
    "sessions",
    "streams",
    "tokens",
    "users",
];

/// The table with its one row, and the function of the triggers. What a trigger of a statement returns is ignored.
const VERSION: &str = "\
    CREATE TABLE IF NOT EXISTS catalog_version (id smallint PRIMARY KEY CHECK (id = 1), version bigint NOT NULL); \
    INSERT INTO catalog_version (id, version) VALUES (1, 0) ON CONFLICT (id) DO NOTHING; \
    CREATE OR REPLACE FUNCTION raise_catalog_version() RETURNS trigger LANGUAGE plpgsql AS $$ \
    BEGIN UPDATE catalog_version SET version = version + 1 WHERE id = 1; RETURN NULL; END $$;";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let db = manager.get_connection();
        db.execute_unprepared(VERSION).await?;
        for table in MIRRORED_TABLES {
            db.execute_unprepared(&trigger(table)).await?;
        }
        Ok(())
    }
}

/// The trigger of a table, made anew if there is one.
fn trigger(table: &str) -> String {
    format!(
        "DROP TRIGGER IF EXISTS raise_catalog_version ON \"{table}\"; \
         CREATE TRIGGER raise_catalog_version BEFORE INSERT OR UPDATE OR DELETE ON \"{table}\" \
         FOR EACH STATEMENT EXECUTE FUNCTION raise_catalog_version();"
    )
}

#[cfg(test)]
#[path = "m20261205_000031_catalog_version_tests.rs"]
mod tests;
