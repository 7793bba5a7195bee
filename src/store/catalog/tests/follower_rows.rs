//! Which rows a follower loads, and when it loads everything instead because it is not certain which have changed.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseConnection, TransactionTrait};

use super::fixtures::*;
use super::follower::number;
use super::follower_reload::{follow, reload_of};
use super::random_changes::{KINDS, RandomChanges};
use crate::domain::policy::PolicyTable;
use crate::domain::retention::BEGINNING_OF_TIME;
use crate::domain::{DeviceId, Micros};
use crate::store::catalog::Catalog;
use crate::store::catalog::follower::reload::{MAX_CHANGED_ROWS, Reload};
use crate::store::catalog::mirror::{LoneTable, Mirror, RowTable};

const ENTRIES: &str = "SELECT count(*) FROM catalog_changes";

/// A database, the catalog that writes it, one that follows it, and a connection.
pub(super) async fn followed() -> (TestDatabase, Catalog, Catalog, DatabaseConnection) {
    let place = TestDatabase::postgres().await;
    let writer = place.open().await;
    let (follower, db) = (place.open_follower().await.unwrap(), place.raw_connection().await);
    (place, writer, follower, db)
}

/// Devices that the follower has.
async fn followed_devices<const N: usize>(writer: &Catalog, follower: &Catalog) -> [DeviceId; N] {
    let mut ids = [DeviceId(0); N];
    for (at, id) in ids.iter_mut().enumerate() {
        *id = device(writer, &admin(writer), &format!("device {at}")).await.id;
    }
    follower.catch_up().await.unwrap();
    ids
}

fn change_of(device: DeviceId) -> String {
    format!("UPDATE devices SET host = host || 'x' WHERE id = {device}")
}

/// Groups that are made at once.
fn new_groups(name: &str, count: usize) -> String {
    format!(
        "INSERT INTO \"groups\" (org_id, name, description, created_at, updated_at) \
         SELECT (SELECT min(id) FROM orgs), '{name} ' || n, '', 0, 0 FROM generate_series(1, {count}) AS n"
    )
}

