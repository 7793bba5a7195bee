//! The storage engine on a disk that forgets and fails, and against a model.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod commit_outcome;
mod compaction;
mod current_values;
mod damage;
mod everything;
mod faults;
mod faulty_steps;
mod footers;
mod full_disk;
mod last_contact;
mod live;
mod lossy;
mod messages;
mod model;
mod plain_statistics;
mod power;
mod retention;
mod rollup;

use std::collections::BTreeMap;

use basalt::query::readings_list::ValuesQuery;

use crate::in_process::{TestDb, TestEnv};

/// The numbers of all streams as they are listed, by stream and time: each is listed once.
pub async fn all_values(env: &TestEnv, db: &TestDb, place: &str) -> BTreeMap<(i32, i64), f64> {
    let query = ValuesQuery { include_bad: true, ..ValuesQuery::default() };
    let listed = db.values(&env.owner, query).await;
    let rows = listed.iter().map(|r| ((r.stream.0, r.ts.0), r.value.expect("all are numbers")));
    let found: BTreeMap<_, _> = rows.collect();
    assert_eq!(found.len(), listed.len(), "{place}: a row is shown twice");
    found
}

/// Opens a data directory again. What was not closed before has crashed.
pub async fn reopen(env: &TestEnv, db: TestDb) -> TestDb {
    let dir = db.dir.clone();
    drop(db);
    env.open_local(&dir).await
}
