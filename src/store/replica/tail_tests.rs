//! Tests that a query node which is given only what is new has what a whole tail would give it.

use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use super::OrgTail;
use super::cached_tail::CachedTail;
use super::tail_cache::TailCache;
use super::test_owner::{ORGS, Request, Seqs, TestOwner, is_of, seqs};
use crate::domain::OrgId;
use crate::domain::cluster::KnownTail;
use crate::domain::reading::Reading;
use crate::domain::time::Day;
use crate::store::memtable::run;
use crate::store::snapshot::MemtableDay;
use crate::store::table::Table;
use crate::store::upsert_rows::{self, UpsertRows};

/// Something that happens at the owner, or the question of a query node.
#[derive(Debug, Clone)]
enum Step {
    /// Requests become durable together.
    Write(Vec<Request>),
    Freeze,
    FinishFlush,
    Restart,
    /// A statement of this one of `ORGS`.
    Ask(usize),
}

/// Asks for what came since a tail, as a query node does.
fn ask(owner: &TestOwner, org: OrgId, known: Option<&CachedTail>) -> CachedTail {
    let answer = owner.answer(org, known.map(CachedTail::known));
    let answer = OrgTail::decode(&answer.encode().unwrap()).unwrap();
    CachedTail::new(known, answer).unwrap()
}

/// A reading with its seq, or the key of a row of another table with its seq.
type ReadingRow = (Reading, i64);
type UpsertRow = (i32, i64, String, i64);

/// View that a query has of a tail.
#[derive(Debug, PartialEq)]
struct TailView {
    seqs: (u64, u64),
    /// By day, which may be late.
    readings: Vec<(Day, bool, Vec<ReadingRow>)>,
    upserts: Vec<(Table, Day, Vec<UpsertRow>)>,
}

fn view(tail: &CachedTail) -> TailView {
    let of_day = |(day, MemtableDay { runs, is_late }): (Day, MemtableDay)| {
        let run = run::merge(&runs).expect("a day without rows is left out");
        let rows: Vec<ReadingRow> = (0..run.len()).map(|row| (run.get(row), run.seq[row])).collect();
        (day, is_late, rows)
    };
    let mut upserts = Vec::new();
    for table in Table::ALL {
        for (day, runs) in &tail.upserts[table] {
            let rows = upsert_rows::merge(runs).expect("a day without rows is left out");
            let row = |row: usize| {
                let key = rows.key(row);
                (key.id, key.ts, key.label.to_owned(), rows.seq(row))
            };
            upserts.push((table, *day, (0..rows.len()).map(row).collect()));
        }
    }
    let readings = tail.memory().into_iter().map(of_day).collect();
    TailView { seqs: (tail.flushed, tail.seq), readings, upserts }
}

/// Checks that the lake and a tail together have the last reading of each key that was written, and no other.
fn check_against_writes(owner: &TestOwner, org: OrgId, tail: &CachedTail) {
    let mut found = owner.lake.clone();
    tail.readings.values().flatten().for_each(|run| found.extend(seqs(run)));
    let of_org = |rows: &Seqs| -> Vec<((i32, i64), i64)> {
        rows.iter().filter(|((stream, _), _)| is_of(org, *stream)).map(|(key, seq)| (*key, *seq)).collect()
    };
    assert_eq!(of_org(&found), of_org(&owner.written), "the last reading of each key");
}

/// Checks what the choice of newer rows rests on.
fn check_order_of_runs(owner: &TestOwner) {
    let pinned = owner.state.pin();
    let is_ascending = |runs: Vec<(i64, i64)>| runs.windows(2).all(|pair| pair[0].1 <= pair[1].0);
    let bounds = |seqs: Vec<i64>| (seqs.iter().copied().min().unwrap(), seqs.iter().copied().max().unwrap());
    for day in pinned.memory.values() {
        let runs: Vec<_> = day.runs.iter().map(|run| bounds(run.seq.to_vec())).collect();
        assert!(runs.iter().all(|(from, _)| *from as u64 > pinned.flushed), "{runs:?}");
        assert!(is_ascending(runs));
    }
    for runs in Table::UPSERT.iter().flat_map(|table| pinned.upserts[*table].values()) {
        let seqs = |rows: &UpsertRows| bounds((0..rows.len()).map(|row| rows.seq(row)).collect());
        assert!(is_ascending(runs.iter().map(seqs).collect()));
    }
}

