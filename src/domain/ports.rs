//! Ports: traits that let one folder use another without naming it; `app/` wires the implementations.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::device::{Device, DeviceStatus};
use super::http_request::{HttpError, HttpRequest, HttpResponse};
use super::mqtt::status::SessionStatus;
use super::reading::{Reading, Readings};
use super::stream::Stream;
use super::{DeviceId, Micros, ModelId, Principal, Result, StreamId};

/// A boxed future, for `dyn`-compatible async trait methods.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Destination of collected readings.
pub trait SampleSink: Send + Sync {
    /// Stores readings of one device. On `Ok` they are durable; on `Err` none of them is stored.
    fn write(&self, device: &Device, readings: Readings) -> BoxFuture<'_, Result<()>>;
}

/// The devices that collectors poll.
pub trait DeviceRegistry: Send + Sync {
    /// Every device of every organization.
    fn devices(&self) -> Vec<Arc<Device>>;

    /// The current settings of a device and its streams, or `None` once the device is deleted.
    fn device(&self, id: DeviceId) -> Option<(Arc<Device>, Vec<Arc<Stream>>)>;

    /// The newest stored reading of each of these streams of a device; streams without one are left out.
    fn newest_readings(&self, device: &Device, streams: &[StreamId]) -> Vec<Reading>;
}

/// Sends requests to user-supplied URLs, within the egress policy.
pub trait HttpClient: Send + Sync {
    /// Sends a request and follows its redirects.
    ///
    /// # Errors
    /// The reason why there is no response; a status other than success is a response.
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, std::result::Result<HttpResponse, HttpError>>;
}

/// Current device status as the collectors know it; a device that is not collected has a status as well. Also the sessions of
/// the MQTT broker, by which devices connect.
pub trait DeviceStatusSource: Send + Sync {
    /// The current status of `device`.
    fn status(&self, device: &Device) -> DeviceStatus;

    /// The sessions of MQTT clients that a principal may see, by owner and client id.
    fn mqtt_sessions(&self, who: &Principal) -> Vec<SessionStatus>;
}

/// The sessions of the MQTT broker as they are now.
pub trait MqttSessionSource: Send + Sync {
    /// The sessions of MQTT clients that a principal may see, by owner and client id.
    fn statuses(&self, who: &Principal) -> Vec<SessionStatus>;
}

/// Runs models for queries.
pub trait ModelScorer: Send + Sync {
    /// Scores the windows in rows of a model's sources and calls `tell` for each in time order, with the time of the
    /// window's newest sample and its score. The principal must see the model. Blocks on the catalog and on the
    /// inference threads, so it must not run on a thread that serves other requests. Polls `is_over` regularly, at
    /// the latest after each batch of windows.
    ///
    /// # Errors
    /// `Forbidden` without the scope, `NotFound` for a model that the principal does not see, `Invalid` for rows that
    /// do not match the model's sources, `Timeout` once `is_over` returns true; and whatever error the model reports
    /// for a window.
    fn score(
        &self,
        who: &Principal,
        rows: ModelRows<'_>,
        is_over: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Micros, f64),
    ) -> Result<()>;
}

/// Rows of a model's sources, ordered by time.
#[derive(Debug, Clone, Copy)]
pub struct ModelRows<'a> {
    /// The model that scores the rows.
    pub model: ModelId,
    /// Microseconds.
    pub times: &'a [i64],
    /// Row-major, one value per source; NaN stands for no value.
    pub values: &'a [f64],
    /// Number of values per row.
    pub sources: usize,
}

/// Settings of the connection that a SQL statement came from; functions of SQL read and change them.
pub trait ConnectionSettings: fmt::Debug + Send + Sync {
    /// The value of a setting; `None` for an unknown one.
    fn get(&self, name: &str) -> Option<String>;

    /// Gives a setting a value, its initial one for `None`, up to the end of the transaction if `is_local`. Returns the value
    /// that it has then.
    ///
    /// # Errors
    /// `Invalid` for a value that the setting cannot have.
    fn set(&self, name: &str, value: Option<&str>, is_local: bool) -> Result<String>;
}

/// Calls the node that owns the lake, on its listener for nodes.
pub trait OwnerNode: Send + Sync {
    /// Posts a body to a path and returns the body of the response.
    ///
    /// # Errors
    /// `Unavailable` when the node does not answer or refuses.
    fn post<'a>(&'a self, path: &'a str, body: Vec<u8>) -> BoxFuture<'a, Result<Vec<u8>>>;
}
