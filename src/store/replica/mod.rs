//! Reading a lake that another process owns, as a query node does.
//!
//! The owner alone has the log, the memtable and the newest values. For each query a query node asks it for an `OrgTail`: the
//! versions of the lake, the unflushed rows of one organization, and what only the owner knows. It brings its own Delta logs to
//! exactly these versions, so that each row is either in the lake or in the tail, as in a snapshot of the owner.
//!
//! The node keeps the last tail of an organization. It names the tail when it asks, and is given the rows that came since.

mod cached_tail;
mod codec;
pub mod knowledge;
mod lake_versions;
mod newer_rows;
mod org_tail;
mod owner;
#[cfg(test)]
mod replica_tests;
pub mod run_codec;
mod snapshot_permits;
mod tail_cache;
#[cfg(test)]
mod tail_tests;
#[cfg(test)]
mod test_owner;

pub use org_tail::{OrgSources, OrgTail};
pub use owner::Owner;
