//! The vocabulary every other folder shares: ids, time, errors, principals, and the nouns of a plant.
//!
//! Plain types only: no I/O, no async runtime, no serialisation for any one API.

pub mod address_space;
pub mod audit;
pub mod check;
pub mod device;
pub mod error;
pub mod event;
pub mod generator;
pub mod grant;
pub mod group;
pub mod hamachi;
pub mod id;
pub mod inventory;
pub mod key;
pub mod license;
pub mod live;
pub mod machine;
pub mod model;
pub mod named;
pub mod org;
pub mod page;
pub mod policy;
pub mod ports;
pub mod principal;
pub mod progress;
pub mod reading;
pub mod retention;
pub mod session;
pub mod statistic;
pub mod stream;
pub mod sums;
pub mod time;
pub mod timing;
pub mod web;
pub mod whole;
pub mod window;

pub use error::{Error, FieldError, Kind, Result};
pub use id::{DeviceId, EventId, GroupId, KeyId, ModelId, OrgId, SessionId, StreamId, UserId};
pub use principal::{Access, Principal, Resource, Scope, Scopes};
pub use progress::Progress;
pub use time::{Clock, Micros};

/// The engine of the fuzz targets: here because every folder may name this one.
#[cfg(test)]
#[path = "../../tests/fuzz/mod.rs"]
pub mod fuzz;
#[cfg(test)]
mod fuzz_tests;
