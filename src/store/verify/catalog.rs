//! Verifies the catalog database: its own integrity check, and that no row or reading refers to anything that never
//! existed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement};
use uuid::Uuid;

use super::data_file::ReferencedIds;
use super::report::{Finding, VerifyReport};
use crate::domain::{Error, Result};
use crate::store::catalog::assigned_ids::last_assigned;
use crate::store::catalog::database;

/// Maximum number of rows listed per kind of dangling reference.
const MAX_LISTED_ROWS: u64 = 100;

/// Every table with its references: column, and the table referred to.
const TABLE_REFERENCES: &[(&str, &[(&str, &str)])] = &[
    ("orgs", &[]),
    ("org_plans", &[("org_id", "orgs")]),
    ("reading_counts", &[("org_id", "orgs")]),
    ("users", &[("org_id", "orgs")]),
    ("sessions", &[("user_id", "users")]),
    ("user_preferences", &[("user_id", "users")]),
    ("keys", &[("org_id", "orgs")]),
    ("clients", &[("org_id", "orgs"), ("user_id", "users")]),
    ("tokens", &[("client_id", "clients"), ("user_id", "users")]),
    ("products", &[("org_id", "orgs"), ("parent_id", "products")]),
    ("devices", &[("org_id", "orgs"), ("product_id", "products"), ("parent_id", "devices")]),
    ("groups", &[("org_id", "orgs")]),
    ("streams", &[("org_id", "orgs"), ("device_id", "devices"), ("group_id", "groups")]),
    ("policies", &[("org_id", "orgs"), ("stream_id", "streams")]),
    (
        "events",
        &[("org_id", "orgs"), ("device_id", "devices"), ("stream_id", "streams"), ("rule_id", "alert_rules")],
    ),
    ("commands", &[("org_id", "orgs"), ("device_id", "devices")]),
    ("certificates", &[("org_id", "orgs"), ("device_id", "devices")]),
    ("mqtt_sessions", &[("org_id", "orgs"), ("device_id", "devices")]),
    ("mqtt_retained", &[("org_id", "orgs"), ("device_id", "devices")]),
    ("objects", &[("org_id", "orgs")]),
    ("exports", &[("org_id", "orgs")]),
    ("jobs", &[("org_id", "orgs"), ("device_id", "devices")]),
    ("binding_reports", &[("org_id", "orgs"), ("device_id", "devices")]),
    ("quarantine", &[("org_id", "orgs"), ("device_id", "devices"), ("stream_id", "streams")]),
    ("documents", &[("org_id", "orgs"), ("device_id", "devices")]),
    (
        "annotations",
        &[
            ("org_id", "orgs"),
            ("class_id", "documents"),
            ("document_id", "documents"),
            ("device_id", "devices"),
            ("stream_id", "streams"),
        ],
    ),
    ("registrations", &[("org_id", "orgs"), ("device_id", "devices")]),
    (
        "alert_rules",
        &[
            ("org_id", "orgs"),
            ("stream_id", "streams"),
            ("device_id", "devices"),
            ("open_event_id", "events"),
        ],
    ),
    ("alert_notification", &[("org_id", "orgs"), ("alert_id", "events")]),
    ("alert_checkpoint", &[("id", "orgs")]),
    ("media_jobs", &[("org_id", "orgs"), ("device_id", "devices"), ("camera_id", "documents")]),
    ("models", &[("org_id", "orgs"), ("device_id", "devices"), ("stream_id", "streams")]),
    ("model_versions", &[("model_id", "models")]),
    ("model_files", &[("id", "model_versions")]),
    ("audit_log", &[("org_id", "orgs")]),
];

/// Rows that must belong to the same organization as the row they refer to.
const SAME_ORG_REFERENCES: &[(&str, &str, &str)] = &[
    ("clients", "user_id", "users"),
    ("products", "parent_id", "products"),
    ("devices", "product_id", "products"),
    ("devices", "parent_id", "devices"),
    ("streams", "device_id", "devices"),
    ("streams", "group_id", "groups"),
    ("policies", "stream_id", "streams"),
    ("events", "device_id", "devices"),
    ("events", "rule_id", "alert_rules"),
    ("alert_rules", "stream_id", "streams"),
    ("alert_rules", "device_id", "devices"),
    ("alert_rules", "open_event_id", "events"),
    ("commands", "device_id", "devices"),
    ("certificates", "device_id", "devices"),
    ("mqtt_sessions", "device_id", "devices"),
    ("mqtt_retained", "device_id", "devices"),
    ("binding_reports", "device_id", "devices"),
    ("quarantine", "device_id", "devices"),
    ("quarantine", "stream_id", "streams"),
    ("documents", "device_id", "devices"),
    ("annotations", "class_id", "documents"),
    ("annotations", "document_id", "documents"),
    ("annotations", "device_id", "devices"),
    ("annotations", "stream_id", "streams"),
    ("registrations", "device_id", "devices"),
    ("jobs", "device_id", "devices"),
    ("media_jobs", "device_id", "devices"),
    ("media_jobs", "camera_id", "documents"),
    ("models", "device_id", "devices"),
    ("models", "stream_id", "streams"),
];

