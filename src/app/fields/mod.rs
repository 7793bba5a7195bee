//! The fields of the nouns: how they are read from bodies, GraphQL inputs and files, and how they are shown.
//!
//! Each noun has one list of its fields (`device.rs`, `stream.rs`, …). A [`reader::FieldReader`] goes through the list
//! and sets the fields from a [`source::Source`], which has the leniency and the messages of its interface. The list of
//! a [`noun::Noun`] also gives what responses and files show, and the schemas of the OpenAPI document.

pub mod channel;
pub mod choice;
pub mod client;
pub mod dashboard;
pub mod device;
pub mod device_test;
pub mod drf_scalar;
pub mod event;
pub mod field_type;
pub mod gateway;
pub mod group;
pub mod hamachi;
pub mod job;
mod json_reader;
pub mod json_source;
pub mod key;
pub mod model;
pub mod noun;
pub mod opcua_certificate;
mod posted_value;
pub mod product;
pub mod reader;
pub mod register;
pub mod retention;
pub mod rule;
pub mod session;
pub mod show_value;
pub mod shown;
pub mod source;
pub mod statistic;
pub mod stream;
pub mod terminal;
pub mod user;
mod values;
mod version;
pub mod visitor;

#[cfg(test)]
mod coverage_tests;
