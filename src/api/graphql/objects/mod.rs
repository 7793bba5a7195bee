//! Object types of the schema, one file per noun.

pub mod alert;
pub mod annotation;
pub mod client;
pub mod command;
pub mod device;
pub mod document;
pub mod event;
pub mod export;
pub mod group;
pub mod hamachi;
pub mod job;
pub mod key;
pub mod message;
pub mod model;
pub mod mqtt_session;
pub mod product;
pub mod quarantine;
pub mod reading;
pub mod registration;
pub mod retention;
pub mod server;
pub mod sql;
pub mod statistic;
pub mod stream;
