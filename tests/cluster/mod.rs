//! An ingest node and its query nodes: the same answers on each, at once, and nothing left out.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod answers;
mod demo;
mod handed_on;
mod nemesis;
mod nodes;
mod races;
mod reads;
mod shards;
mod silent_links;
mod spread;
mod spread_ends;
mod spread_log;
mod spread_order;
mod spread_plans;
mod spread_rollups;
mod troubles;
mod wire;