async fn check_mirror(follower: &Catalog, context: &str) {
    let at_once = Mirror::load(&follower.core.db).await.unwrap().summary();
    assert_eq!(follower.core.mirror.read().summary(), at_once, "{context}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_changes_are_followed_by_row() {
    let mut made: BTreeMap<&str, usize> = KINDS.iter().map(|kind| (*kind, 0)).collect();
    for seed in 1..=2 {
        follow_random_changes(seed, &mut made).await;
    }
    assert!(made.values().all(|count| *count > 0), "each kind of change was made: {made:?}");
}

async fn follow_random_changes(seed: u64, made: &mut BTreeMap<&str, usize>) {
    let (place, writer, follower, db) = followed().await;
    let (mut random, mut latest) = (RandomChanges::new(&writer, seed), Vec::new());
    for _ in 0..8 {
        for kind in random.round() {
            if random.make(kind).await {
                *made.get_mut(kind).expect("it is one of them") += 1;
                latest.push(kind);
            }
            if random.chance(0.3) {
                check_followed(&follower, &format!("seed {seed}, changes {latest:?}")).await;
                latest.clear();
            }
        }
    }
    check_followed(&follower, &format!("seed {seed}, changes {latest:?}")).await;
    db.close().await.unwrap();
    place.drop_database().await;
}

async fn check_followed(follower: &Catalog, context: &str) {
    assert_ne!(follower.load_changes().await.unwrap(), Some(Reload::Everything), "{context}");
    check_mirror(follower, context).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn very_many_changes_load_everything() {
    let (place, _writer, follower, db) = followed().await;
    let rows = follow(&follower, &db, &new_groups("a", MAX_CHANGED_ROWS)).await;
    assert_ne!(rows, Reload::Everything);
    assert_eq!(follow(&follower, &db, &new_groups("b", MAX_CHANGED_ROWS + 1)).await, Reload::Everything);
    db.close().await.unwrap();
    place.drop_database().await;
}

/// Raises the version until old entries were deleted.
async fn pass_versions(db: &DatabaseConnection) {
    for _ in 0..64 {
        db.execute_unprepared("UPDATE keys SET id = id WHERE false").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_entries_go_and_who_needs_them_loads_everything() {
    let (place, writer, follower, db) = followed().await;
    let (admin, behind) = (admin(&writer), place.open_follower().await.unwrap());
    let early = device(&writer, &admin, "early").await.id;
    db.execute_unprepared(&new_groups("g", 20_000)).await.unwrap();
    pass_versions(&db).await;
    assert_eq!(number(&db, ENTRIES).await, 20_000);
    assert_eq!(follower.load_changes().await.unwrap(), Some(Reload::Everything));

    let keys = [LoneTable::Keys];
    let late = device(&writer, &admin, "late").await.id;
    pass_versions(&db).await;
    assert_eq!(number(&db, ENTRIES).await, 1, "all entries of a version go at once");
    let last = device(&writer, &admin, "last").await.id;
    // Its version has no entries any more, nor has an earlier one.
    assert_eq!(follower.load_changes().await.unwrap(), Some(Reload::Everything));
    let loaded = follow(&follower, &db, &change_of(last)).await;
    assert_eq!(loaded, reload_of(&[], [(RowTable::Devices, last.0)]));
    pass_versions(&db).await;
    let loaded = follow(&follower, &db, &change_of(late)).await;
    assert_eq!(loaded, reload_of(&keys, [(RowTable::Devices, late.0)]));

    assert_eq!(behind.load_changes().await.unwrap(), Some(Reload::Everything));
    assert!(behind.devices.device(&admin, early).is_ok());
    check_mirror(&behind, "it has missed entries").await;
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_that_say_too_little_load_everything() {
    let (place, writer, follower, db) = followed().await;
    let [one, other] = followed_devices::<2>(&writer, &follower).await;
    let rows = [
        ("some_are_missing", "DELETE FROM catalog_changes"),
        (
            "of_an_unknown_table",
            "INSERT INTO catalog_changes SELECT version + 1, 'unknown', 1 FROM catalog_version",
        ),
        (
            "a_restored_table",
            "CREATE TABLE restored AS SELECT * FROM catalog_version; DROP TABLE catalog_version; \
             ALTER TABLE restored RENAME TO catalog_version",
        ),
    ];
    for (name, cause) in rows {
        db.execute_unprepared(&change_of(one)).await.unwrap();
        db.execute_unprepared(cause).await.unwrap();
        assert_eq!(follow(&follower, &db, &change_of(other)).await, Reload::Everything, "{name}");
        let loaded = follow(&follower, &db, &change_of(other)).await;
        assert_eq!(loaded, reload_of(&[], [(RowTable::Devices, other.0)]), "{name}: afterwards");
    }
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rolled_back_is_not_loaded() {
    let (place, writer, follower, db) = followed().await;
    let [first, second, third, fourth] = followed_devices::<4>(&writer, &follower).await;
    let transaction = db.begin().await.unwrap();
    transaction.execute_unprepared(&change_of(first)).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(follower.load_changes().await.unwrap(), None);

    // What comes after a savepoint has another version than what was changed in it.
    let transaction = db.begin().await.unwrap();
    for statement in [
        "SAVEPOINT a",
        &change_of(first),
        "RELEASE SAVEPOINT a",
        &change_of(second),
        "SAVEPOINT b",
        &change_of(third),
        "ROLLBACK TO SAVEPOINT b",
        &change_of(fourth),
    ] {
        transaction.execute_unprepared(statement).await.unwrap();
    }
    transaction.commit().await.unwrap();
    let changed = [first, second, fourth].map(|id| (RowTable::Devices, id.0));
    assert_eq!(follower.load_changes().await.unwrap(), Some(reload_of(&[], changed)));
    check_mirror(&follower, "after savepoints").await;
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_have_versions_in_the_order_of_their_commits() {
    let (place, writer, follower, db) = followed().await;
    let [one, other] = followed_devices::<2>(&writer, &follower).await;
    let first = db.begin().await.unwrap();
    first.execute_unprepared(&change_of(one)).await.unwrap();
    let (second, change) = (db.clone(), change_of(other));
    let second = tokio::spawn(async move { second.execute_unprepared(&change).await });
    assert_eq!(follower.load_changes().await.unwrap(), None, "neither is there");
    assert!(!second.is_finished(), "it waits for the first");
    first.commit().await.unwrap();
    follower.catch_up().await.unwrap();
    assert_eq!(follower.devices.device(&admin(&writer), one).unwrap().spec.host, "x");
    second.await.unwrap().unwrap();
    follower.catch_up().await.unwrap();
    check_mirror(&follower, "after both").await;
    let version = |id| {
        format!("(SELECT max(version) FROM catalog_changes WHERE table_name = 'devices' AND row_id = {id})")
    };
    let distance = format!("SELECT {} - {}", version(other), version(one));
    assert_eq!(number(&db, &distance).await, 1);
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_gets_another_id_is_loaded_by_both() {
    let (place, writer, follower, db) = followed().await;
    let admin = admin(&writer);
    let [plant] = followed_devices::<1>(&writer, &follower).await;
    let line = group(&writer, &admin, "line").await.id;
    let one = stream(&writer, &admin, plant, "s").await.id;
    writer.retention.set_policy(&admin, PolicyTable::Readings, Some(one), 60).await.unwrap();
    follower.catch_up().await.unwrap();
    let loaded = follow(&follower, &db, "UPDATE \"groups\" SET id = 1000").await;
    assert_eq!(loaded, reload_of(&[], [(RowTable::Groups, line.0), (RowTable::Groups, 1000)]));
    // Policies are known by their stream; 0 stands for those of organizations.
    let loaded = follow(&follower, &db, "UPDATE policies SET stream_id = NULL").await;
    assert_eq!(loaded, reload_of(&[], [(RowTable::Policies, one.0), (RowTable::Policies, 0)]));
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_follows_changes_of_rows() {
    let (place, writer, follower, db) = followed().await;
    let admin = admin(&writer);
    let [plant] = followed_devices::<1>(&writer, &follower).await;
    let bounds = || follower.retention.retention_bounds(Micros(START.0));
    let one = stream(&writer, &admin, plant, "s").await.id;
    follower.catch_up().await.unwrap();
    assert_eq!(bounds().visible_from.start_of(one.0), BEGINNING_OF_TIME);
    writer.retention.set_policy(&admin, PolicyTable::Readings, None, 3600).await.unwrap();
    follower.catch_up().await.unwrap();
    assert!(bounds().visible_from.start_of(one.0) > BEGINNING_OF_TIME);
    // The policy is that of the device's messages too.
    let new = device(&writer, &admin, "new").await.id;
    assert_ne!(follower.load_changes().await.unwrap(), Some(Reload::Everything));
    assert!(bounds().messages_from.start_of(new.0) > BEGINNING_OF_TIME);
    db.close().await.unwrap();
    place.drop_database().await;
}
