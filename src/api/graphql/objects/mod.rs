//! Object types of the schema, one file per noun.

pub mod client;
pub mod command;
pub mod device;
pub mod event;
pub mod group;
pub mod hamachi;
pub mod key;
pub mod message;
pub mod model;
pub mod product;
pub mod reading;
pub mod retention;
pub mod server;
pub mod sql;
pub mod statistic;
pub mod stream;
