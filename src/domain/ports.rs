//! Ports: what a folder needs from another without naming it. `app/` joins them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::device::{Device, DeviceStatus};
use super::reading::Readings;
use super::stream::Stream;
use super::web::{WebAnswer, WebFault, WebRequest};
use super::{DeviceId, Result};

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
