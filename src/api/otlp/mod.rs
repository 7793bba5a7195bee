//! OpenTelemetry's metrics over HTTP (OTLP/HTTP): `POST /v1/metrics`, for its SDKs and its collector.
//!
//! Answers have the form of the request, Protocol Buffers or JSON. Rejected data points are told in an answer of 200, and
//! senders try again at 503 and 504 alone.

mod error;
mod routes;

pub use self::error::ERROR_FORM;
pub use self::routes::{paths, routes};
