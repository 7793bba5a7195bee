//! SQL as clients see it: answers, parameters, formats, limits and the words of errors.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod answers;
mod delivery;
mod describe;
mod differential;
mod document;
mod errors;
mod formats;
mod limits;
mod log;
mod memory;
mod named;
mod order;
mod planner_faults;
mod postgres_constants;
mod postgres_semantics;

use basalt::query::EngineOptions;
use tempfile::TempDir;

use crate::in_process::{TestDb, TestEnv};

/// A data directory with so many streams, of which the last is of text, and other limits on queries.
async fn open(streams: i32, change: impl FnOnce(&mut EngineOptions)) -> (TestEnv, TestDb, TempDir) {
    let (env, dir) = (TestEnv::new(streams).await, tempfile::tempdir().unwrap());
    let db = env.open_local(dir.path()).await.with_engine_options(change);
    (env, db, dir)
}
