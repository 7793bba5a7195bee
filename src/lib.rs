//! Basalt: collects industrial data, stores it as Parquet and serves it over SQL, GraphQL and REST.
//!
//! Each folder may import only folders above it in this list; siblings never see each other
//! (docs/architecture.md, tests/architecture.rs).

// The root types of the GraphQL schema are nested types, one level for each group of fields.
#![recursion_limit = "256"]

pub use basalt_domain::domain;

pub mod auth;
pub use basalt_collect::collect;
pub mod fetch;
pub mod host;
pub use basalt_infer::infer;
pub mod sim;
pub use basalt_store::store;

pub use basalt_query::query;

pub mod app;

pub mod api;

pub mod cli;

#[cfg(test)]
#[path = "../tests/support/fuzz_store.rs"]
pub mod fuzz_store;