/// Checks the database of an open catalog.
pub(super) async fn check(
    db: &DatabaseConnection,
    report: VerifyReport,
    ids: &ReferencedIds,
) -> VerifyReport {
    let mut check = CatalogCheck { db, report, name: "catalog".to_owned() };
    if let Err(e) = check.all(ids).await {
        check.broken("", format!("cannot be read: {e}"));
    }
    check.report
}

/// Checks the database of a closed catalog without changing a byte of it.
pub(super) async fn check_closed(
    url: &str,
    data_dir: &Path,
    mut report: VerifyReport,
    ids: &ReferencedIds,
) -> VerifyReport {
    let file = sqlite_file(url);
    let name = file.map(|file| std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    let name =
        name.as_deref().map_or(Path::new("catalog"), |file| file.strip_prefix(data_dir).unwrap_or(file));
    let name = name.display().to_string();
    let opened = match file {
        Some(path) => ReadOnlyDatabase::open(path).await,
        None => ReadOnlyDatabase::server(url).await,
    };
    match opened {
        Ok(opened) => {
            let mut check = CatalogCheck { db: &opened.db, report, name };
            if let Err(e) = check.all(ids).await {
                check.broken("", format!("cannot be read: {e}"));
            }
            report = check.report;
            // A database that cannot be closed was still read.
            let _ = opened.db.close().await;
        }
        Err(e) => report.add_broken(Finding {
            file: name,
            at: String::new(),
            what: format!("cannot be opened: {}", e.full_message()),
        }),
    }
    report
}

/// Returns the file of a SQLite database; `None` for any other database.
pub(super) fn sqlite_file(url: &str) -> Option<&Path> {
    url.strip_prefix("sqlite://").map(|path| Path::new(path.split('?').next().unwrap_or(path)))
}

/// A database opened without changing it.
pub(super) struct ReadOnlyDatabase {
    pub(super) db: DatabaseConnection,
    _copy: Option<ScratchDir>,
}

impl ReadOnlyDatabase {
    /// Connects to a database that is no file.
    pub(super) async fn server(url: &str) -> Result<ReadOnlyDatabase> {
        database::connect(url).await.map(|db| ReadOnlyDatabase { db, _copy: None })
    }

    /// Opens a file beside the process that has it open.
    pub(super) async fn beside(path: &Path) -> Result<ReadOnlyDatabase> {
        database::read_beside(path).await.map(|db| ReadOnlyDatabase { db, _copy: None })
    }

    /// Opens a cleanly closed database in place. After a crash a copy is opened instead, because opening the original
    /// would move its journal into it.
    pub(super) async fn open(path: &Path) -> Result<ReadOnlyDatabase> {
        let unreadable =
            |e: std::io::Error| Error::unavailable(format!("`{}`: {e}", path.display())).with_source(e);
        fs::metadata(path).map_err(unreadable)?;
        let journal =
            path.with_file_name(format!("{}-wal", path.file_name().unwrap_or_default().to_string_lossy()));
        let has_journal = fs::metadata(&journal).is_ok_and(|meta| meta.len() > 0);
        if !has_journal {
            let db = database::read_only(path).await?;
            return Ok(ReadOnlyDatabase { db, _copy: None });
        }
        let copy = ScratchDir::new().map_err(unreadable)?;
        let name = copy.0.join("catalog.sqlite");
        fs::copy(path, &name).map_err(unreadable)?;
        fs::copy(&journal, copy.0.join("catalog.sqlite-wal")).map_err(unreadable)?;
        let db = database::connect(&format!("sqlite://{}", name.display())).await?;
        Ok(ReadOnlyDatabase { db, _copy: Some(copy) })
    }
}

/// A private temporary directory, deleted on drop.
struct ScratchDir(PathBuf);

impl ScratchDir {
    fn new() -> std::io::Result<ScratchDir> {
        let dir = std::env::temp_dir().join(format!("basalt-verify-{}", Uuid::new_v4().simple()));
        fs::DirBuilder::new().mode(0o700).create(&dir)?;
        Ok(ScratchDir(dir))
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            tracing::warn!(dir = %self.0.display(), error = %e, "a temporary copy of the catalog could not be removed");
        }
    }
}

