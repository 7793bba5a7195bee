//! The version that the writer of a catalog tells, and what its followers do with it. Only a catalog in PostgreSQL has one.

use std::sync::{Arc, mpsc};

use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};
use uuid::Uuid;

use super::fixtures::*;
use super::follower::{number, wait_for_lock_waiter};
use crate::domain::cluster::CatalogMark;
use crate::domain::device::{DeviceFilter, DeviceSpec, Protocol};
use crate::domain::{Kind, Micros, StreamId};
use crate::store::catalog::Catalog;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::DbTransaction;

const WRITER: Uuid = Uuid::from_u128(1);
const NEXT_WRITER: Uuid = Uuid::from_u128(2);

async fn stored_version(db: &DatabaseConnection) -> i64 {
    number(db, "SELECT version FROM catalog_version").await
}

/// The version that a writer tells when it is asked now.
async fn told_version(writer: &Catalog) -> i64 {
    writer.learn_mirror_version().await.unwrap();
    writer.mirror_version().expect("it was just read")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_is_read_once_for_a_change_of_the_mirror() {
    let place = TestDatabase::postgres().await;
    let (writer, db) = (place.open().await, place.raw_connection().await);
    let admin = admin(&writer);
    let key = writer.keys.create_key(&admin, key_spec("k"), secret("k")).await.unwrap().id;
    let follower = place.open_follower().await.unwrap();
    assert_eq!(writer.mirror_version(), None, "nobody has asked");
    let before = told_version(&writer).await;
    assert_eq!(before, stored_version(&db).await);

    follower.keys.touch_key(key, Micros(START.0 + 1));
    follower.keys.save_last_used().await.unwrap();
    assert_eq!(stored_version(&db).await, before + 1);
    assert_eq!(told_version(&writer).await, before, "what others save is not read again for");

    device(&writer, &admin, "d").await;
    assert_eq!(writer.mirror_version(), None);
    let after = told_version(&writer).await;
    assert_eq!((after, stored_version(&db).await), (before + 2, before + 2));
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_was_read_before_a_commit_is_not_told_after_it() {
    let place = TestDatabase::postgres().await;
    let writer = Arc::new(place.open().await);
    let (reader, observer) = (Arc::clone(&writer), Arc::clone(&writer));
    let (sender, seen) = mpsc::channel();
    // Somebody asks while the change is under way.
    let work = move |_: DbTransaction| async move { reader.learn_mirror_version().await };
    // At the earliest moment at which anybody can act by the change.
    let apply = move |_: &mut Mirror, (): &()| sender.send(observer.mirror_version()).unwrap();
    let transaction = writer.core.begin_transaction().await.unwrap();
    transaction.commit_unaudited(work, apply).await.unwrap();
    assert_eq!(seen.recv().unwrap(), None);
    drop(writer);
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_was_read_during_a_commit_is_not_told_after_it() {
    let place = TestDatabase::postgres().await;
    let (writer, db) = (Arc::new(place.open().await), place.raw_connection().await);
    let admin = admin(&writer);
    // The commit of a new device waits for a lock.
    db.execute_unprepared(
        "CREATE FUNCTION wait_in_commit() RETURNS trigger LANGUAGE plpgsql AS $$ \
         BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER wait_in_commit AFTER INSERT ON devices DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION wait_in_commit()",
    )
    .await
    .unwrap();
    let lock = db.begin().await.unwrap();
    lock.execute_unprepared("SELECT pg_advisory_xact_lock(1)").await.unwrap();
    let (maker, author) = (Arc::clone(&writer), admin.clone());
    let change = tokio::spawn(async move { device(&maker, &author, "d").await.id });
    wait_for_lock_waiter(&db).await;
    let before = stored_version(&db).await;
    assert_eq!(told_version(&writer).await, before);

    lock.rollback().await.unwrap();
    let id = change.await.unwrap();
    assert!(writer.devices.device(&admin, id).is_ok());
    assert_eq!(writer.mirror_version(), None);
    assert_eq!(told_version(&writer).await, before + 1);
    drop(writer);
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_is_being_read_at_a_change_is_not_told_after_it() {
    let place = TestDatabase::postgres().await;
    let (writer, db) = (Arc::new(place.open().await), place.raw_connection().await);
    let lock = db.begin().await.unwrap();
    lock.execute_unprepared("LOCK TABLE catalog_version IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let reader = Arc::clone(&writer);
    let answer = tokio::spawn(async move { reader.learn_mirror_version().await });
    wait_for_lock_waiter(&db).await;
    // What a change does after its commit.
    writer.mirror_version.forget();
    lock.rollback().await.unwrap();
    answer.await.unwrap().unwrap();
    assert_eq!(writer.mirror_version(), None);
    drop(writer);
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirror_that_is_loaded_again_after_a_failure_has_a_new_version() {
    let place = TestDatabase::postgres().await;
    let (writer, db) = (place.open().await, place.raw_connection().await);
    let admin = admin(&writer);
    let plant = device(&writer, &admin, "plant").await.id;
    let before = told_version(&writer).await;
    db.execute_unprepared("ALTER TABLE devices RENAME TO hidden").await.unwrap();
    let failed = writer.devices.create_device(&admin, DeviceSpec::new("d", Protocol::Virtual)).await;
    assert_eq!(failed.unwrap_err().kind, Kind::Unavailable);
    db.execute_unprepared("ALTER TABLE hidden RENAME TO devices").await.unwrap();
    assert_eq!(writer.mirror_version(), Some(before), "nothing came into the mirror");

    // As if a commit had succeeded although its answer was lost.
    db.execute_unprepared("UPDATE devices SET name = 'renamed'").await.unwrap();
    assert_eq!(refusal(writer.streams.delete_stream(&admin, StreamId(99)).await), not_found());
    assert_eq!(writer.devices.device(&admin, plant).unwrap().spec.name, "renamed", "the mirror was loaded");
    assert_eq!(writer.mirror_version(), None);
    assert_eq!(told_version(&writer).await, stored_version(&db).await);
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test]
async fn a_catalog_in_sqlite_has_no_version() {
    let place = TestDatabase::sqlite();
    let catalog = place.open().await;
    catalog.learn_mirror_version().await.unwrap();
    assert_eq!((catalog.mirror_version(), catalog.mark()), (None, None));
    let mark = CatalogMark { writer: WRITER, version: i64::MAX };
    catalog.catch_up_to(Some(mark)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_with_what_a_mark_names_asks_nothing() {
    let place = TestDatabase::postgres().await;
    let writer = place.open().await;
    let (admin, follower) = (admin(&writer), place.open_follower().await.unwrap());
    let mark = |writer: Uuid, version: i64| Some(CatalogMark { writer, version });
    let devices = || follower.devices.devices(&admin, &DeviceFilter::default()).len();
    let version = told_version(&writer).await;
    assert_eq!(follower.mark(), None);
    follower.catch_up_to(mark(WRITER, version)).await.unwrap();
    assert_eq!(follower.mark(), mark(WRITER, version));

    device(&writer, &admin, "first").await;
    follower.catch_up_to(mark(WRITER, version)).await.unwrap();
    assert_eq!(devices(), 0, "the mark is from before the change");
    let version = told_version(&writer).await;
    follower.catch_up_to(mark(WRITER, version)).await.unwrap();
    assert_eq!((devices(), follower.mark()), (1, mark(WRITER, version)));
    device(&writer, &admin, "second").await;
    follower.catch_up_to(None).await.unwrap();
    assert_eq!(devices(), 2, "without a mark everything is caught up with");
    device(&writer, &admin, "third").await;
    follower.catch_up_to(mark(WRITER, i64::MAX)).await.unwrap();
    assert_eq!(devices(), 3, "what no database has yet is asked for once");

    // From now on every question fails.
    let version = told_version(&writer).await;
    follower.core.db.close_by_ref().await.unwrap();
    for had in [version - 1, version] {
        follower.catch_up_to(mark(WRITER, had)).await.unwrap();
    }
    for (name, mark) in [
        ("a later mark", mark(WRITER, version + 1)),
        ("of another writer", mark(NEXT_WRITER, version - 1)),
        ("none", None),
    ] {
        assert_eq!(follower.catch_up_to(mark).await.unwrap_err().kind, Kind::Unavailable, "{name}");
    }
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_is_followed_although_its_versions_are_lower() {
    let place = TestDatabase::postgres().await;
    let writer = place.open().await;
    let (admin, follower) = (admin(&writer), place.open_follower().await.unwrap());
    for name in ["made", "after", "the backup"] {
        device(&writer, &admin, name).await;
    }
    let version = told_version(&writer).await;
    follower.catch_up_to(Some(CatalogMark { writer: WRITER, version })).await.unwrap();
    drop(writer);
    let db = place.raw_connection().await;
    db.execute_unprepared("DELETE FROM devices; UPDATE catalog_version SET version = 1").await.unwrap();

    let version = told_version(&place.open().await).await;
    let mark = CatalogMark { writer: NEXT_WRITER, version };
    assert!(follower.mark().unwrap().version > version);
    assert_eq!(follower.devices.devices(&admin, &DeviceFilter::default()).len(), 3);
    follower.catch_up_to(Some(mark)).await.unwrap();
    assert!(follower.devices.devices(&admin, &DeviceFilter::default()).is_empty());
    assert_eq!(follower.mark(), Some(mark));
    db.close().await.unwrap();
    place.drop_database().await;
}
