//! Requests of Prometheus' remote write, 1.0 and 2.0: series of labels with samples and native histograms. Pure.
//!
//! `version` tells the two apart by the media type; `request` reads a body into series, and `series` a series into labels
//! and points. In 1.0 a series has its labels as texts
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec/>), in 2.0 as references to the symbols of the request
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>). Exemplars, metadata and buckets are passed over.

pub mod request;
pub mod series;
pub mod version;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod tests;
