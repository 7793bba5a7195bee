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
    /// A model ready to be run, for somebody who sees it. It may wait for the catalog: not for threads that serve others.
    ///
    /// # Errors
    /// `Forbidden` without the scope, `NotFound` for a model that is not seen.
    fn open(&self, who: &Principal, id: ModelId) -> Result<Arc<dyn Scoring>>;
}

/// A model over rows of its sources.
pub trait Scoring: Send + Sync {
    /// How many sources it has: values of a row.
    fn sources(&self) -> usize;

    /// The scores of the windows in rows that are in order of time, each with the time of its newest sample. `values` has
    /// `sources` for each of `times`; NaN is none. `is_cancelled` is asked now and then.
    ///
    /// # Errors
    /// What the model says of a window; `Timeout` when it was cancelled.
    fn scores(
        &self,
        times: &[i64],
        values: &[f64],
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<(Micros, f64)>>;
}
