//! Two ingest nodes over one lake and one catalog, one on a copy of the other's directory: of their commits those of one count, in whatever
//! order they reach the object store, and no row is lost or doubled.

use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use serde_json::{Value, json};

use crate::ingest::NDJSON;
use crate::rest::stream_of;
use crate::support::{
    ANY_SIGNATURE, Client, Cluster, CommitFilter, CommitGate, DataDir, ObjectStore, S3Proxy, Server,
    StoreFault, one_in, until,
};

/// 2026-04-28T12:00:00Z, in seconds.
const NOON: i64 = 1_777_377_600;
/// 2020-01-01T00:00:00Z, in seconds.
const LONG_AGO: i64 = 1_577_836_800;

const EVENT_TIMEOUT: Duration = Duration::from_secs(60);

/// Also what a takeover commits to a table.
const FLUSH: CommitFilter = CommitFilter { table: "readings", operation: "WRITE" };
const MERGE: CommitFilter = CommitFilter { table: "readings", operation: "OPTIMIZE" };
const DELETION: CommitFilter = CommitFilter { table: "readings", operation: "DELETE" };
const STATISTICS: CommitFilter = CommitFilter { table: "statistics", operation: "WRITE" };

/// Nothing is flushed and merged but by command.
const BY_COMMAND: [(&str, &str); 2] = [("BASALT_FLUSH__AGE", "1h"), ("BASALT_COMPACTION__INTERVAL", "1h")];

/// An ingest node with rows of a hundred seconds in its lake, and the way to the object store of each of two.
struct Owners {
    cluster: Cluster,
    first: S3Proxy,
    second: S3Proxy,
    stream: i64,
}

impl Owners {
    async fn start(env: &[(&str, &str)]) -> Owners {
        let store = ObjectStore::start().await;
        let first = S3Proxy::start(&store.url).await;
        let second = first.beside().await;
        let mut all = vec![("AWS_ENDPOINT_URL", first.url.as_str())];
        all.extend(BY_COMMAND);
        all.extend(env);
        let cluster = Cluster::start_over(store, Arc::new(DataDir::new()), &all).await;
        let client = cluster.ingest.client();
        let (_, stream) = stream_of(&client, "speed", "fp64").await;
        write(&client, stream, 0..100).await;
        cluster.ingest.basalt(&["compact"]).await.expect_success();
        Owners { cluster, first, second, stream }
    }

    /// Copies the directory, as a cloned disk would.
    fn copy_directory(&self) -> Arc<DataDir> {
        Arc::new(self.cluster.ingest.data_dir.copy())
    }

    /// Starts the second ingest node, which takes the lake over.
    async fn start_second(&self, home: Arc<DataDir>) -> Server {
        // Its first round of retention would be minutes later.
        let mut env =
            vec![("AWS_ENDPOINT_URL", self.second.url.as_str()), ("BASALT_RETENTION__INTERVAL", "1h")];
        env.extend(BY_COMMAND);
        self.cluster.second_ingest_node(home, &env).await
    }

    /// Takes the lake over while a commit of the first owner is under way, and lets it arrive when the second has committed.
    /// Rows of two hundred seconds are acknowledged before.
    async fn take_over(&self, mut commit: CommitGate, place: &str) {
        commit.wait_for_arrival().await;
        let before = epochs(&self.cluster.store).await;
        let second = self.start_second(self.copy_directory()).await;
        let client = second.client();
        check_rows(&client, 200, place).await;
        write(&client, self.stream, 200..250).await;
        second.basalt(&["compact"]).await.expect_success();
        commit.release();
        self.check_lost(place).await;
        check_rows(&client, 250, place).await;
        write(&client, self.stream, 250..300).await;
        second.basalt(&["compact"]).await.expect_success();
        check_rows(&client, 300, place).await;
        self.check_owners(&before, place).await;
    }

    /// Waits until the first owner knows that it is none any more, and checks that it stays so.
    async fn check_lost(&self, place: &str) {
        let first = &self.cluster.ingest;
        until!("the first owner has learned of the second", EVENT_TIMEOUT;
            first.log().contains("another server has taken the lake over"));
        let client = first.client();
        for _ in 0..2 {
            let path = format!("/api/data/{}/value/", self.stream);
            let answer = client.post(&path, &json!({"value": 1})).await;
            answer.about(place).refused(503, "another server writes to the lake");
            client.get("/readyz/?checks=disk").await.about(&place).expect(503);
            // Whether it has something to do or not, it commits nothing.
            first.basalt(&["compact"]).await;
        }
    }

