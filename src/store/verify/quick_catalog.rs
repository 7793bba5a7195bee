//! Quick check of the catalog database: it opens, its pages hang together, and its schema is one that this version knows.

use std::fs;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use super::catalog::{ReadOnlyDatabase, sqlite_file};
use crate::domain::Result;
use crate::store::catalog::database::{self, SchemaState};

/// SQLite's own check, which reads every page but compares no indexes with their tables; it ends after so many faults.
const SQLITE_CHECK: &str = "PRAGMA quick_check(20)";
/// Answer of SQLite when nothing is wrong.
const SQLITE_VERDICT: &str = "ok";
/// How long the database may take to say which migrations it has.
const SCHEMA_TIMEOUT: Duration = Duration::from_secs(15);

/// A catalog that could be opened.
#[derive(Debug, PartialEq, Eq)]
pub struct CatalogState {
    /// `SQLite` or `PostgreSQL`.
    pub database: &'static str,
    /// Size of the SQLite file, bytes.
    pub bytes: Option<u64>,
    pub schema: SchemaState,
    /// Findings of SQLite's own check.
    pub faults: Vec<String>,
}

/// Opens the catalog without changing it; `is_open` says whether a server has it open.
///
/// # Errors
/// `Unavailable` when it cannot be opened or read, or does not answer.
pub async fn quick_catalog_check(url: &str, is_open: bool) -> Result<CatalogState> {
    let file = sqlite_file(url);
    let opened = match file {
        Some(path) if is_open => ReadOnlyDatabase::beside(path).await?,
        Some(path) => ReadOnlyDatabase::open(path).await?,
        None => ReadOnlyDatabase::server(url).await?,
    };
    let checked = check(&opened.db).await;
    let (schema, faults) = checked?;
    // A database that cannot be closed was still read.
    let _ = opened.db.close_by_ref().await;
    let database = if file.is_some() { "SQLite" } else { "PostgreSQL" };
    let bytes = file.and_then(|path| Some(fs::metadata(path).ok()?.len()));
    Ok(CatalogState { database, bytes, schema, faults })
}

async fn check(db: &DatabaseConnection) -> Result<(SchemaState, Vec<String>)> {
    let mut faults = Vec::new();
    if db.get_database_backend() == DbBackend::Sqlite {
        faults = sqlite_faults(db).await.map_err(database::unavailable)?;
    }
    Ok((database::answer_within(SCHEMA_TIMEOUT, database::schema_state(db)).await?, faults))
}

async fn sqlite_faults(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Sqlite, SQLITE_CHECK)).await?;
    let verdicts: Result<Vec<String>, DbErr> = rows.iter().map(|row| row.try_get_by_index(0)).collect();
    Ok(verdicts?.into_iter().filter(|verdict| verdict != SQLITE_VERDICT).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::SystemClock;
    use crate::store::catalog::Catalog;
    use std::sync::Arc;

    #[tokio::test]
    async fn a_catalog_is_whole_until_it_is_cut_short() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("catalog.sqlite");
        let url = format!("sqlite://{}", path.display());
        assert!(quick_catalog_check(&url, false).await.is_err(), "there is none, and none is made");
        assert!(!path.exists());

        let catalog = Catalog::open(&url, Arc::new(SystemClock)).await.expect("made");
        let beside = quick_catalog_check(&url, true).await.expect("read beside its owner");
        assert!(matches!(beside.schema, SchemaState::Current { migrations: 1.. }), "{beside:?}");
        assert_eq!((beside.database, beside.faults.as_slice()), ("SQLite", &[][..]));
        let db = catalog.connection().clone();
        drop(catalog);
        db.close().await.expect("closed");

        let closed = quick_catalog_check(&url, false).await.expect("read");
        let bytes = fs::metadata(&path).expect("there").len();
        assert_eq!(closed, CatalogState { bytes: Some(bytes), ..beside });

        fs::OpenOptions::new().write(true).open(&path).expect("there").set_len(bytes / 2).expect("cut");
        let damaged = quick_catalog_check(&url, false).await;
        assert!(damaged.as_ref().map_or(true, |state| !state.faults.is_empty()), "{damaged:?}");

        fs::OpenOptions::new().write(true).open(&path).expect("there").set_len(0).expect("emptied");
        let emptied = quick_catalog_check(&url, false).await.expect("SQLite reads it as a new database");
        assert_eq!((emptied.schema, emptied.bytes, emptied.faults.len()), (SchemaState::Empty, Some(0), 0));
    }
}
