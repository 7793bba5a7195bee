//! Part of the baseline in PostgreSQL: the versions of the catalog and of its tables, and which rows have changed, by which a query node
//! loads what is new. A catalog in SQLite has one process, so it needs none of this.
//!
//! A trigger of each mirrored table raises the version of the catalog and that of its table with every statement, whether or not
//! it finds a row. A version is a row and not a sequence: the lock of the row is held until its transaction ends, so the
//! transactions that raise it commit in the order of their versions, and nobody reads a version of which an earlier change is not
//! visible yet. A sequence has no such order, and a rollback does not undo it. The row of the catalog is locked first and held, so
//! only one transaction at a time has rows of `catalog_table_versions` and `catalog_changes`: no two can wait for each other, in
//! whatever order they change tables.
//!
//! The triggers run before their statement, so a transaction locks the version before any row of a mirrored table. If it
//! came after, two nodes that save the uses of keys could wait for each other: one for the version, the other for a key.
//!
//! A transaction raises a version once: each further update of a row that it has written itself would read all its former
//! forms, which takes seconds for an inventory of ten thousand streams. `xmin` is the transaction that wrote a row, in 32 bits;
//! a savepoint has a number of its own, so its statements raise the versions again.
//!
//! A second trigger of each table that is loaded by row notes the id of every row that is inserted, changed or deleted, cascades
//! included, with the version that its transaction has raised; after a savepoint the rows of one transaction have several versions,
//! which become visible together. A rollback takes the entries along. Whoever has loaded the catalog at a version needs the entries of
//! later versions. Entries go by whole versions, the oldest first. So as long as there is an entry of that version or of an earlier
//! one, there are all of the later ones.
//!
//! A table that is mirrored later gets its triggers and its row of `catalog_table_versions` in a migration of its own. Without the row
//! a query node loads the whole mirror.

/// Tables that the mirror held at the baseline.
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

/// Mirrored tables that are loaded by row, each with the column that is the id of an entry; 0 stands for null.
const TABLES_BY_ROW: [(&str, &str); 8] = [
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

/// The tables, and the function of the first trigger, whose result is ignored. It deletes old entries at every 64th version: those of
/// the version that has the 20,001st, and of all before. So a version with very many entries goes too.
const VERSIONS: &str = "\
    CREATE TABLE catalog_version (id smallint PRIMARY KEY CHECK (id = 1), version bigint NOT NULL); \
    INSERT INTO catalog_version (id, version) VALUES (1, 0); \
    CREATE TABLE catalog_table_versions (name text PRIMARY KEY, version bigint NOT NULL); \
    CREATE TABLE catalog_changes (version bigint NOT NULL, table_name text NOT NULL, row_id integer NOT NULL, \
    PRIMARY KEY (version, table_name, row_id)); \
    CREATE FUNCTION raise_catalog_version() RETURNS trigger LANGUAGE plpgsql AS $$ \
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

/// All of it, to be run once the tables are there.
pub(super) fn statements() -> String {
    let mirrored = MIRRORED_TABLES.iter().map(|table| version_trigger(table));
    let columns = COLUMNS.iter().map(|column| change_function(column));
    let by_row = TABLES_BY_ROW.iter().map(|(table, column)| change_trigger(table, column));
    std::iter::once(VERSIONS.to_owned()).chain(mirrored).chain(columns).chain(by_row).collect()
}

fn version_trigger(table: &str) -> String {
    format!(
        "INSERT INTO catalog_table_versions (name, version) VALUES ('{table}', 0); \
         CREATE TRIGGER raise_catalog_version BEFORE INSERT OR UPDATE OR DELETE ON \"{table}\" \
         FOR EACH STATEMENT EXECUTE FUNCTION raise_catalog_version();"
    )
}

/// The function of the second triggers whose entries have this column as their id. A row whose id changes has two entries. What a
/// trigger after a row returns is ignored.
fn change_function(column: &str) -> String {
    let entry = |row: &str| {
        format!(
            "INSERT INTO catalog_changes (version, table_name, row_id) \
             SELECT version, TG_TABLE_NAME::text, COALESCE({row}.{column}, 0) FROM catalog_version WHERE id = 1 \
             ON CONFLICT DO NOTHING;"
        )
    };
    // `OLD` is not assigned when a row is inserted, nor `NEW` when it is deleted, so no expression may name both then.
    format!(
        "CREATE FUNCTION add_catalog_change_by_{column}() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN \
         IF TG_OP <> 'INSERT' THEN {} END IF; \
         IF TG_OP = 'UPDATE' THEN IF NEW.{column} IS NOT DISTINCT FROM OLD.{column} THEN RETURN NULL; END IF; END IF; \
         IF TG_OP <> 'DELETE' THEN {} END IF; \
         RETURN NULL; END $$;",
        entry("OLD"),
        entry("NEW"),
    )
}

fn change_trigger(table: &str, column: &str) -> String {
    format!(
        "CREATE TRIGGER add_catalog_change AFTER INSERT OR UPDATE OR DELETE ON \"{table}\" \
         FOR EACH ROW EXECUTE FUNCTION add_catalog_change_by_{column}();"
    )
}

#[cfg(test)]
#[path = "catalog_version_tests.rs"]
mod tests;