    /// Checks that the commits of before are there, and after them those of a newer owner alone.
    async fn check_owners(&self, before: &[i64], place: &str) {
        let after = epochs(&self.cluster.store).await;
        let (kept, newer) = after.split_at(before.len().min(after.len()));
        let newest = before.last().expect("the first owner has committed");
        let is_fenced = kept == before && !newer.is_empty() && newer.iter().all(|epoch| epoch > newest);
        assert!(is_fenced, "{place}: epochs were {before:?} and are {after:?}");
    }
}

/// Writes a row for each second, whose value is the second.
async fn write(client: &Client, stream: i64, seconds: Range<i64>) {
    let line =
        |second: i64| json!({"stream_id": stream, "ts": NOON + second, "value": second}).to_string() + "\n";
    client.ingest(NDJSON, seconds.map(line).collect::<String>()).await.ok();
}

/// Checks that each of the first seconds has its row, once.
async fn check_rows(client: &Client, seconds: i64, place: &str) {
    let statement = "SELECT count(*) AS n, count(DISTINCT ts) AS seconds, CAST(sum(value + 0) AS bigint) AS sum FROM readings";
    let expected = json!({"n": seconds, "seconds": seconds, "sum": seconds * (seconds - 1) / 2});
    assert_eq!(client.sql(statement).await, [expected], "{place}");
}

/// The epochs of the owners that the commits to readings name, in their order.
async fn epochs(store: &ObjectStore) -> Vec<i64> {
    let mut names = store.objects("lake/readings/_delta_log/").await;
    names.retain(|name| name.ends_with(".json"));
    names.sort();
    let mut epochs = Vec::new();
    for name in names {
        let entry = store.read(&name).await;
        let actions = entry.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let owners = actions.filter(|action| action["txn"]["appId"] == "basalt-owner");
        epochs.extend(owners.filter_map(|action| action["txn"]["version"].as_i64()));
    }
    epochs
}

#[tokio::test]
async fn of_two_owners_one_commits() {
    for (place, filter) in one_in(2, [("a flush", FLUSH), ("a merge", MERGE)]) {
        let owners = Owners::start(&[]).await;
        let first = &owners.cluster.ingest;
        write(&first.client(), owners.stream, 100..200).await;
        let commit = owners.first.stop_next(filter);
        let compacting = first.basalt(&["compact"]);
        let (output, ()) = tokio::join!(compacting, owners.take_over(commit, place));
        let refusal = output.expect_failure();
        assert!(refusal.contains("another server writes to the lake"), "{place}: {refusal}");
    }
}

#[tokio::test]
async fn a_deletion_of_the_owner_before_is_not_made() {
    let owners = Owners::start(&[("BASALT_RETENTION__INTERVAL", "1s")]).await;
    let first = owners.cluster.ingest.client();
    let (_, expired) = stream_of(&first, "expired", "fp64").await;
    let line = json!({"stream_id": expired, "ts": LONG_AGO, "value": 1_000_000}).to_string();
    first.ingest(NDJSON, line).await.ok();
    write(&first, owners.stream, 100..200).await;
    owners.cluster.ingest.basalt(&["compact"]).await.expect_success();

    let commit = owners.first.stop_next(DELETION);
    let policy = json!({"hypertable": "core_value", "drop_after_hours": 1});
    first.post(&format!("/api/data/{expired}/policy/retention/"), &policy).await.created();
    owners.take_over(commit, "a deletion").await;
}

