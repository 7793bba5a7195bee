//! Hostile clients: each sends what once ended, starved or bloated the server. The server runs with default settings
//! under a limited address space, and a healthy client beside the hostile one must go on being answered.

mod bodies;
mod connections;
mod devices;
mod graphql;
mod healthy;
mod lake;
mod models;
mod postgres;
mod sql;
mod tenants;
mod together;

#[allow(unused_imports, reason = "each part of the suite names it")]
pub use healthy::{AttackedServer, STARVATION_LIMIT};
