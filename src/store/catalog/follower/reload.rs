//! Reload of a follower, so that it has every change: what has changed, or everything.

use sea_orm::{ConnectionTrait, QueryResult, Statement, Value};

use super::table_versions::{CatalogVersions, ChangedTables};
use crate::domain::Result;
use crate::store::catalog::database::unavailable;
use crate::store::catalog::mirror::{LoneTable, RowIds, RowTable};

/// The most changes of rows that are loaded one by one: the mirror is locked while they are put, and many of them take as
/// long as everything. The database notes more.
pub(in crate::store::catalog) const MAX_CHANGED_ROWS: usize = 4096;

/// The part that is missing in a mirror.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::store::catalog) enum Reload {
    /// These tables and rows: nothing else has changed.
    Changes {
        tables: Vec<LoneTable>,
        rows: RowIds,
    },
    Everything,
}

impl Reload {
    /// Returns what a mirror of the versions `before` lacks in the snapshot that `db` reads, which has the versions `now`. When
    /// it is not certain what has changed, that is everything.
    pub(in crate::store::catalog) async fn since(
        db: &impl ConnectionTrait,
        before: &CatalogVersions,
        now: &CatalogVersions,
    ) -> Result<Self> {
        let Some(ChangedTables { alone, by_row }) = now.tables_changed_since(before) else {
            return Ok(Self::Everything);
        };
        let rows = match by_row.is_empty() {
            true => Some(RowIds::default()),
            false => rows_changed_since(db, before.catalog.number).await?,
        };
        Ok(rows.map_or(Self::Everything, |rows| Self::Changes { tables: alone, rows }))
    }
}

/// The rows that have changed after a version of the catalog; `None` when they are too many, or not certain.
async fn rows_changed_since(db: &impl ConnectionTrait, version: i64) -> Result<Option<RowIds>> {
    let backend = db.get_database_backend();
    // The oldest entries go first, by whole versions: the later ones are all there. The latest of these is looked for, because
    // at its low end the index may still have very many entries of rows that are gone.
    let query = "SELECT 1 FROM catalog_changes WHERE version <= $1 ORDER BY version DESC LIMIT 1";
    let query = Statement::from_sql_and_values(backend, query, [Value::from(version)]);
    if db.query_one_raw(query).await.map_err(unavailable)?.is_none() {
        return Ok(None);
    }
    let query = format!(
        "SELECT table_name, row_id FROM catalog_changes WHERE version > $1 LIMIT {MAX_CHANGED_ROWS} + 1"
    );
    let query = Statement::from_sql_and_values(backend, query, [Value::from(version)]);
    let entries = db.query_all_raw(query).await.map_err(unavailable)?;
    if entries.len() > MAX_CHANGED_ROWS {
        return Ok(None);
    }
    entries.iter().map(changed_row).collect()
}

/// The row that an entry names, if this version knows its table.
fn changed_row(entry: &QueryResult) -> Result<Option<(RowTable, i32)>> {
    let name: String = entry.try_get_by_index(0).map_err(unavailable)?;
    let id = entry.try_get_by_index(1).map_err(unavailable)?;
    Ok(RowTable::from_name(&name).map(|table| (table, id)))
}
