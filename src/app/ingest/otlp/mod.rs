//! Metrics of OpenTelemetry (OTLP), as Protocol Buffers and as JSON: resources with metrics, and metrics with data points.
//! Pure.
//!
//! The messages are those of `opentelemetry.proto.metrics.v1`
//! (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>). `metrics` reads a body of either form, which `binary` and `json`
//! take apart; `point` says which readings a data point makes; `response` writes the answers. Scopes, exemplars, buckets
//! and starts of aggregation are passed over.

pub mod binary;
pub mod json;
pub mod json_number;
pub mod metrics;
pub mod point;
pub mod response;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod tests;
