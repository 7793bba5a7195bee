//! Database connection, and the mapping of database errors to the core's. No table is named here.

use std::io;
use std::path::Path;
use std::time::Duration;

use sea_orm::sqlx::{Connection as _, Executor as _, PgConnection};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr, SqlErr, SqlxError};
use sea_orm_migration::MigratorTrait;

use super::migration::Migrator;
use crate::domain::{Error, Result};

/// How long a statement waits for a lock that another process holds on the SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum wait for a connection before the database is reported as unavailable.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum wait for a connection to a SQLite file. Its connections are never silent: whoever waits longer than a moment waits for other requests of
/// this process, and on a machine without time for them an early end would cut answers that are half sent.
const FILE_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(60);
/// A query node tests connections before it uses them again only when they were idle for so long: a test is a round trip, and each
/// statement asks the database. After a restart of the database each of the others fails once.
const TRUSTED_IDLE_TIME: Duration = Duration::from_secs(1);
/// PostgreSQL ends a transaction of a query node that sends nothing for so long. The node's machine may be gone while it saves uses
/// of keys: its transaction has locked the version of the catalog, and every change of the ingest node would wait until TCP notices,
/// which is hours.
const LIMIT_IDLE_TRANSACTIONS: &str = "SET idle_in_transaction_session_timeout = '60s'";
/// How long the test of a connection that goes back to the pool of a query node may take.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);

const OTHER_VERSION: &str = "the catalog's schema is not one that this version can bring up to date: it was made by a newer version, or by \
                             a development version before 0.1.0, whose catalogs are not taken over";

const NO_CONNECTION: &str = "the catalog's database (catalog.url) cannot be opened, because it accepts no connection: check \
                             that it runs, and the host and port of the URL";

/// Parts of the messages of SQLite and of PostgreSQL about a full disk.
const DISK_FULL: [&str; 2] = ["database or disk is full", "No space left on device"];

/// Connects and brings the schema up to date. A SQLite file that is missing is created.
pub(super) async fn open(url: &str) -> Result<DatabaseConnection> {
    let db = connect(url).await?;
    Migrator::up(&db, None).await.map_err(|error| match error {
        // The migrator's error for an applied migration that is not in its list.
        DbErr::Custom(_) => Error::unavailable(OTHER_VERSION).with_source(error),
        _ => unavailable(error),
    })?;
    Ok(db)
}

/// Connects without creating a file and without migrating the schema.
pub(in crate::store) async fn connect(url: &str) -> Result<DatabaseConnection> {
    Database::connect(options(url)?).await.map_err(refused_connection)
}

/// Connects to a PostgreSQL database that another process migrates, without changing anything.
///
/// # Errors
/// `Unavailable` for another database than PostgreSQL, and for one with the schema of another version.
pub(super) async fn connect_to_migrated(url: &str) -> Result<DatabaseConnection> {
    if !is_postgres(url) {
        let message = "a query node reads the catalog of the ingest node, which has to be in PostgreSQL: set \
                       catalog.url to postgres://USER:PASSWORD@HOST/DATABASE on both";
        return Err(Error::unavailable(message));
    }
    let mut options = options(url)?;
    options.test_before_acquire_if_idle_for(TRUSTED_IDLE_TIME);
    options.map_sqlx_postgres_pool_opts(|pool| {
        pool.after_connect(|connection, _| Box::pin(limit_idle_transactions(connection)))
            .after_release(|connection, _| Box::pin(test_release(connection)))
    });
    let db = Database::connect(options).await.map_err(refused_connection)?;
    check_schema(&db).await?;
    Ok(db)
}

async fn limit_idle_transactions(connection: &mut PgConnection) -> std::result::Result<(), SqlxError> {
    connection.execute(LIMIT_IDLE_TRANSACTIONS).await.map(drop)
}

/// Tests a connection before it goes back to the pool. The pool's own test, which follows, waits without a limit: a connection
/// whose statement was given up because the database is silent would keep its place in the pool for as long as TCP keeps it, which
/// is a quarter of an hour. So each release costs a second round trip, in the background.
async fn test_release(connection: &mut PgConnection) -> std::result::Result<bool, SqlxError> {
    let silent = |_| Err(SqlxError::Io(io::ErrorKind::TimedOut.into()));
    let tested = tokio::time::timeout(RELEASE_TIMEOUT, connection.ping()).await.unwrap_or_else(silent);
    tested.map(|()| true)
}

/// Checks that exactly the migrations that this version knows were applied.
async fn check_schema(db: &DatabaseConnection) -> Result<()> {
    let message = match schema_state(db).await? {
        SchemaState::Current { .. } => return Ok(()),
        SchemaState::Newer => {
            "the catalog's schema is of a newer version: update this node to the ingest node's version"
        }
        SchemaState::Older { .. } | SchemaState::Empty => {
            "the catalog's schema is of an older version: start the ingest node with this node's version first"
        }
    };
    Err(Error::unavailable(message))
}

