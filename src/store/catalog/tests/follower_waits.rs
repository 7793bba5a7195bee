//! How long a follower waits for the database, and the database for a follower: no load waits for a save, and each has an end.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, TransactionTrait};
use tokio::task::JoinHandle;
use tokio::time::{pause, resume, timeout};

use super::fixtures::*;
use super::follower::{EVENT_TIMEOUT, number, wait_for_lock_waiter};
use super::follower_rows::followed;
use crate::domain::audit::{AccessDenial, AuditFilter, RequestOrigin};
use crate::domain::device::DeviceFilter;
use crate::domain::{Kind, Micros, Result};

/// Longer than a follower waits for anything.
const LONG: Duration = Duration::from_secs(3600);

/// Begins a transaction that has the locks of a statement until it ends.
async fn lock(db: &DatabaseConnection, statement: &str) -> DatabaseTransaction {
    let transaction = db.begin().await.unwrap();
    transaction.execute_unprepared(statement).await.unwrap();
    transaction
}

/// Result of work that waits for the database: time leaps to the end of whatever is waited for.
async fn result_in_leaps<T>(work: JoinHandle<Result<T>>) -> Result<T> {
    pause();
    let result = timeout(LONG, work).await.expect("it has an end").unwrap();
    resume();
    result
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_loaded_while_a_save_waits() {
    let (place, writer, follower, db) = followed().await;
    let (admin, follower) = (admin(&writer), Arc::new(follower));
    let key = writer.keys.create_key(&admin, key_spec("k"), secret("k")).await.unwrap().id;
    follower.keys.touch_key(key, Micros(START.0 + 1));
    // As a large change of the writer has it.
    let locks = lock(&db, "UPDATE catalog_version SET version = version").await;
    let saver = Arc::clone(&follower);
    let save = tokio::spawn(async move { saver.keys.save_last_used().await });
    wait_for_lock_waiter(&db).await;
    follower.catch_up().await.unwrap();
    assert!(follower.keys.key(&admin, key).is_ok(), "it was loaded");
    assert!(!save.is_finished());

    locks.rollback().await.unwrap();
    save.await.unwrap().unwrap();
    follower.catch_up().await.unwrap();
    assert_eq!(follower.keys.key(&admin, key).unwrap().last_used_at, Some(Micros(START.0 + 1)));
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test]
async fn a_save_that_waits_for_too_long_is_given_up_and_loses_nothing() {
    let (place, writer, follower, db) = followed().await;
    let (admin, follower) = (admin(&writer), Arc::new(follower));
    let origin = RequestOrigin::new("GET /", Some("10.0.0.7".parse().unwrap()), "request-1");
    follower.audit.count_denial(&origin, AccessDenial::Unauthenticated);
    let locks = lock(&db, "LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE").await;
    let saver = Arc::clone(&follower);
    let save = tokio::spawn(async move { saver.audit.save_denials().await });
    wait_for_lock_waiter(&db).await;
    assert_eq!(refusal(result_in_leaps(save).await), (Kind::Unavailable, Vec::new()));

    locks.rollback().await.unwrap();
    follower.audit.save_denials().await.unwrap();
    let records = writer.audit.audit_log(&admin, &AuditFilter::default()).await.unwrap();
    let denials = records.iter().filter(|record| record.outcome == "unauthenticated");
    assert_eq!(denials.map(|record| record.count).collect::<Vec<_>>(), [1]);
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test]
async fn a_load_goes_on_when_its_caller_has_given_up() {
    let (place, writer, follower, db) = followed().await;
    let (admin, follower) = (admin(&writer), Arc::new(follower));
    let mut changes = follower.subscribe_changes();
    let plant = device(&writer, &admin, "plant").await.id;
    let locks = lock(&db, "LOCK TABLE devices IN ACCESS EXCLUSIVE MODE").await;
    let caller = Arc::clone(&follower);
    let call = tokio::spawn(async move { caller.catch_up().await });
    wait_for_lock_waiter(&db).await;
    let error = result_in_leaps(call).await.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Kind::Unavailable, "the catalog is still being loaded")
    );
    assert!(follower.devices.devices(&admin, &DeviceFilter::default()).is_empty());

    // Nobody asks again.
    locks.rollback().await.unwrap();
    timeout(EVENT_TIMEOUT, changes.changed()).await.expect("it is loaded").unwrap();
    assert!(follower.devices.device(&admin, plant).is_ok());
    db.close().await.unwrap();
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_ends_a_transaction_of_a_follower_that_is_gone() {
    let (place, _writer, follower, db) = followed().await;
    let limit = "SELECT setting::bigint FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'";
    assert_eq!(number(&follower.core.db, limit).await, 60_000, "milliseconds");
    db.close().await.unwrap();
    place.drop_database().await;
}