/// A takeover fails when the owner commits in the middle of it. Repeated, it succeeds, and has what was committed.
#[tokio::test]
async fn a_takeover_has_what_the_owner_committed_or_fails() {
    let owners = Owners::start(&[]).await;
    let first = &owners.cluster.ingest;
    let node = owners.cluster.query_node(&[]).await;
    write(&first.client(), owners.stream, 100..200).await;
    let mut claim = owners.second.stop_next(FLUSH);
    let starting = AssertUnwindSafe(owners.start_second(owners.copy_directory())).catch_unwind();
    let (started, ()) = tokio::join!(starting, async {
        claim.wait_for_arrival().await;
        first.basalt(&["compact"]).await.expect_success();
        claim.release();
    });
    let refusal = started.err().expect("it has not seen the flush").downcast::<String>().expect("a message");
    assert!(refusal.contains("cannot commit to the lake"), "{refusal}");
    check_rows(&first.client(), 200, "the takeover has failed").await;
    write(&first.client(), owners.stream, 200..250).await;
    check_rows(&node.client(), 250, "the owner is the same").await;

    let before = epochs(&owners.cluster.store).await;
    let second = owners.start_second(owners.copy_directory()).await;
    first.basalt(&["compact"]).await.expect_failure();
    owners.check_lost("after a takeover").await;
    check_rows(&second.client(), 250, "after a takeover").await;
    owners.check_owners(&before, "after a takeover").await;
    let answer = node.client().try_sql("SELECT count(*) FROM readings").await;
    answer.about("a query node of the first owner may lack rows of the second").expect(503);
}

#[tokio::test]
async fn of_a_flush_and_a_takeover_at_once_one_counts() {
    let owners = Owners::start(&[]).await;
    let first = &owners.cluster.ingest;
    write(&first.client(), owners.stream, 100..200).await;
    let home = owners.copy_directory();
    let (mut flush, mut claim) = (owners.first.stop_next(FLUSH), owners.second.stop_next(FLUSH));
    let starting = AssertUnwindSafe(owners.start_second(home)).catch_unwind();
    let (output, started, ()) = tokio::join!(first.basalt(&["compact"]), starting, async {
        flush.wait_for_arrival().await;
        claim.wait_for_arrival().await;
        flush.release();
        claim.release();
    });
    assert_eq!(output.code == Some(0), started.is_err(), "both or none: {output:?}");
    match started {
        Ok(second) => {
            owners.check_lost("the takeover won").await;
            check_rows(&second.client(), 200, "the takeover won").await;
        }
        Err(_) => {
            write(&first.client(), owners.stream, 200..250).await;
            first.basalt(&["compact"]).await.expect_success();
            check_rows(&first.client(), 250, "the flush won").await;
        }
    }
}

/// A commit that the store made but did not confirm is found in its log; it is no commit of another.
#[tokio::test]
async fn a_commit_without_an_answer_is_known_as_the_owners_own() {
    let owners = Owners::start(&[]).await;
    let first = &owners.cluster.ingest;
    let mut rows = 100;
    let faults = [StoreFault::ErrorAfterSuccess, StoreFault::AnswerLost];
    let all = faults.into_iter().flat_map(|fault| [FLUSH, MERGE, STATISTICS].map(|filter| (fault, filter)));
    for (fault, filter) in one_in(2, all) {
        let place = format!("{fault:?}, {filter:?}");
        write(&first.client(), owners.stream, rows..rows + 50).await;
        rows += 50;
        owners.first.break_next(filter, fault);
        first.basalt(&["compact"]).await.expect_success();
        assert_eq!(owners.first.planned(), 0, "{place}: nothing has failed");
        check_rows(&first.client(), rows, &place).await;
        first.client().get("/readyz/?checks=disk").await.about(&place).ok();
    }
    assert!(!first.log().contains("another server has taken the lake over"));
    // A start reads what is in the store, not what the process remembers.
    let mut cluster = owners.cluster;
    cluster.ingest.restart().await;
    check_rows(&cluster.ingest.client(), rows, "after a restart").await;
}

/// The proxy makes of moto a store whose conditional puts can be relied on: the other cases would see it fail only now and then.
#[tokio::test]
async fn of_two_conditional_puts_at_once_one_wins() {
    let store = ObjectStore::start().await;
    let first = S3Proxy::start(&store.url).await;
    let second = first.beside().await;
    let http = reqwest::Client::builder().no_proxy().tls_built_in_root_certs(false).build().unwrap();
    for round in 0..50 {
        let put = |proxy: &S3Proxy| {
            let request = http.put(format!("{}/plant/race/{round}", proxy.url)).body("a commit");
            request.header("authorization", ANY_SIGNATURE).header("if-none-match", "*").send()
        };
        let (one, other) = tokio::join!(put(&first), put(&second));
        let mut statuses = [one, other].map(|answer| answer.unwrap().status().as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "round {round}");
    }
}
