//! Tests who sees and cancels which queries.

use std::collections::BTreeSet;

use datafusion::execution::memory_pool::GreedyMemoryPool;

use super::*;
use crate::domain::caller::Caller;
use crate::domain::{DeviceId, KeyId, Kind, Micros, OrgId, Scopes};
use crate::query::log::{QueryInfo, QueryLog, Surface};
use crate::query::memory_pool::QueryMemoryPool;

fn query(log: &Arc<QueryLog>, org: i32, key: i32, started_at: i64) -> Arc<QueryTracker> {
    let info = QueryInfo {
        started_at: Micros(started_at),
        text_hash: None,
        text: Some(format!("SELECT {org}{key}").into()),
        surface: Surface::Sql,
        caller: Caller::Key(KeyId(key)),
        org: OrgId(org),
    };
    let share = QueryMemoryPool::new(Arc::new(GreedyMemoryPool::new(1)), 1);
    Arc::new(QueryTracker::new(log.clone(), info, share))
}

fn key(org: i32, key: i32, scopes: &[Scope]) -> Principal {
    let scopes: Scopes = scopes.iter().copied().collect();
    Principal { caller: Caller::Key(KeyId(key)), scopes, ..Principal::system(OrgId(org)) }
}

fn texts(seen: &[RunningQuery]) -> Vec<&str> {
    seen.iter().map(|query| query.text.as_deref().unwrap()).collect()
}

#[test]
fn queries_of_others_are_for_unrestricted_callers_with_the_scope() {
    let (log, running) = (Arc::default(), RunningQueries::default());
    let queries = [query(&log, 1, 1, 30), query(&log, 1, 2, 20), query(&log, 2, 1, 10)];
    queries.iter().for_each(|query| running.add(query));
    let system = Scope::read(Resource::System);
    let restricted = Principal { devices: Some(BTreeSet::from([DeviceId(1)])), ..key(1, 2, &[system]) };
    let rows: [(&str, Principal, &[&str]); 6] = [
        ("own only", key(1, 1, &[]), &["SELECT 11"]),
        ("none of its own", key(1, 3, &[Scope::read(Resource::Value)]), &[]),
        ("all of its organization, oldest first", key(1, 3, &[system]), &["SELECT 12", "SELECT 11"]),
        ("write reads", key(1, 3, &[Scope::write(Resource::System)]), &["SELECT 12", "SELECT 11"]),
        ("restricted", restricted, &["SELECT 12"]),
        ("the same key id elsewhere", key(2, 1, &[system]), &["SELECT 21"]),
    ];
    for (name, who, expected) in rows {
        let seen = running.visible(&who, false);
        assert_eq!(texts(&seen), expected, "{name}");
        assert!(seen.iter().all(|query| query.is_own == (query.caller == who.caller)), "{name}");
        assert!(seen.iter().all(|query| query.memory_bytes.is_none()), "{name}");
    }
    let seen = running.visible(&key(1, 1, &[]), true);
    assert_eq!(seen[0].memory_bytes, Some(0));
}

#[test]
fn queries_are_cancelled_by_those_who_may() {
    let (read, write) = (Scope::read(Resource::System), Scope::write(Resource::System));
    let rows: [(&str, Principal, Result<(), Kind>); 5] = [
        ("one's own", key(1, 1, &[]), Ok(())),
        ("another's with the scope", key(1, 2, &[write]), Ok(())),
        ("another's seen only", key(1, 2, &[read]), Err(Kind::Forbidden)),
        ("another's unseen", key(1, 2, &[]), Err(Kind::NotFound)),
        ("of another organization", key(2, 1, &[write]), Err(Kind::NotFound)),
    ];
    for (name, who, expected) in rows {
        let (log, running) = (Arc::default(), RunningQueries::default());
        let tracked = query(&log, 1, 1, 1);
        running.add(&tracked);
        let cancelled = running.cancel(&who, tracked.id).map(drop).map_err(|error| error.kind);
        assert_eq!(cancelled, expected, "{name}");
        let is_cancelled = tracked.cancellation.is_cancelled() && tracked.interrupt.is_cancelled();
        assert_eq!(is_cancelled, expected.is_ok(), "{name}");
    }
}

#[test]
fn what_has_ended_is_neither_listed_nor_cancelled_nor_kept() {
    let (log, running, who) = (Arc::default(), RunningQueries::default(), key(1, 1, &[]));
    let ended = query(&log, 1, 1, 1);
    running.add(&ended);
    ended.finish();
    assert!(running.visible(&who, false).is_empty());
    assert_eq!(running.cancel(&who, ended.id).unwrap_err().kind, Kind::NotFound);
    assert_eq!(running.cancel(&who, Uuid::nil()).unwrap_err().kind, Kind::NotFound);
    for at in 0..10_000 {
        running.add(&query(&log, 1, 1, at));
    }
    assert!(running.table.lock().by_id.len() <= 2 * MAX_ENDED, "ended queries are removed");
}

#[test]
fn a_long_text_is_cut_between_characters() {
    let long = "ü".repeat(MAX_TEXT_CHARS + 1);
    assert_eq!(shorten(&long).chars().count(), MAX_TEXT_CHARS);
    assert_eq!(&*shorten("SELECT 1"), "SELECT 1");
}
