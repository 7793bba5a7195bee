//! The fields of a device.

use std::sync::Arc;

use super::noun::Noun;
use super::reader::FieldReader;
use super::visitor::FieldVisitor;
use super::visitor::Presence::{Optional, Required};
use crate::app::device::Devices;
use crate::app::device::problems;
use crate::domain::device::{Device, DeviceSpec, Protocol};
use crate::domain::validation::MAX_SECRET_CHARS;
use crate::domain::{DeviceId, Principal, ProductId, Result};

impl Noun for DeviceSpec {
    fn blank() -> Self {
        DeviceSpec::new("", Protocol::Virtual)
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
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
            product,
            parent_device,
            owner,
        } = self;
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
        visitor.visit_row_or_null("product", ProductId, product);
        visitor.visit_row_or_null("parent_device", DeviceId, parent_device);
        visitor.visit("owner", Optional, 1..=150, owner);
    }
}

impl Devices {
    /// Creates a device; absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn create_device_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<Arc<Device>> {
        self.check_may_create_device(principal)?;
        let spec = fields.read_new();
        fields.finish(problems(&spec))?;
        self.create_device(principal, spec).await
    }

    /// Changes the given fields of a device. A whole row replaces it: absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; otherwise the errors of [`Devices::update_device`].
    pub async fn update_device_from_fields(
        &self,
        principal: &Principal,
        id: DeviceId,
        given: FieldReader,
    ) -> Result<Arc<Device>> {
        let current = self.device_to_change(principal, id)?;
        let mut fields = given.clone();
        let changed = fields.read_changed(&current.spec);
        fields.finish(problems(&changed))?;
        // Read again onto the row stored by then: concurrent updates of different fields must both last.
        self.update_device(principal, id, move |stored| *stored = given.clone().read_changed(stored)).await
    }
}
