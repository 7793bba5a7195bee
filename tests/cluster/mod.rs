//! An ingest node and its query nodes: the same answers on each, at once, and nothing left out.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod answers;
mod handed_on;
mod nodes;
mod spread;
mod spread_ends;
mod spread_rollups;
mod wire;
