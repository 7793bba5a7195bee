//! Memberships of groups that nobody stored: those by tags, and those that the other side names.
//!
//! Responses list them too. A client that replaces a row by what it read must not make them lasting: without the tag the
//! device is to leave the group.

use std::sync::Arc;

use uuid::Uuid;

use super::device::{DeviceOverview, PlatformDevice, PlatformDevices};
use crate::domain::device::Device;
use crate::domain::document::{DeviceGroupSpec, Document, DocumentKind, DocumentSpec};
use crate::domain::{DeviceId, Principal, Result};

impl PlatformDevices {
    /// Replaces the settings of a device by those of a client that may send back what it was shown.
    ///
    /// # Errors
    /// The errors of [`PlatformDevices::replace_platform_device`].
    pub async fn replace_shown_device(
        &self,
        principal: &Principal,
        uuid: Uuid,
        new: PlatformDevice,
    ) -> Result<DeviceOverview> {
        let stored = self.platform_device_to_change(principal, uuid)?;
        let groups = self.documents.documents(principal, DocumentKind::DeviceGroup)?;
        let new = without_derived_groups(&groups, &stored, new);
        self.replace_platform_device(principal, uuid, new).await
    }

    /// Replaces a group of devices by that of a client that may send back what it was shown.
    ///
    /// # Errors
    /// The errors of `Documents::update_document`.
    pub async fn replace_shown_group(
        &self,
        principal: &Principal,
        uuid: Uuid,
        new: DeviceGroupSpec,
    ) -> Result<Arc<Document>> {
        let place = (DocumentKind::DeviceGroup, uuid);
        let stored = self.documents.document_to_change(principal, place.0, uuid)?;
        let members = self.group_members(principal, &stored)?;
        let new = DocumentSpec::from(without_derived_members(&members, &stored, new));
        self.documents.update_document(principal, place, None, |spec| *spec = new).await
    }
}

/// Leaves those groups out of new settings of a device in which it is, before and after, without naming them.
fn without_derived_groups(
    groups: &[Arc<Document>],
    stored: &Device,
    mut new: PlatformDevice,
) -> PlatformDevice {
    let (before, tags) = (&stored.topology, &new.tags);
    let is_derived = |group: &DeviceGroupSpec| {
        group.devices.contains(&stored.id) || is_member_throughout(group, &before.tags, group, tags)
    };
    let derived = groups.iter().filter(|group| group.device_group().is_some_and(is_derived));
    let derived: Vec<_> = derived.map(|group| group.uuid).collect();
    new.groups.retain(|group| before.groups.contains(group) || !derived.contains(group));
    new
}

/// Leaves those devices out of new settings of a group that are in it, before and after, without its naming them; `members`
/// are all that it has.
fn without_derived_members(
    members: &[Arc<Device>],
    stored: &Document,
    mut new: DeviceGroupSpec,
) -> DeviceGroupSpec {
    let Some(before) = stored.device_group() else { return new };
    let is_derived = |device: &&Arc<Device>| {
        let place = &device.topology;
        place.groups.contains(&stored.uuid) || is_member_throughout(before, &place.tags, &new, &place.tags)
    };
    let derived: Vec<DeviceId> = members.iter().filter(is_derived).map(|device| device.id).collect();
    new.devices.retain(|device| before.devices.contains(device) || !derived.contains(device));
    new
}

/// Whether a device is a member by its tags before a change and after it.
fn is_member_throughout(
    before: &DeviceGroupSpec,
    tags_before: &[String],
    after: &DeviceGroupSpec,
    tags_after: &[String],
) -> bool {
    before.includes_tags(tags_before) && after.includes_tags(tags_after)
}
