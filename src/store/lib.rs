//! Member of the workspace that is the folder `store`. Paths are the same in every member: `crate::store`, and
//! `crate::` with each folder it may import, which is all that its Cargo.toml has.

use basalt_domain::domain;

#[path = "mod.rs"]
pub mod store;

#[cfg(test)]
#[path = "../../tests/support/fuzz_store.rs"]
pub mod fuzz_store;
