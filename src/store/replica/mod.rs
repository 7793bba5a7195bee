//! Reading a lake that another process owns, as a query node does.
//!
//! The owner alone has the log, the memtable and the newest values. For each query a query node asks it for an `OrgTail`: the
//! versions of the lake, the unflushed rows of one organization, and what only the owner knows. It brings its own Delta logs to
//! exactly these versions, so that each row is either in the lake or in the tail, as in a snapshot of the owner.

mod codec;
pub mod knowledge;
mod lake_versions;
mod org_tail;
mod owner;
#[cfg(test)]
mod replica_tests;

pub use org_tail::OrgTail;
pub use owner::Owner;
