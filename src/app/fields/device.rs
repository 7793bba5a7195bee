//! The fields of a device.

use std::sync::Arc;

use super::reader::FieldReader;
use super::values::FieldValues;
use super::visitor::FieldVisitor;
use super::visitor::Presence::{Optional, Required};
use crate::app::App;
use crate::app::device::problems;
use crate::domain::device::{Device, DeviceSpec, Protocol};
use crate::domain::validation::MAX_SECRET_CHARS;
use crate::domain::{DeviceId, Principal, Result};

/// Visits every field of a device.
pub fn visit_device(visitor: &mut impl FieldVisitor, spec: &mut DeviceSpec) {
    // All fields by name: one that is missing here does not compile.
    let DeviceSpec {
        name,
        protocol,
        host,
        port,
        unit,
        username,
        password,
        timeout_s,
        poll_interval_s,
        byteorder,
        enabled,
        metadata,
    } = spec;
    visitor.visit("name", Required, 1..=100, name);
    visitor.visit("protocol", Required, (), protocol);
    visitor.visit("host", Optional, 0..=255, host);
    visitor.visit("port", Optional, 1..=65_535, port);
    visitor.visit("unit", Optional, 0..=255, unit);
    visitor.visit("username", Optional, 0..=1000, username);
    visitor.visit_secret("password", 0..=MAX_SECRET_CHARS, password);
    visitor.visit("timeout", Optional, 0.1..=60.0, timeout_s);
    visitor.visit("poll_interval", Optional, 0.1..=86_400.0, poll_interval_s);
    visitor.visit("byteorder", Optional, (), byteorder);
    visitor.visit("enabled", Optional, (), enabled);
    visitor.visit("metadata", Optional, (), metadata);
}

/// All defaults; the required fields hold placeholders that fail validation or are overwritten.
pub fn blank_device() -> DeviceSpec {
    DeviceSpec::new("", Protocol::Virtual)
}

/// The fields of a device with their values.
pub fn device_values(spec: &DeviceSpec) -> FieldValues {
    let mut spec = spec.clone();
    FieldValues::collect(|values| visit_device(values, &mut spec))
}

impl App {
    /// Creates a device; absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn create_device_from_fields(
        &self,
        principal: &Principal,
        fields: FieldReader,
    ) -> Result<Arc<Device>> {
        self.check_may_create_device(principal)?;
        self.create_device(principal, read_whole(fields)?).await
    }

    /// Replaces a device; absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn replace_device_from_fields(
        &self,
        principal: &Principal,
        id: DeviceId,
        fields: FieldReader,
    ) -> Result<Arc<Device>> {
        self.device_to_change(principal, id)?;
        let spec = read_whole(fields)?;
        self.update_device(principal, id, move |stored| *stored = spec.clone()).await
    }

    /// Changes the given fields of a device.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn update_device_from_fields(
        &self,
        principal: &Principal,
        id: DeviceId,
        patch: FieldReader,
    ) -> Result<Arc<Device>> {
        let current = self.device_to_change(principal, id)?;
        let (mut fields, mut changed) = (patch.clone(), current.spec.clone());
        visit_device(&mut fields, &mut changed);
        fields.finish(problems(&changed))?;
        // Merged again onto the row stored by then: concurrent updates of different fields must both last.
        self.update_device(principal, id, move |stored| visit_device(&mut patch.clone(), stored)).await
    }
}

fn read_whole(mut fields: FieldReader) -> Result<DeviceSpec> {
    let mut spec = blank_device();
    visit_device(&mut fields, &mut spec);
    fields.finish(problems(&spec))?;
    Ok(spec)
}
