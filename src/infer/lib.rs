//! Member of the workspace that is the folder `infer`. Paths are the same in every member: `crate::infer`, and
//! `crate::` with each folder it may import, which is all that its Cargo.toml has.

use basalt_domain::domain;

#[path = "mod.rs"]
pub mod infer;
