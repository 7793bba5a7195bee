//! Batch lookups by id, for interfaces that nest lists. Rows that the principal may not see are left out.

use std::collections::HashMap;
use std::sync::Arc;

use super::App;
use crate::domain::device::Device;
use crate::domain::group::Group;
use crate::domain::reading::Reading;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, GroupId, Principal, Resource, Result, Scope, StreamId};

impl App {
    pub fn devices_by_id(&self, principal: &Principal, ids: &[DeviceId]) -> Result<Vec<Arc<Device>>> {
        principal.require(Scope::read(Resource::Device))?;
        Ok(self.store.catalog().devices_by_id(principal, ids))
    }

    pub fn streams_by_id(&self, principal: &Principal, ids: &[StreamId]) -> Result<Vec<Arc<Stream>>> {
        principal.require(Scope::read(Resource::Data))?;
        Ok(self.store.catalog().streams_by_id(principal, ids))
    }

    pub fn groups_by_id(&self, principal: &Principal, ids: &[GroupId]) -> Result<Vec<Arc<Group>>> {
        principal.require(Scope::read(Resource::Group))?;
        Ok(self.store.catalog().groups_by_id(principal, ids))
    }

    /// Returns the streams of these devices, by id ascending within each device.
    pub fn streams_of_devices(&self, principal: &Principal, ids: &[DeviceId]) -> Result<Vec<Arc<Stream>>> {
        principal.require(Scope::read(Resource::Data))?;
        Ok(self.store.catalog().streams_of_devices(principal, ids))
    }

    /// Returns the streams in these groups, by id ascending within each group.
    pub fn streams_of_groups(&self, principal: &Principal, ids: &[GroupId]) -> Result<Vec<Arc<Stream>>> {
        principal.require(Scope::read(Resource::Data))?;
        Ok(self.store.catalog().streams_of_groups(principal, ids))
    }

    /// Returns the newest reading of each of these streams, whatever its quality.
    pub fn latest(&self, principal: &Principal, ids: &[StreamId]) -> Result<HashMap<StreamId, Reading>> {
        principal.require(Scope::read(Resource::Value))?;
        let found = self.store.latest_of_many(principal, ids);
        Ok(found.into_iter().map(|(id, latest)| (id, latest.newest)).collect())
    }
}