/// How the schema of a catalog compares with the one that this version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaState {
    /// It has all migrations of this version, so many, and no other.
    Current { migrations: usize },
    /// So many of them are missing: the next start brings them.
    Older { pending: usize },
    /// It has none: nothing of Basalt was ever written to it.
    Empty,
    /// It has migrations that this version does not know.
    Newer,
}

/// Compares the schema of a catalog with the one that this version knows; changes nothing.
///
/// # Errors
/// `Unavailable` when the database does not answer.
pub(in crate::store) async fn schema_state(db: &DatabaseConnection) -> Result<SchemaState> {
    match Migrator::get_pending_migrations_read_only(db).await {
        Ok(pending) if pending.is_empty() => {
            Ok(SchemaState::Current { migrations: Migrator::migrations().len() })
        }
        Ok(pending) if pending.len() == Migrator::migrations().len() => Ok(SchemaState::Empty),
        Ok(pending) => Ok(SchemaState::Older { pending: pending.len() }),
        // The migrator's error for an applied migration that is not in its list.
        Err(DbErr::Custom(_)) => Ok(SchemaState::Newer),
        Err(error) => Err(unavailable(error)),
    }
}

/// Opens a SQLite file that no process has open, without changing it or creating files beside it.
pub(in crate::store) async fn read_only(path: &Path) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(format!("sqlite://{}", path.display()));
    options.sqlx_logging(false).max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
    options.map_sqlx_sqlite_opts(|sqlite| sqlite.read_only(true).immutable(true));
    Database::connect(options).await.map_err(refused_connection)
}

/// Opens a SQLite file for reading beside the process that has it open.
pub(in crate::store) async fn read_beside(path: &Path) -> Result<DatabaseConnection> {
    let mut options = ConnectOptions::new(format!("sqlite://{}", path.display()));
    options.sqlx_logging(false).max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
    options.map_sqlx_sqlite_opts(|sqlite| sqlite.read_only(true).busy_timeout(BUSY_TIMEOUT));
    Database::connect(options).await.map_err(refused_connection)
}

fn options(url: &str) -> Result<ConnectOptions> {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).acquire_timeout(ACQUIRE_TIMEOUT).connect_timeout(ACQUIRE_TIMEOUT);
    if url == "sqlite::memory:" {
        // An in-memory database exists only as long as its single connection.
        options.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
    } else if url.strip_prefix("sqlite://").is_some_and(|path| !path.is_empty()) {
        options.max_connections(4).acquire_timeout(FILE_ACQUIRE_TIMEOUT);
    } else if is_postgres(url) {
        options.max_connections(8);
    } else {
        return Err(bad_url("use sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE"));
    }
    // Synchronous FULL: a stream whose creation was acknowledged must not vanish with the power. Its id would be
    // given to another stream, which would then own the readings already stored under it.
    options.map_sqlx_sqlite_opts(|sqlite| {
        sqlite
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
    });
    Ok(options)
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// The message leaves out the URL: it may contain a password.
fn bad_url(what: &str) -> Error {
    Error::invalid(format!("catalog.url is not a database this server knows: {what}"))
}

fn refused_connection(error: DbErr) -> Error {
    match &error {
        DbErr::Conn(RuntimeErr::SqlxError(cause)) if matches!(**cause, SqlxError::Configuration(_)) => {
            bad_url(&cause.to_string())
        }
        // No driver accepted the URL. The error repeats it in full, so it must not reach the log.
        DbErr::Conn(RuntimeErr::Internal(_)) => bad_url("it cannot be read as a URL"),
        // The driver tries again until then, and does not tell why each attempt failed.
        DbErr::Conn(RuntimeErr::SqlxError(cause)) if matches!(**cause, SqlxError::PoolTimedOut) => {
            Error::unavailable(NO_CONNECTION).with_source(error)
        }
        _ => Error::unavailable("the catalog's database (catalog.url) cannot be opened").with_source(error),
    }
}

/// Maps a failed or unreachable database.
pub(in crate::store) fn unavailable(error: DbErr) -> Error {
    let text = error.to_string();
    let message = match DISK_FULL.iter().any(|part| text.contains(part)) {
        true => "the disk of the catalog's database is full",
        false => "the catalog's database does not answer",
    };
    Error::unavailable(message).with_source(error)
}

/// Waits for the database no longer than this. A connection to a machine that is gone may stay silent for a quarter of an hour.
///
/// # Errors
/// `Unavailable` when the time is over; that of the work.
pub async fn answer_within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let silent = |_| Err(Error::unavailable("the catalog's database does not answer"));
    tokio::time::timeout(limit, work).await.unwrap_or_else(silent)
}

/// Maps a failed write; `taken` is the error for a unique name that already exists.
pub(super) fn write_error(error: DbErr, taken: impl FnOnce() -> Error) -> Error {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => taken().with_source(error),
        Some(SqlErr::ForeignKeyConstraintViolation(_)) => {
            Error::conflict("a row this one refers to has just been deleted; look again").with_source(error)
        }
        _ => unavailable(error),
    }
}

#[cfg(test)]
#[path = "database_tests.rs"]
mod tests;
