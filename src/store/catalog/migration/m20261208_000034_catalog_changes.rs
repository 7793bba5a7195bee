//! Migration: which rows have changed, by which a query node loads these rows alone.
//!
//! A trigger of each table below notes the id of every row that is inserted, changed or deleted, cascades included, with the
//! version that its transaction has raised. It runs after the trigger of `m20261205_000031_catalog_version`, which runs before
//! the statement: so the version is the transaction's own, its row is locked until the transaction ends, and only one
//! transaction at a time has new entries. A savepoint raises the version again; then the rows of one transaction have several
//! versions, which become visible together. A rollback takes the entries along.
//!
//! Whoever has loaded the catalog at a version needs the entries of later versions. Entries go by whole versions, the oldest
//! first. So as long as there is an entry of that version or of an earlier one, there are all of the later ones.

use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// The tables with the trigger, and the column that is the id of an entry; 0 stands for null. A table that is loaded by row
/// since then gets its trigger in a migration of its own.
const TABLES: [(&str, &str); 8] = [
    ("devices", "id"),
    ("floors", "source_id"),
    ("groups", "id"),
    ("orgs", "id"),
    // They are replaced by (table, stream), not by id.
    ("policies", "stream_id"),
    ("products", "id"),
    ("streams", "id"),
    ("users", "id"),
];

/// The columns among these.
const COLUMNS: [&str; 3] = ["id", "source_id", "stream_id"];

const TABLE: &str = "\
    CREATE TABLE IF NOT EXISTS catalog_changes (version bigint NOT NULL, table_name text NOT NULL, \
    row_id integer NOT NULL, PRIMARY KEY (version, table_name, row_id));";

/// The function of `m20261207_000033_catalog_table_versions`, which now deletes old entries at every 64th version: those of the
/// version that has the 20,001st, and of all before. So a version with very many entries goes too.
const RAISE: &str = "\
    CREATE OR REPLACE FUNCTION raise_catalog_version() RETURNS trigger LANGUAGE plpgsql AS $$ \
    DECLARE own text := (txid_current() % 4294967296)::text; raised bigint; \
    BEGIN \
    UPDATE catalog_version SET version = version + 1 WHERE id = 1 AND xmin::text <> own \
    RETURNING version INTO raised; \
    UPDATE catalog_table_versions SET version = version + 1 \
    WHERE name = TG_TABLE_NAME::text AND xmin::text <> own; \
    IF raised % 64 = 0 THEN \
    DELETE FROM catalog_changes WHERE version <= \
    (SELECT version FROM catalog_changes ORDER BY version DESC OFFSET 20000 LIMIT 1); \
    END IF; \
    RETURN NULL; END $$;";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            return Ok(());
        }
        let db = manager.get_connection();
        db.execute_unprepared(TABLE).await?;
        db.execute_unprepared(RAISE).await?;
        for column in COLUMNS {
            db.execute_unprepared(&function(column)).await?;
        }
        for (table, column) in TABLES {
            db.execute_unprepared(&trigger(table, column)).await?;
        }
        Ok(())
    }
}

/// The function of the triggers whose entries have this column as their id. A row whose id changes has two entries. What a
/// trigger after a row returns is ignored.
fn function(column: &str) -> String {
    let entry = |row: &str| {
        format!(
            "INSERT INTO catalog_changes (version, table_name, row_id) \
             SELECT version, TG_TABLE_NAME::text, COALESCE({row}.{column}, 0) FROM catalog_version WHERE id = 1 \
             ON CONFLICT DO NOTHING;"
        )
    };
    // `OLD` is not assigned when a row is inserted, nor `NEW` when it is deleted, so no expression may name both then.
    format!(
        "CREATE OR REPLACE FUNCTION add_catalog_change_by_{column}() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN \
         IF TG_OP <> 'INSERT' THEN {} END IF; \
         IF TG_OP = 'UPDATE' THEN IF NEW.{column} IS NOT DISTINCT FROM OLD.{column} THEN RETURN NULL; END IF; END IF; \
         IF TG_OP <> 'DELETE' THEN {} END IF; \
         RETURN NULL; END $$;",
        entry("OLD"),
        entry("NEW"),
    )
}

/// The trigger of a table, made anew if there is one.
fn trigger(table: &str, column: &str) -> String {
    format!(
        "DROP TRIGGER IF EXISTS add_catalog_change ON \"{table}\"; \
         CREATE TRIGGER add_catalog_change AFTER INSERT OR UPDATE OR DELETE ON \"{table}\" \
         FOR EACH ROW EXECUTE FUNCTION add_catalog_change_by_{column}();"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::catalog::mirror::RowTable;

    #[test]
    fn every_table_that_is_loaded_by_row_notes_its_changes() {
        let names = TABLES.map(|(table, _)| table);
        let by_row = RowTable::ALL.map(RowTable::name);
        assert_eq!(
            names, by_row,
            "a table that is new in RowTable needs the trigger `add_catalog_change`, in a new migration"
        );
        assert!(TABLES.iter().all(|(_, column)| COLUMNS.contains(column)), "each has a function");
    }
}
