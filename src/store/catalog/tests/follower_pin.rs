//! Pins of a query node beside the rows: its catalog has what the owner of the lake had, mostly without a question.

use std::path::Path;
use std::sync::Arc;

use super::fixtures::*;
use crate::domain::cluster::{OwnerStates, TAIL_PATH, TailQuery, TailRequest};
use crate::domain::policy::PolicyTable;
use crate::domain::ports::{BoxFuture, OwnerNode};
use crate::domain::reading::Reading;
use crate::domain::retention::BEGINNING_OF_TIME;
use crate::domain::time::{MICROS_PER_DAY, SystemClock};
use crate::domain::{Clock, Kind, Micros, Result, StreamId};
use crate::fuzz_store;
use crate::store::disk::LocalDisk;
use crate::store::snapshot::Snapshot;
use crate::store::{Store, StoreOptions};

/// Seconds for which readings are kept in the end: a day.
const KEPT_S: i64 = 86_400;

/// The owner, asked without a network.
struct DirectOwner(Arc<Store>);

impl OwnerNode for DirectOwner {
    fn post<'a>(&'a self, path: &'a str, body: Vec<u8>) -> BoxFuture<'a, Result<Vec<u8>>> {
        Box::pin(async move {
            assert_eq!(path, TAIL_PATH);
            let query: TailQuery = serde_json::from_slice(&body).unwrap();
            self.0.catalog().learn_mirror_version().await?;
            self.0.tail(query, |_| OwnerStates::default()).encode()
        })
    }
}

/// The machine's clock, set wrong by some microseconds.
struct WrongClock(i64);

impl Clock for WrongClock {
    fn now(&self) -> Micros {
        Micros(SystemClock.now().0 + self.0)
    }
}

/// The owner of a lake in a directory, and a node that reads it, with a clock of its own.
async fn open(place: &TestDatabase, dir: &Path, node_clock: Arc<dyn Clock>) -> (Arc<Store>, Store) {
    let lake_url = Some(format!("file://{}", dir.join("lake").display()));
    let options = |name: &str| {
        let data_dir = dir.join(name);
        std::fs::create_dir(&data_dir).unwrap();
        StoreOptions { lake_url: lake_url.clone(), ..fuzz_store::store_options(&data_dir) }
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let catalog = Arc::new(place.open().await);
    let owner = Store::open(options("owner"), catalog, Arc::new(LocalDisk), clock).await;
    let owner = Arc::new(owner.unwrap());
    let catalog = Arc::new(place.open_follower().await.unwrap());
    let node = Arc::new(DirectOwner(Arc::clone(&owner)));
    let node = Store::open_replica(options("node"), catalog, node, Arc::new(LocalDisk), node_clock).await;
    (owner, node.unwrap())
}

/// The rows in the files of readings, and the time before which those of a stream count as removed.
fn lake_rows(snapshot: &Snapshot, stream: StreamId) -> (u64, i64) {
    let rows = snapshot.lake.files().map(|file| file.rows).sum();
    (rows, snapshot.retention_bounds.purged_before.start_of(stream.0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_retention_removed_count_as_removed_and_nothing_is_asked_without_a_change() {
    let (place, dir) = (TestDatabase::postgres().await, tempfile::tempdir().unwrap());
    let (owner, node) = open(&place, dir.path(), Arc::new(SystemClock)).await;
    let admin = admin(owner.catalog());
    let plant = device(owner.catalog(), &admin, "plant").await.id;
    let speed = stream(owner.catalog(), &admin, plant, "speed").await.id;
    let old = Micros(SystemClock.now().0 - 10 * MICROS_PER_DAY);
    owner.write(&admin, [Reading::good(speed, old, 1.5)].into_iter().collect()).await.unwrap();
    owner.flush().await.unwrap();
    let wanted = TailRequest::for_rows(admin.org);
    let before = node.current_snapshot(wanted).await.unwrap();
    assert_eq!(lake_rows(&before, speed), (1, BEGINNING_OF_TIME));

    // What follows happens while a statement waits, after it has caught up with the catalog.
    owner.catalog().retention.set_policy(&admin, PolicyTable::Readings, None, KEPT_S).await.unwrap();
    owner.run_retention().await.unwrap();
    let after = node.current_snapshot(wanted).await.unwrap();
    let (rows, purged_before) = lake_rows(&after, speed);
    assert!(rows == 0 && purged_before > old.0, "{rows} rows, none before {purged_before}");
    assert_eq!((rows, purged_before), lake_rows(&owner.snapshot(), speed));

    // From now on every question to the catalog's database fails.
    node.catalog().connection().close_by_ref().await.unwrap();
    for _ in 0..2 {
        let again = node.current_snapshot(wanted).await.unwrap();
        assert_eq!(lake_rows(&again, speed), (rows, purged_before));
    }
    device(owner.catalog(), &admin, "another").await;
    assert_eq!(node.current_snapshot(wanted).await.unwrap_err().kind, Kind::Unavailable);
    drop((owner, node));
    place.drop_database().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_expire_by_the_clock_of_the_owner_whatever_that_of_a_node_says() {
    for wrong_by in [400 * MICROS_PER_DAY, -400 * MICROS_PER_DAY] {
        let (place, dir) = (TestDatabase::postgres().await, tempfile::tempdir().unwrap());
        let (owner, node) = open(&place, dir.path(), Arc::new(WrongClock(wrong_by))).await;
        let admin = admin(owner.catalog());
        let plant = device(owner.catalog(), &admin, "plant").await.id;
        let speed = stream(owner.catalog(), &admin, plant, "speed").await.id;
        owner.catalog().retention.set_policy(&admin, PolicyTable::Readings, None, KEPT_S).await.unwrap();
        let shown_from = |snapshot: &Snapshot| snapshot.retention_bounds.visible_from.start_of(speed.0);
        let earlier = shown_from(&owner.snapshot());
        let on_node = shown_from(&node.current_snapshot(TailRequest::for_rows(admin.org)).await.unwrap());
        let later = shown_from(&owner.snapshot());
        assert!(
            (earlier..=later).contains(&on_node),
            "a clock that is {wrong_by} us ahead: rows are shown from {on_node}, on the owner from {earlier}"
        );
        drop((owner, node));
        place.drop_database().await;
    }
}
