//! Tests that each query has one record, who may see it, and the bound of the log.

use datafusion::execution::memory_pool::GreedyMemoryPool;

use super::*;
use crate::domain::{KeyId, StreamId};

fn tracker(log: &Arc<QueryLog>, org: i32, key: i32) -> QueryTracker {
    let info = QueryInfo {
        started_at: Micros(1),
        text_hash: None,
        text: None,
        surface: Surface::Sql,
        caller: Caller::Key(KeyId(key)),
        org: OrgId(org),
    };
    QueryTracker::new(log.clone(), info, QueryMemoryPool::new(Arc::new(GreedyMemoryPool::new(1)), 1))
}

fn key(org: i32, key: i32) -> Principal {
    Principal { caller: Caller::Key(KeyId(key)), ..Principal::system(OrgId(org)) }
}

#[test]
fn a_query_leaves_one_record_and_its_first_outcome_counts() {
    type End = fn(&QueryTracker);
    let cases: [(&str, End); 4] = [
        ("ok", |t| t.finish()),
        ("timeout", |t| t.fail(Kind::Timeout)),
        ("busy", |t| {
            t.fail(Kind::Busy);
            t.finish();
        }),
        ("cancelled", |_| {}),
    ];
    for (outcome, end) in cases {
        let log = Arc::default();
        let query = tracker(&log, 1, 1);
        query.add_rows(3);
        end(&query);
        drop(query);
        let records = log.visible(&Principal::system(OrgId(1)));
        let outcomes: Vec<_> = records.iter().map(|r| (r.outcome, r.rows)).collect();
        assert_eq!(outcomes, [(outcome, 3)]);
    }
}

#[test]
fn a_record_has_what_other_nodes_have_used_when_they_say_it_after_the_end_too() {
    let log: Arc<QueryLog> = Arc::default();
    let query = tracker(&log, 1, 1);
    query.scan_metrics.add_bytes(5);
    query.scan_metrics.add_files_in_snapshot(4);
    query.scan_metrics.add_files_scanned(3);
    let remote = query.remote_usage.clone();
    remote.add(NodeUsage { bytes: 20, peak_memory: 900 });
    query.finish();
    drop(query);
    let record = log.visible(&Principal::system(OrgId(1))).remove(0);
    assert_eq!(record.usage(), NodeUsage { bytes: 25, peak_memory: 900 });
    remote.add(NodeUsage { bytes: 100, peak_memory: 800 });
    assert_eq!(record.usage(), NodeUsage { bytes: 125, peak_memory: 900 });
    remote.add(NodeUsage { bytes: u64::MAX, peak_memory: 1 });
    assert_eq!(record.usage().bytes, u64::MAX);
    assert_eq!(record.files, FileTotals { scanned: 3, pruned: 1 });
}

#[test]
fn others_are_seen_within_the_organization_and_only_by_who_sees_all_of_it() {
    let log: Arc<QueryLog> = Arc::default();
    for (org, by) in [(1, 1), (1, 2), (2, 3)] {
        tracker(&log, org, by).finish();
    }
    let narrow = |who: Principal| Principal { streams: Some([StreamId(1)].into()), ..who };
    let rows = [
        ("a key", key(1, 1), 2),
        ("another organization's", key(2, 3), 1),
        ("a restricted key", narrow(key(1, 1)), 1),
        ("a restricted key that asked nothing", narrow(key(1, 9)), 0),
        ("one of an organization without queries", key(3, 1), 0),
    ];
    for (name, who, count) in rows {
        let seen = log.visible(&who);
        assert_eq!(seen.len(), count, "{name}");
        assert!(seen.iter().all(|r| r.org == who.org), "{name}");
    }
}

#[test]
fn the_oldest_record_makes_room() {
    let log: Arc<QueryLog> = Arc::default();
    for n in 0..MAX_RECORDS_PER_ORG + 5 {
        let query = tracker(&log, 1, 1);
        query.add_rows(n);
        query.finish();
    }
    let seen = log.visible(&key(1, 1));
    assert_eq!((seen.len(), seen[0].rows), (MAX_RECORDS_PER_ORG, 5));
}

#[test]
fn who_asks_much_takes_no_record_of_others_away() {
    let log: Arc<QueryLog> = Arc::default();
    let ask = |org: i32, times: usize| (0..times).for_each(|_| tracker(&log, org, 1).finish());
    ask(1, 3);
    ask(2, 2 * MAX_RECORDS_PER_ORG);
    let count = |org| log.visible(&Principal::system(OrgId(org))).len();
    assert_eq!((count(1), count(2)), (3, MAX_RECORDS_PER_ORG));
    // Organizations with many queries share the common limit, and one with few loses none.
    (3..9).for_each(|org| ask(org, MAX_RECORDS_PER_ORG));
    assert_eq!(count(1), 3);
    assert_eq!((1..9).map(count).sum::<usize>(), MAX_RECORDS);
    assert!((2..9).all(|org| count(org) > MAX_RECORDS / 8), "{:?}", (2..9).map(count).collect::<Vec<_>>());
}
