//! The highest ids that a catalog has ever assigned. It assigns none again, so rows of a higher one are of another catalog.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use super::Catalog;
use super::database::unavailable;
use crate::domain::{Error, Result};

impl Catalog {
    /// Checks that this catalog has assigned the highest ids that the store has rows of: of streams, and of devices; 0 for none.
    ///
    /// # Errors
    /// `Unavailable` when it has not, or the database does not answer.
    pub async fn check_assigned(&self, stream: i32, device: i32) -> Result<()> {
        for (table, kind, stored) in [("streams", "stream", stream), ("devices", "device", device)] {
            let last = last_assigned(&self.core.db, table).await.map_err(unavailable)?;
            if i64::from(stored) > last {
                return Err(Error::unavailable(format!(
                    "the catalog (catalog.url) does not belong to the data: there are rows of {kind} {stored}, \
                     and the highest id that this catalog has given to a {kind} is {last}. A new {kind} would get \
                     the rows of another: restore the catalog that belongs to the data, or a backup, or choose \
                     another directory with --data-dir"
                )));
            }
        }
        Ok(())
    }
}

/// Returns the highest id that a table has ever given to a row, also to one that was deleted since; 0 for none.
pub(in crate::store) async fn last_assigned(db: &DatabaseConnection, table: &str) -> Result<i64, DbErr> {
    let backend = db.get_database_backend();
    let query = match backend {
        DbBackend::Sqlite => format!("SELECT seq FROM sqlite_sequence WHERE name = '{table}'"),
        _ => format!("SELECT pg_sequence_last_value(pg_get_serial_sequence('{table}', 'id')::regclass)"),
    };
    let row = db.query_one_raw(Statement::from_string(backend, query)).await?;
    let last = row.map(|row| row.try_get_by_index::<Option<i64>>(0)).transpose()?;
    Ok(last.flatten().unwrap_or(0))
}
