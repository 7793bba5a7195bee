//! A catalog that follows the process that writes it. Only a catalog in PostgreSQL can be followed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, QueryResult, Statement};
use sea_orm_migration::MigratorTrait;

use super::fixtures::*;
use crate::domain::audit::{AccessDenial, Action, AuditChange, AuditFilter, RequestOrigin};
use crate::domain::cluster::{ClusterNode, ClusterRole};
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::org::NewUser;
use crate::domain::pagination::Pagination;
use crate::domain::policy::PolicyTable;
use crate::domain::stream::StreamFilter;
use crate::domain::{Kind, Micros, Principal};
use crate::store::catalog::migration::{MIRRORED_TABLES, Migrator};
use crate::store::catalog::{Catalog, database};

/// How long a case waits for what must come.
pub(super) const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// A catalog, and one that follows it.
async fn writer_and_follower(place: &TestDatabase) -> (Catalog, Catalog) {
    let writer = place.open().await;
    (writer, place.open_follower().await.unwrap())
}

/// Rows that the administrator reads.
fn rows(catalog: &Catalog, who: &Principal) -> String {
    format!(
        "{:#?}",
        (
            (catalog.orgs.orgs(who), catalog.users.users(who), catalog.keys.keys(who)),
            catalog.devices.devices(who, &DeviceFilter::default()),
            catalog.streams.streams(who, &StreamFilter::default()),
            catalog.groups.groups(who, Pagination::ALL),
            catalog.retention.policies(who, None).unwrap(),
        )
    )
}

pub(super) async fn number(db: &DatabaseConnection, sql: &str) -> i64 {
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await.unwrap();
    row.expect("a row").try_get_by_index(0).unwrap()
}

/// Waits until a statement in this database waits for a lock.
pub(super) async fn wait_for_lock_waiter(db: &DatabaseConnection) {
    let waiters = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let has_waiter = async {
        while number(db, waiters).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(EVENT_TIMEOUT, has_waiter).await.expect("a statement waits for a lock");
}

/// Versions of the mirrored tables by their names.
pub(super) async fn table_versions(db: &DatabaseConnection) -> BTreeMap<String, i64> {
    let query = "SELECT name, version FROM catalog_table_versions";
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, query)).await.unwrap();
    let version = |row: &QueryResult| (row.try_get_by_index(0).unwrap(), row.try_get_by_index(1).unwrap());
    rows.iter().map(version).collect()
}

