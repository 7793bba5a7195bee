//! Domain types shared by all folders: ids, time, errors, principals, and the entities of a plant.
//!
//! Plain types only: no I/O, no async runtime, no serialisation for any one API.

#![warn(missing_docs)]

pub mod address_space;
pub mod alert;
pub mod alias;
pub mod annotation;
pub mod arrival;
pub mod audit;
pub mod backup;
pub mod billing;
pub mod caller;
pub mod certificate;
pub mod client;
mod client_role;
pub mod clock_trust;
pub mod cluster;
pub mod command;
pub mod command_message;
pub mod command_params;
pub mod companion;
pub mod configuration;
pub mod device;
pub mod device_health;
pub mod device_history;
pub mod device_json;
pub mod device_test;
pub mod document;
pub mod error;
pub mod event;
mod event_level;
pub mod export;
pub mod generator;
pub mod grant;
pub mod group;
pub mod hamachi;
pub mod http_request;
pub mod id;
pub mod integer;
pub mod inventory;
pub mod job;
pub mod key;
pub mod latency_stats;
pub mod license;
pub mod machine;
pub mod media;
pub mod memory_usage;
pub mod message;
pub mod min_max;
pub mod mistaken_time;
pub mod mk_role;
pub mod model;
pub mod mqtt;
pub mod named_enum;
pub mod named_query;
pub mod notification;
pub mod object;
pub mod opcua_certificate;
pub mod org;
pub mod pagination;
pub mod platform_status;
pub mod policy;
pub mod ports;
pub mod principal;
pub mod product;
pub mod progress;
pub mod quarantine;
pub mod reading;
pub mod reading_payload;
pub mod registration;
pub mod retention;
pub mod running_query;
mod scope;
pub mod server_status;
pub mod session;
pub mod shared_name;
pub mod statistic;
pub mod stream;
mod stream_kind;
pub mod subscription;
pub mod summation;
pub mod time;
pub mod token;
pub mod topology;
pub mod type_erased;
pub mod user_role;
pub mod validation;
pub mod window;

pub use error::{Error, FieldError, Kind, Result};
pub use id::{
    AlertRuleId, AnnotationId, ClientId, CommandId, DeviceId, DocumentId, EventId, ExportId, GroupId, JobId,
    KeyId, ModelId, OrgId, ProductId, QuarantineId, RegistrationId, SessionId, StreamId, TokenId, UserId,
};
pub use principal::Principal;
pub use progress::Progress;
pub use scope::{Access, Resource, Scope, Scopes};
pub use time::{Clock, Micros};

#[cfg(test)]
mod fuzz_tests;
