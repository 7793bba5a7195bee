//! Current values of datastreams.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::{Blynk, require_view, value};
use crate::app::token::ClientAccess;
use crate::domain::stream::{Stream, StreamFilter};
use crate::domain::{DeviceId, Kind, Micros, Result, StreamId};

/// A datastream with its current value.
#[derive(Debug, Clone)]
pub struct Datastream {
    pub stream: Arc<Stream>,
    /// The newest value with its time; `None` before the first.
    pub current: Option<(Value, Micros)>,
}

impl Blynk {
    /// Returns the datastreams of a device by their ids, or those of them that are listed.
    ///
    /// # Errors
    /// `Forbidden` naming the permission; `NotFound` for a device that the token does not see.
    pub fn datastreams(
        &self,
        access: &ClientAccess,
        device: DeviceId,
        listed: Option<&BTreeSet<i32>>,
    ) -> Result<Vec<Datastream>> {
        require_view(access)?;
        let device = self.visible_device(access, device)?;
        self.datastreams_of(access, device.id, listed)
    }

    /// Returns the datastreams of several devices by their ids, or those of them that are listed, in the order of the request.
    /// Devices that the token does not see are left out.
    ///
    /// # Errors
    /// `Forbidden` naming the permission.
    pub fn datastreams_of_many(
        &self,
        access: &ClientAccess,
        devices: &[DeviceId],
        listed: Option<&BTreeSet<i32>>,
    ) -> Result<Vec<(DeviceId, Vec<Datastream>)>> {
        require_view(access)?;
        let mut found = Vec::with_capacity(devices.len());
        for id in devices {
            match self.devices.device(&access.principal, *id) {
                Ok(device) => found.push((*id, self.datastreams_of(access, device.id, listed)?)),
                Err(error) if error.kind == Kind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    fn datastreams_of(
        &self,
        access: &ClientAccess,
        device: DeviceId,
        listed: Option<&BTreeSet<i32>>,
    ) -> Result<Vec<Datastream>> {
        let filter = StreamFilter { device: Some(device), ..StreamFilter::default() };
        let mut streams = self.streams.streams(&access.principal, &filter)?;
        streams.retain(|stream| listed.is_none_or(|listed| listed.contains(&stream.channel)));
        streams.sort_unstable_by_key(|stream| stream.channel);
        let ids: Vec<StreamId> = streams.iter().map(|stream| stream.id).collect();
        let mut latest = self.store.latest_of_many(&access.principal, &ids);
        let with_value = |stream: Arc<Stream>| {
            let newest = latest.remove(&stream.id).and_then(|latest| latest.valued);
            let current = newest.and_then(|reading| {
                let shown = value::to_json(stream.spec.kind, reading.value, reading.text.as_deref())?;
                Some((shown, reading.ts))
            });
            Datastream { stream, current }
        };
        Ok(streams.into_iter().map(with_value).collect())
    }
}