fn request() -> impl Strategy<Value = Request> {
    let reading = || (1..7_i32, 0..3_i64, 0..12_i64);
    let readings = prop_oneof![
        8 => prop::collection::vec(reading(), 0..8),
        // The runs of such a group are not merged.
        1 => (1..4_i32).prop_map(|stream| (0..1100_i64).map(|at| (stream, 0_i64, at)).collect::<Vec<_>>()),
    ];
    let messages = prop::collection::vec((1..5_i32, 0..12_i64), 0..3);
    (readings, messages).prop_map(|(readings, messages)| Request { readings, messages })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(request(), 1..4).prop_map(Step::Write),
        2 => Just(Step::Freeze),
        2 => Just(Step::FinishFlush),
        1 => Just(Step::Restart),
        6 => (0..ORGS.len()).prop_map(Step::Ask),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_new_completes_a_tail(steps in prop::collection::vec(step(), 1..50)) {
        let (mut owner, cache) = (TestOwner::new(), TailCache::new(usize::MAX));
        for step in steps {
            match &step {
                Step::Write(group) => owner.write(group),
                Step::Freeze => owner.freeze(),
                Step::FinishFlush => owner.finish_flush(),
                Step::Restart => owner.restart(),
                Step::Ask(org) => {
                    let org = ORGS[*org];
                    let known = cache.get(org);
                    cache.put(org, Arc::new(ask(&owner, org, known.as_deref())));
                }
            }
            check_order_of_runs(&owner);
            for org in ORGS {
                let known = cache.get(org);
                let found = ask(&owner, org, known.as_deref());
                prop_assert_eq!(view(&found), view(&owner.whole(org)), "after {:?}", step);
                check_against_writes(&owner, org, &found);
            }
        }
    }
}

fn rows(streams: Range<i32>, times: Range<i64>) -> Request {
    let readings = streams.flat_map(|stream| times.clone().map(move |at| (stream, 0, at))).collect();
    Request { readings, ..Request::default() }
}

#[test]
fn few_new_rows_are_few_bytes() {
    let mut owner = TestOwner::new();
    owner.write(&[rows(1..7, 0..20_000)]);
    let bytes = |owner: &TestOwner, known: Option<&CachedTail>| {
        owner.answer(ORGS[0], known.map(CachedTail::known)).encode().unwrap().len()
    };
    assert!(bytes(&owner, None) > 3 * 20_000 * 29);
    let tail = ask(&owner, ORGS[0], None);
    assert!(bytes(&owner, Some(&tail)) < 128, "nothing is new");
    owner.write(&[rows(1..7, 5..7)]);
    assert!(bytes(&owner, Some(&tail)) < 1024, "six rows are");
    let tail = ask(&owner, ORGS[0], Some(&tail));
    owner.freeze();
    owner.write(&[rows(1..3, 20_000..20_001)]);
    owner.finish_flush();
    assert!(bytes(&owner, Some(&tail)) < 1024, "a flush sends nothing again");
    let tail = ask(&owner, ORGS[0], Some(&tail));
    assert_eq!(tail.readings.values().flatten().map(run::Run::len).sum::<usize>(), 1);
}

#[test]
fn small_answers_leave_few_runs() {
    let (mut owner, mut tail) = (TestOwner::new(), None);
    for at in 0..1000 {
        let messages = vec![(1, at)];
        owner.write(&[Request { messages, ..rows(1..2, at..at + 1) }]);
        tail = Some(ask(&owner, ORGS[0], tail.as_ref()));
    }
    let tail = tail.unwrap();
    assert_eq!(view(&tail), view(&owner.whole(ORGS[0])));
    let runs = tail.readings.values().flatten().count();
    let upserts = tail.upserts[Table::Messages].values().flatten().count();
    assert!(runs < 20 && upserts < 20, "{runs} and {upserts}");
}

#[test]
fn rows_that_are_missing_are_an_error() {
    let mut owner = TestOwner::new();
    owner.write(&[rows(1..2, 0..3)]);
    let first = ask(&owner, ORGS[0], None);
    owner.write(&[rows(1..2, 3..5)]);
    let second = ask(&owner, ORGS[0], Some(&first));
    let rest = || owner.answer(ORGS[0], Some(second.known()));
    assert!(CachedTail::new(Some(&second), rest()).is_ok());
    let other = OrgTail { instance: Uuid::from_u128(99), ..rest() };
    let later = OrgTail { flushed: 3, ..rest() };
    for (name, known, answer) in [
        ("no tail is there", None, rest()),
        ("an older one is", Some(&first), rest()),
        ("it is of another owner", Some(&second), other),
        ("rows after it are in the lake", Some(&second), later),
    ] {
        assert!(CachedTail::new(known, answer).is_err(), "{name}");
    }
    let foreign = KnownTail { instance: Uuid::from_u128(99), ..second.known() };
    for known in [foreign, KnownTail { seq: 3, ..second.known() }] {
        assert_eq!(owner.answer(ORGS[0], Some(known)).after, None, "everything is sent: {known:?}");
    }
    owner.freeze();
    owner.write(&[rows(1..2, 5..6)]);
    owner.finish_flush();
    assert_eq!(owner.answer(ORGS[0], Some(second.known())).after, Some(2));
    assert_eq!(owner.answer(ORGS[0], Some(first.known())).after, None);
}
