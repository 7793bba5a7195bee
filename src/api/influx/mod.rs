//! The write API of InfluxDB, for Telegraf and everything else that sends its line protocol: `/write` and `/ping` of 1.x,
//! `/api/v2/write` of 2.x, and of `/query` the one statement that senders make before they write.
//!
//! Senders decide by the status whether to keep a batch, so the statuses differ from those of our own routes: what may
//! succeed later is 503 with `Retry-After`, because 1.x senders drop a batch at every 4xx, 429 included.

mod error;
mod parameters;
mod routes;

pub use self::error::{ERROR_FORM_V1, ERROR_FORM_V2};
pub use self::routes::{paths, routes};
