//! Schema migrations of the catalog: the baseline, which is the schema as a whole, and what has changed since. A released migration
//! is never edited: a change is a new migration, listed at the end of `migrations`, and the baseline stays.
//!
//! SQLite and PostgreSQL run the same migrations. PostgreSQL runs all of them in one transaction. SQLite does not, so there a
//! migration is a transaction of its own that can run again: a start may be interrupted before the migration is noted as applied.

mod added_column;
mod baseline;
mod catalog_version;

use sea_orm_migration::prelude::*;

pub(super) use self::catalog_version::MIRRORED_TABLES;

pub(super) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(baseline::Migration),
            Box::new(added_column::NOTICE_OF_NOTIFICATION),
            Box::new(added_column::DECIDED_DUE),
        ]
    }
}
