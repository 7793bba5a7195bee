//! Member of the workspace that is the folder `domain`. Paths are the same in every member: `crate::domain`, and
//! `crate::` with each folder it may import, which is all that its Cargo.toml has.

#[path = "mod.rs"]
pub mod domain;