struct CatalogCheck<'a> {
    db: &'a DatabaseConnection,
    report: VerifyReport,
    /// Name of the database in findings.
    name: String,
}

impl CatalogCheck<'_> {
    fn broken(&mut self, at: impl Into<String>, what: impl Into<String>) {
        let finding = Finding { file: self.name.clone(), at: at.into(), what: what.into() };
        self.report.add_broken(finding);
    }

    async fn all(&mut self, ids: &ReferencedIds) -> Result<(), DbErr> {
        let is_sqlite = self.db.get_database_backend() == DbBackend::Sqlite;
        self.report.catalog.database = if is_sqlite { "SQLite" } else { "PostgreSQL" }.to_owned();
        if is_sqlite {
            for row in self.query("PRAGMA integrity_check").await? {
                let verdict: String = row.try_get_by_index(0)?;
                if verdict != "ok" {
                    self.broken("", verdict);
                }
            }
        }
        for &(table, references) in TABLE_REFERENCES {
            let rows: i64 = self.query_scalar(&format!("SELECT count(*) FROM {table}")).await?.unwrap_or(0);
            self.report.catalog.rows.insert(table.to_owned(), rows.unsigned_abs());
            for (column, parent) in references {
                self.check_references(table, column, parent).await?;
            }
        }
        for &(table, column, parent) in SAME_ORG_REFERENCES {
            self.check_same_org(table, column, parent).await?;
        }
        for (table, found) in [("streams", &ids.streams), ("devices", &ids.devices)] {
            if !found.is_empty() {
                self.check_ids(table, found.iter().map(|(id, file)| (*id, file.as_str()))).await?;
            }
        }
        Ok(())
    }

    async fn check_references(&mut self, table: &str, column: &str, parent: &str) -> Result<(), DbErr> {
        let rows = self
            .query(&format!(
                "SELECT c.id, c.{column} FROM {table} c LEFT JOIN {parent} p ON p.id = c.{column} \
                 WHERE c.{column} IS NOT NULL AND p.id IS NULL ORDER BY c.id LIMIT {MAX_LISTED_ROWS}"
            ))
            .await?;
        for row in rows {
            let (id, named): (String, i32) = (row_id(&row)?, row.try_get_by_index(1)?);
            self.broken(
                format!("{table} {id}"),
                format!("{column} is {named}, and there is no such row in {parent}"),
            );
        }
        Ok(())
    }

    async fn check_same_org(&mut self, table: &str, column: &str, parent: &str) -> Result<(), DbErr> {
        let rows = self
            .query(&format!(
                "SELECT c.id, c.{column} FROM {table} c JOIN {parent} p ON p.id = c.{column} \
                 WHERE c.org_id <> p.org_id ORDER BY c.id LIMIT {MAX_LISTED_ROWS}"
            ))
            .await?;
        for row in rows {
            let (id, named): (String, i32) = (row_id(&row)?, row.try_get_by_index(1)?);
            self.broken(format!("{table} {id}"), format!("{column} {named} is of another organization"));
        }
        Ok(())
    }

    /// Checks that ids of the lake exist, or existed and were deleted since. Ids are never reused, so one beyond the
    /// last assigned id belongs to another catalog.
    async fn check_ids(
        &mut self,
        table: &str,
        found: impl Iterator<Item = (i32, &str)>,
    ) -> Result<(), DbErr> {
        let mut there = BTreeSet::new();
        for row in self.query(&format!("SELECT id FROM {table}")).await? {
            there.insert(row.try_get_by_index::<i32>(0)?);
        }
        let last = last_assigned(self.db, table).await?;
        for (id, file) in found.filter(|(id, _)| !there.contains(id)) {
            if i64::from(id) <= last {
                self.report.catalog.deleted_ids += 1;
                continue;
            }
            let what =
                format!("has rows of id {id}: the catalog never had it in {table} (its last is {last})");
            self.report.add_broken(Finding { file: file.to_owned(), at: String::new(), what });
        }
        Ok(())
    }

    async fn query(&self, sql: &str) -> Result<Vec<QueryResult>, DbErr> {
        self.db.query_all_raw(Statement::from_string(self.db.get_database_backend(), sql)).await
    }

    async fn query_scalar(&self, sql: &str) -> Result<Option<i64>, DbErr> {
        match self.query(sql).await?.first() {
            Some(row) => row.try_get_by_index(0),
            None => Ok(None),
        }
    }
}

/// The id of a row, which is its first column: a number, or a UUID as notifications have.
fn row_id(row: &QueryResult) -> Result<String, DbErr> {
    let number = row.try_get_by_index::<i32>(0).map(|id| id.to_string());
    number.or_else(|_| row.try_get_by_index::<Uuid>(0).map(|id| id.to_string()))
}
