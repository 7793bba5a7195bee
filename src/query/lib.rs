//! Member of the workspace that is the folder `query`. Paths are the same in every member: `crate::query`, and
//! `crate::` with each folder it may import, which is all that its Cargo.toml has.

use basalt_domain::domain;
use basalt_store::store;

#[path = "mod.rs"]
pub mod query;

#[cfg(test)]
#[path = "../../tests/support/fuzz_store.rs"]
pub mod fuzz_store;
