//! Basalt: collects industrial data, stores it as Parquet and serves it over SQL, GraphQL and REST.
//!
//! Each folder may import only folders above it in this list; siblings never see each other
//! (docs/architecture.md, tests/architecture.rs).

// The root types of the GraphQL schema are nested types, one level for each group of fields.
#![recursion_limit = "256"]

pub mod domain;

pub mod auth;
pub mod collect;
pub mod fetch;
pub mod host;
pub mod infer;
pub mod sim;
pub mod store;

pub mod query;

pub mod app;

pub mod api;

pub mod cli;
