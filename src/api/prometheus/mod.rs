//! Prometheus' remote write, 1.0 and 2.0: `POST /api/v1/write`, for Prometheus, vmagent and everything else that sends it.
//!
//! Senders drop a request at every 4xx, so what may succeed later is 503 with `Retry-After`, and a request of which samples
//! were refused is 400 only after the others were written.

mod routes;

pub use self::routes::{ERROR_FORM, paths, routes};
