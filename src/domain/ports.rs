//! Ports: what a folder needs from another without naming it. `app/` joins them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::device::{Device, DeviceStatus};
use super::reading::Readings;
use super::stream::Stream;
use super::web::{WebAnswer, WebFault, WebRequest};
use super::{DeviceId, Micros, ModelId, Principal, Result};

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where collectors put what devices said. When `write` returns `Ok` the readings are durable; on `Err` none is.
pub trait SampleSink: Send + Sync {
    fn write(&self, device: &Device, readings: Readings) -> BoxFuture<'_, Result<()>>;
}

/// What collectors poll.
pub trait Plant: Send + Sync {
    /// Every device of every organization.
    fn devices(&self) -> Vec<Arc<Device>>;

    /// A device and its streams as they stand now, or `None` once it is deleted.
    fn device(&self, id: DeviceId) -> Option<(Arc<Device>, Vec<Arc<Stream>>)>;
}

/// Asks URLs that somebody gave, as far as they may be reached.
pub trait Web: Send + Sync {
    fn ask<'a>(&'a self, request: &'a WebRequest) -> BoxFuture<'a, std::result::Result<WebAnswer, WebFault>>;
}

/// What the collectors know of devices right now; a device nobody collects has a status too.
pub trait DeviceStates: Send + Sync {
    fn status(&self, device: &Device) -> DeviceStatus;
}

/// The models that queries may run.
pub trait Models: Send + Sync {
    /// Tells the scores of the windows in rows of a model's sources, in order, each with the time of its newest sample; for
    /// somebody who sees the model. It waits for the catalog and for the threads of models: not for a thread that serves
    /// others. `is_over` is asked now and then, at the latest when a part of the windows is judged.
    ///
    /// # Errors
    /// `Forbidden` without the scope, `NotFound` for a model that is not seen, `Invalid` for rows of other sources than it
    /// has, `Timeout` when it was over; and what the model says of a window.
    fn score(
        &self,
        who: &Principal,
        rows: ModelRows<'_>,
        is_over: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Micros, f64),
    ) -> Result<()>;
}

/// Rows of a model's sources, in order of time.
#[derive(Debug, Clone, Copy)]
pub struct ModelRows<'a> {
    pub model: ModelId,
    /// Microseconds.
    pub times: &'a [i64],
    /// Row by row, one for each source; NaN is none.
    pub values: &'a [f64],
    /// Values of a row.
    pub sources: usize,
}
