//! The storage engine on a disk that forgets and fails, and against a model.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod compaction;
mod current_values;
mod damage;
mod everything;
mod faults;
mod footers;
mod full_disk;
mod live;
mod lossy;
mod messages;
mod model;
mod plain_statistics;
mod power;
mod retention;
mod rollup;
