//! Backup and restore of the catalog database. SQLite writes its own copy; PostgreSQL is dumped and restored by its own
//! tools.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Stdio;

use sea_orm::sqlx::ConnectOptions as _;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use tokio::process::Command;
use url::Url;

use super::files::{self, BackupDestination, failed};
use super::manifest::CopiedFile;
use crate::domain::{Error, Progress, Result};

pub(super) const SQLITE: &str = "sqlite";
pub(super) const POSTGRES: &str = "postgresql";
/// File name of the copied SQLite catalog, the same as in a data directory.
pub(super) const SQLITE_FILE: &str = "catalog.sqlite";
/// File name of a dump in pg_dump's custom format.
pub(super) const DUMP_FILE: &str = "catalog.dump";

/// Result of copying the catalog.
pub(super) struct CopiedCatalog {
    pub(super) database: String,
    pub(super) file: Option<CopiedFile>,
    /// Reason why the catalog was not copied; `None` when it was.
    pub(super) missing: Option<String>,
}

/// Copies the catalog as of one moment.
pub(super) async fn copy(db: &DatabaseConnection, dest: &BackupDestination) -> Result<CopiedCatalog> {
    if db.get_database_backend() == DbBackend::Sqlite {
        let file = copy_sqlite(db, dest).await?;
        return Ok(CopiedCatalog { database: SQLITE.to_owned(), file: Some(file), missing: None });
    }
    let url = db.get_postgres_connection_pool().connect_options().to_url_lossy();
    let to = dest.path().join(DUMP_FILE);
    // Create the file first, so that only its owner can read it.
    drop(files::create_file(dest.disk(), &to)?);
    // Which nodes run is not worth restoring.
    let options = ["--format=custom", "--no-owner", "--exclude-table-data=cluster_nodes", "--file"];
    let dumped = run("pg_dump", &url, &options, &to).await?;
    let file = match dumped {
        true => Some(sync_and_hash(dest, DUMP_FILE)?),
        false => {
            std::fs::remove_file(&to).map_err(|e| failed("remove", &to, e))?;
            None
        }
    };
    let missing = file.is_none().then(|| {
        "it is in PostgreSQL and pg_dump is not on the server's PATH: dump that database separately"
            .to_owned()
    });
    Ok(CopiedCatalog { database: POSTGRES.to_owned(), file, missing })
}

async fn copy_sqlite(db: &DatabaseConnection, dest: &BackupDestination) -> Result<CopiedFile> {
    let to = dest.path().join(SQLITE_FILE);
    // SQLite writes into an existing empty file; this one is readable by its owner only.
    drop(files::create_file(dest.disk(), &to)?);
    let path = to.to_str().ok_or_else(|| Error::field("dest", "is not a UTF-8 path"))?;
    let copied = db.execute_unprepared(&format!("VACUUM INTO '{}'", path.replace('\'', "''"))).await;
    copied.map_err(|e| {
        Error::unavailable(format!("cannot copy the catalog to `{path}`: {e}")).with_source(e)
    })?;
    sync_and_hash(dest, SQLITE_FILE)
}

/// Syncs a copy to disk and hashes it.
fn sync_and_hash(dest: &BackupDestination, name: &str) -> Result<CopiedFile> {
    let path = dest.path().join(name);
    files::sync_file(dest.disk(), &path)?;
    let (bytes, sha256) = files::hash_file(&path, &Progress::default())?;
    Ok(CopiedFile { path: name.to_owned(), bytes, sha256 })
}

/// Restores a dump into an empty database, completely or not at all.
///
/// # Errors
/// `Invalid` when `url` is not a PostgreSQL URL; `Unavailable` when pg_restore is not on PATH, or with its error
/// output.
pub(super) async fn restore(url: &str, dump: &Path) -> Result<()> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "postgres" | "postgresql"));
    let url = url.ok_or_else(|| {
        Error::field(
            "catalog-url",
            "the catalog in this backup is of PostgreSQL: use postgres://USER:PASSWORD@HOST/DATABASE",
        )
    })?;
    let database = url.path().trim_start_matches('/').to_owned();
    let args = ["--no-owner", "--exit-on-error", "--single-transaction", "--dbname", &database];
    match run("pg_restore", &url, &args, dump).await? {
        true => Ok(()),
        false => Err(Error::unavailable("pg_restore is not on PATH: install PostgreSQL's client programs")),
    }
}

/// Runs a PostgreSQL program against a database; returns `false` when the program is not installed. The password is
/// passed in the environment, because every user of the machine can read arguments.
async fn run(program: &str, url: &Url, args: &[&str], file: &Path) -> Result<bool> {
    let mut command = Command::new(program);
    command.args(args).arg(file).envs(environment(url)).kill_on_drop(true);
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output().await;
    let output = match output {
        Ok(output) => output,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(Error::unavailable(format!("{program} cannot be run: {e}")).with_source(e)),
    };
    if output.status.success() {
        return Ok(true);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(Error::unavailable(format!("{program} failed: {}", stderr.trim())))
}

/// Returns the connection as libpq's environment variables.
fn environment(url: &Url) -> Vec<(&'static str, OsString)> {
    let text = |encoded: &str| {
        let decoded = url::form_urlencoded::parse(format!("x={}", encoded.replace('+', "%2B")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned());
        OsString::from(decoded.unwrap_or_default())
    };
    let mut found = vec![
        ("PGHOST", text(url.host_str().unwrap_or("localhost"))),
        ("PGPORT", url.port().unwrap_or(5432).to_string().into()),
        ("PGDATABASE", text(url.path().trim_start_matches('/'))),
    ];
    if !url.username().is_empty() {
        found.push(("PGUSER", text(url.username())));
    }
    if let Some(password) = url.password() {
        found.push(("PGPASSWORD", text(password)));
    }
    for (key, value) in url.query_pairs() {
        let name = match key.as_ref() {
            "host" => "PGHOST",
            "port" => "PGPORT",
            "dbname" => "PGDATABASE",
            "user" => "PGUSER",
            "password" => "PGPASSWORD",
            "sslmode" => "PGSSLMODE",
            "sslrootcert" => "PGSSLROOTCERT",
            "sslcert" => "PGSSLCERT",
            "sslkey" => "PGSSLKEY",
            // These parameters belong to our own driver.
            _ => continue,
        };
        found.push((name, value.into_owned().into()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_what_libpq_reads() {
        let rows = [
            (
                "all_of_it",
                "postgres://ann:p%40ss%2Bw@db:6543/plant?sslmode=require&statement-cache-capacity=100",
                "PGHOST=db PGPORT=6543 PGDATABASE=plant PGUSER=ann PGPASSWORD=p@ss+w PGSSLMODE=require",
            ),
            ("the_least", "postgresql://db/plant", "PGHOST=db PGPORT=5432 PGDATABASE=plant"),
            (
                "a_socket",
                "postgres://ann@%2Frun%2Fpostgresql:5432/plant",
                "PGHOST=/run/postgresql PGPORT=5432 PGDATABASE=plant PGUSER=ann",
            ),
        ];
        for (name, url, expected) in rows {
            let found = environment(&Url::parse(url).unwrap());
            let found: Vec<_> = found.iter().map(|(k, v)| format!("{k}={}", v.to_string_lossy())).collect();
            assert_eq!(found.join(" "), expected, "{name}");
        }
    }
}
