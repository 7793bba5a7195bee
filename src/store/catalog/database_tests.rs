//! Tests of database URLs, of SQLite's settings, and of error messages.

use sea_orm::{ConnectionTrait, Statement};

use super::*;
use crate::domain::Kind;

async fn pragma(db: &DatabaseConnection, name: &str) -> String {
    let ask = Statement::from_string(db.get_database_backend(), format!("PRAGMA {name}"));
    let row = db.query_one_raw(ask).await.unwrap().unwrap();
    row.try_get_by_index::<String>(0)
        .or_else(|_| row.try_get_by_index::<i64>(0).map(|n| n.to_string()))
        .unwrap()
}

#[tokio::test]
async fn urls_of_no_database_are_invalid_and_not_repeated() {
    for url in [
        "",
        "catalog.db",
        "sqlite://",
        "sqlite:catalog.db",
        "mysql://root:hunter2@localhost/x",
        "postgres://root:hunter2@localhost:99999/x",
        "postgres://root:hunter2@[::1/x",
        "sqlite://x.db?hunter2=1&mode=hunter2",
    ] {
        let error = open(url).await.expect_err(url);
        assert_eq!(error.kind, Kind::Invalid, "{url}");
        assert!(error.message.contains("catalog.url"), "{url}: {error}");
        let text = format!("{error:?}");
        assert!(!text.contains("root:hunter2"), "{url}: {text}");
    }
}

#[tokio::test]
async fn databases_that_cannot_be_reached_are_unavailable() {
    let dir = tempfile::tempdir().unwrap();
    let below_nothing = format!("sqlite://{}/no/such/catalog.db", dir.path().display());
    let is_a_directory = format!("sqlite://{}", dir.path().display());
    for url in [below_nothing.as_str(), is_a_directory.as_str(), "postgres://nobody:hunter2@127.0.0.1:1/x"] {
        let error = open(url).await.expect_err(url);
        assert_eq!((error.kind, error.source.is_some()), (Kind::Unavailable, true), "{url}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        assert_eq!(error.message.contains("check that it runs"), url.starts_with("postgres"), "{error}");
    }
}

#[test]
fn a_full_disk_is_named() {
    let rows = [
        ("error returned from database: (code: 13) database or disk is full", "is full"),
        ("could not extend file \"base/5/2619\": No space left on device", "is full"),
        ("connection refused", "does not answer"),
    ];
    for (text, words) in rows {
        let error = unavailable(DbErr::Custom(text.to_owned()));
        assert_eq!(error.kind, Kind::Unavailable);
        assert!(error.message.contains(words), "{text}: {error}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    let text = "not a database, but quite long enough to be taken for one\n".repeat(20);
    std::fs::write(&path, &text).unwrap();
    let error = open(&format!("sqlite://{}", path.display())).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unavailable);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_catalog_of_another_version_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("catalog.sqlite").display());
    let db = open(&url).await.unwrap();
    let applied = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m20260101_000001_people', 0)";
    db.execute_unprepared(applied).await.unwrap();
    db.close().await.unwrap();
    let error = open(&url).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_ref()), (Kind::Unavailable, OTHER_VERSION));
}

/// A start that is interrupted after the schema and before the note that it is there.
#[tokio::test]
async fn a_migration_that_was_not_noted_runs_again() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("catalog.sqlite").display());
    let db = open(&url).await.unwrap();
    db.execute_unprepared("DELETE FROM seaql_migrations").await.unwrap();
    db.close().await.unwrap();
    open(&url).await.unwrap();
}

#[tokio::test]
async fn every_sqlite_connection_is_durable_and_checks_foreign_keys() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(&format!("sqlite://{}/catalog.db", dir.path().display())).await.unwrap();
    for (name, expected) in
        [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("busy_timeout", "5000")]
    {
        assert_eq!(pragma(&db, name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_database_in_memory_keeps_what_it_is_given() {
    let db = open("sqlite::memory:").await.unwrap();
    db.execute_unprepared("INSERT INTO orgs (slug, name, created_at) VALUES ('a', 'A', 0)").await.unwrap();
    let again = db.execute_unprepared("INSERT INTO orgs (slug, name, created_at) VALUES ('a', 'A', 0)").await;
    let refusal = write_error(again.unwrap_err(), || Error::field("slug", "taken"));
    assert_eq!((refusal.kind, refusal.message.as_str()), (Kind::Invalid, "slug: taken"));
}

#[test]
fn a_file_is_waited_for_longer_than_a_network() {
    let limit = |url| options(url).unwrap().get_acquire_timeout().unwrap();
    assert!(limit("sqlite:///data/catalog.db") > 10 * limit("postgres://basalt@db/basalt"));
}
