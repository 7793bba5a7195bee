//! Member of the workspace that is the folder `collect`. Paths are the same in every member: `crate::collect`, and
//! `crate::` with each folder it may import, which is all that its Cargo.toml has.

use basalt_domain::domain;

#[path = "mod.rs"]
pub mod collect;