/// Checks that a change was made which the follower did not have, and has once it caught up.
async fn check_caught_up(writer: &Catalog, follower: &Catalog, change: &str) {
    let admin = admin(writer);
    assert_ne!(rows(follower, &admin), rows(writer, &admin), "{change}");
    follower.catch_up().await.unwrap();
    assert_eq!(rows(follower, &admin), rows(writer, &admin), "{change}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_has_every_change_once_it_caught_up() {
    let place = TestDatabase::postgres().await;
    let (writer, follower) = writer_and_follower(&place).await;
    let admin = admin(&writer);
    assert_eq!(follower.orgs.default_org(), writer.orgs.default_org());
    assert_eq!(rows(&follower, &admin), rows(&writer, &admin));

    other_org(&writer).await;
    check_caught_up(&writer, &follower, "an organization").await;
    let user = NewUser {
        name: "ada".to_owned(),
        password_hash: "$1".to_owned(),
        is_staff: true,
        is_superuser: false,
        is_viewer: false,
    };
    writer.users.create_user(&admin, user).await.unwrap();
    check_caught_up(&writer, &follower, "a user").await;
    let key = writer.keys.create_key(&admin, key_spec("k"), secret("k")).await.unwrap();
    check_caught_up(&writer, &follower, "a key").await;
    assert!(follower.keys.key_by_prefix("k").unwrap().is_valid_at(START));
    let owner = device(&writer, &admin, "d").await.id;
    check_caught_up(&writer, &follower, "a device").await;
    let member = stream(&writer, &admin, owner, "s").await.id;
    let gone = stream(&writer, &admin, owner, "gone").await.id;
    check_caught_up(&writer, &follower, "streams").await;
    let line = group(&writer, &admin, "line").await.id;
    set_members(&writer, &admin, line, vec![member]).await.unwrap();
    check_caught_up(&writer, &follower, "a group with its member").await;
    writer.retention.set_policy(&admin, PolicyTable::Readings, None, 60).await.unwrap();
    check_caught_up(&writer, &follower, "a policy").await;

    writer.keys.revoke_key(&admin, key.id).await.unwrap();
    check_caught_up(&writer, &follower, "a revoked key").await;
    assert!(!follower.keys.key_by_prefix("k").unwrap().is_valid_at(START));
    writer.streams.delete_stream(&admin, gone).await.unwrap();
    check_caught_up(&writer, &follower, "a deleted stream").await;
    writer.groups.delete_group(&admin, line).await.unwrap();
    check_caught_up(&writer, &follower, "a deleted group").await;
    assert_eq!(follower.streams.stream(&admin, member).unwrap().spec.group, None);
    writer.devices.delete_device(&admin, owner).await.unwrap();
    check_caught_up(&writer, &follower, "a deleted device").await;
    assert_eq!(refusal(follower.streams.stream(&admin, member)), not_found(), "its streams are gone too");
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_loads_its_mirror_once_for_a_change() {
    let place = TestDatabase::postgres().await;
    let (writer, follower) = writer_and_follower(&place).await;
    let (admin, follower) = (admin(&writer), Arc::new(follower));
    let revision = || follower.core.mirror.read().revision();
    let (before, changes) = (revision(), follower.subscribe_changes());
    follower.catch_up().await.unwrap();
    // The audit log is not mirrored.
    writer.audit.append_audit(&admin, AuditChange::new(Action::Update, "settings", 1_i32)).await.unwrap();
    follower.catch_up().await.unwrap();
    assert_eq!((revision(), changes.has_changed().unwrap()), (before, false));

    device(&writer, &admin, "d").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let follower = Arc::clone(&follower);
        tasks.spawn(async move { follower.catch_up().await });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    // Each load of rows adds 1, and a device nothing more.
    assert_eq!((revision(), changes.has_changed().unwrap()), (before + 1, true));

    writer.catch_up().await.unwrap();
    assert_eq!(
        writer.devices.devices(&admin, &DeviceFilter::default()).len(),
        1,
        "a writer needs no catching up"
    );
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_of_a_mirrored_table_raises_the_version() {
    let place = TestDatabase::postgres().await;
    drop(place.open().await);
    let db = place.raw_connection().await;
    let version = "SELECT version FROM catalog_version";
    let mut expected = table_versions(&db).await;
    assert!(expected.keys().eq(MIRRORED_TABLES), "{expected:?}");
    for table in MIRRORED_TABLES {
        let column = if *table == "floors" { "source_id" } else { "id" };
        for statement in [
            format!("INSERT INTO \"{table}\" SELECT * FROM \"{table}\" WHERE false"),
            format!("UPDATE \"{table}\" SET {column} = {column} WHERE false"),
            format!("DELETE FROM \"{table}\" WHERE false"),
        ] {
            let before = number(&db, version).await;
            db.execute_unprepared(&statement).await.unwrap();
            assert_eq!(number(&db, version).await, before + 1, "{statement}");
            *expected.get_mut(*table).expect("it has a version") += 1;
            assert_eq!(table_versions(&db).await, expected, "{statement}: of this table only");
        }
    }
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_refuses_changes() {
    let place = TestDatabase::postgres().await;
    let (writer, follower) = writer_and_follower(&place).await;
    let admin = admin(&writer);
    let key = writer.keys.create_key(&admin, key_spec("k"), secret("k")).await.unwrap();
    follower.catch_up().await.unwrap();
    let created = follower.devices.create_device(&admin, DeviceSpec::new("d", Protocol::Virtual)).await;
    let error = created.expect_err("it is refused");
    assert_eq!(error.kind, Kind::Unavailable);
    assert_eq!(error.message, "this node answers queries only; changes are made on the ingest node");
    let unavailable = (Kind::Unavailable, Vec::new());
    assert_eq!(refusal(follower.orgs.create_org(&admin, "o", "O").await), unavailable);
    assert_eq!(refusal(follower.keys.revoke_key(&admin, key.id).await), unavailable);
    assert_eq!(rows(&follower, &admin), rows(&writer, &admin));
    assert_eq!(rows(&place.open().await, &admin), rows(&writer, &admin));
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_saves_uses_of_keys_and_denied_accesses() {
    let place = TestDatabase::postgres().await;
    let (writer, follower) = writer_and_follower(&place).await;
    let admin = admin(&writer);
    let key = writer.keys.create_key(&admin, key_spec("k"), secret("k")).await.unwrap().id;
    follower.catch_up().await.unwrap();
    let (early, late) = (Micros(START.0 + 1), Micros(START.0 + 2));
    follower.keys.touch_key(key, late);
    follower.keys.save_last_used().await.unwrap();
    follower.catch_up().await.unwrap();
    assert_eq!(follower.keys.key(&admin, key).unwrap().last_used_at, Some(late));
    writer.keys.touch_key(key, early);
    writer.keys.save_last_used().await.unwrap();
    assert_eq!(
        writer.keys.key(&admin, key).unwrap().last_used_at,
        Some(late),
        "the later use of another node stays"
    );

    let origin = RequestOrigin::new("GET /", Some("10.0.0.7".parse().unwrap()), "request-1");
    follower.audit.count_denial(&origin, AccessDenial::Unauthenticated);
    follower.audit.save_denials().await.unwrap();
    follower.audit.count_denial(&origin, AccessDenial::Unauthenticated);
    for catalog in [&follower, &writer] {
        let records = catalog.audit.audit_log(&admin, &AuditFilter::default()).await.unwrap();
        let denials = records.iter().filter(|record| record.outcome == "unauthenticated");
        assert_eq!(denials.map(|record| record.count).collect::<Vec<_>>(), [2]);
    }
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_renews_its_entry_without_a_new_version() {
    let place = TestDatabase::postgres().await;
    let (writer, follower) = writer_and_follower(&place).await;
    let db = place.raw_connection().await;
    let version = "SELECT version FROM catalog_version";
    let before = number(&db, version).await;
    let node = ClusterNode {
        id: uuid::Uuid::from_u128(1),
        role: ClusterRole::Query,
        url: None,
        version: "1.2.3".to_owned(),
        started_at: START,
        renewed_at: START,
        is_running: false,
    };
    let nodes = follower.nodes.renew_node(&node).await.unwrap();
    assert_eq!(nodes.len(), 1);
    assert_eq!(writer.nodes.nodes(&admin(&writer)).await.unwrap(), nodes);
    follower.nodes.remove_node(node.id).await.unwrap();
    assert!(writer.nodes.nodes(&admin(&writer)).await.unwrap().is_empty());
    assert_eq!(number(&db, version).await, before, "no mirror is loaded for it");
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test]
async fn a_sqlite_catalog_has_no_followers() {
    let place = TestDatabase::sqlite();
    assert_eq!(refusal(place.open_follower().await), (Kind::Unavailable, Vec::new()));
    let file = place.url.strip_prefix("sqlite://").unwrap();
    assert!(!std::path::Path::new(file).exists(), "no database is created");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_of_another_version_is_refused() {
    let place = TestDatabase::postgres().await;
    let message = async || place.open_follower().await.err().expect("it is refused").message;
    assert!(message().await.contains("of an older version"), "an empty database");
    let db = database::connect(&place.url).await.unwrap();
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(number(&db, tables).await, 0, "no table is created");
    Migrator::up(&db, None).await.unwrap();
    assert!(message().await.contains("no organization yet"), "a database without rows");
    drop(place.open().await);
    place.open_follower().await.unwrap();
    db.execute_unprepared("INSERT INTO seaql_migrations (version, applied_at) VALUES ('m2999_later', 0)")
        .await
        .unwrap();
    assert!(message().await.contains("of a newer version"), "a migration that this version does not know");
    db.close().await.unwrap();
    place.drop_database().await;
}
