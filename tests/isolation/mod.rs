//! No answer holds a row that the caller may not see: two organizations, keys restricted by device and by stream, keys
//! without scopes, over REST and SQL, before and after a flush.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod board_requests;
mod documents;
mod doors;
mod files;
mod fixture;
mod graphql;
mod identifiers;
mod instathings_requests;
mod jobs;
mod log;
mod named;
mod plan_cache;
mod platform_rows;
mod probes;
mod refused;
mod requests;
mod rest;
mod sockets;
