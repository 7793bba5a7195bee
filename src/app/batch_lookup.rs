//! Lookups of many rows by id, for lists of several devices, streams or groups. Rows that the principal may not see are
//! left out.

use std::collections::HashMap;
use std::sync::Arc;

use crate::app::stream::Streams;
use crate::domain::reading::Reading;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, GroupId, Principal, Resource, Result, Scope, StreamId};

impl Streams {
    /// Returns the streams with these ids.
    pub fn streams_by_id(&self, principal: &Principal, ids: &[StreamId]) -> Result<Vec<Arc<Stream>>> {
        principal.require(Scope::read(Resource::Data))?;
        Ok(self.store.catalog().streams.streams_by_id(principal, ids))
    }

    /// Returns the streams of these devices, by id ascending within each device.
    pub fn streams_of_devices(&self, principal: &Principal, ids: &[DeviceId]) -> Result<Vec<Arc<Stream>>> {
        principal.require(Scope::read(Resource::Data))?;
        Ok(self.store.catalog().streams.streams_of_devices(principal, ids))
    }

    /// Returns the streams in these groups, by id ascending within each group.
    pub fn streams_of_groups(&self, principal: &Principal, ids: &[GroupId]) -> Result<Vec<Arc<Stream>>> {
        principal.require(Scope::read(Resource::Data))?;
        Ok(self.store.catalog().streams.streams_of_groups(principal, ids))
    }

    /// Returns the newest reading of a stream, whatever its quality; `None` if it has none.
    pub fn latest_reading(&self, principal: &Principal, id: StreamId) -> Result<Option<Reading>> {
        principal.require(Scope::read(Resource::Value))?;
        Ok(self.store.latest(principal, id).map(|latest| latest.newest))
    }

    /// Returns the newest reading of each of these streams, whatever its quality.
    pub fn latest(&self, principal: &Principal, ids: &[StreamId]) -> Result<HashMap<StreamId, Reading>> {
        principal.require(Scope::read(Resource::Value))?;
        let found = self.store.latest_of_many(principal, ids);
        Ok(found.into_iter().map(|(id, latest)| (id, latest.newest)).collect())
    }
}
