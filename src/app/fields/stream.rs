//! The fields of a stream.

use std::sync::Arc;

use super::field_type::ANY_NUMBER;
use super::noun::Noun;
use super::reader::FieldReader;
use super::visitor::FieldVisitor;
use super::visitor::Presence::{Optional, Required};
use crate::app::stream::Streams;
use crate::domain::stream::{Stream, StreamSpec};
use crate::domain::{DeviceId, FieldError, GroupId, Principal, Result, StreamId};

impl Noun for StreamSpec {
    fn blank() -> Self {
        StreamSpec::new("", DeviceId(0))
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        // All fields by name: one that is missing here does not compile.
        let StreamSpec {
            name,
            device,
            path,
            kind,
            group,
            access_mode,
            poll_interval_s,
            unit,
            scale,
            offset,
            byteorder,
            enabled,
            deadband,
            statistics_interval_s,
            metadata,
            pin,
            label,
        } = self;
        visitor.visit("name", Required, 1..=200, name);
        visitor.visit_row("device", DeviceId, device);
        visitor.visit("path", Optional, 0..=500, path);
        visitor.visit("type", Optional, (), kind);
        visitor.visit_row_or_null("group", GroupId, group);
        visitor.visit("access_mode", Optional, (), access_mode);
        visitor.visit("poll_interval", Optional, 0.1..=86_400.0, poll_interval_s);
        visitor.visit("unit", Optional, 0..=32, unit);
        visitor.visit("scale", Optional, ANY_NUMBER, scale);
        visitor.visit("offset", Optional, ANY_NUMBER, offset);
        visitor.visit("byteorder", Optional, (), byteorder);
        visitor.visit("enabled", Optional, (), enabled);
        visitor.visit("deadband", Optional, 0.0..=f64::MAX, deadband);
        visitor.visit("statistics_interval", Optional, 1..=86_400, statistics_interval_s);
        visitor.visit("metadata", Optional, (), metadata);
        visitor.visit("pin", Optional, 0..=i64::from(i32::MAX), pin);
        visitor.visit("label", Optional, 1..=200, label);
    }
}

impl Streams {
    /// Creates a stream; absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field.
    pub async fn create_stream_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<Arc<Stream>> {
        let spec = fields.read_new();
        self.finish_stream(principal, fields, &spec)?;
        self.create_stream(principal, spec).await
    }

    /// Changes the given fields of a stream. A whole row replaces it: absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field, also another device.
    pub async fn update_stream_from_fields(
        &self,
        principal: &Principal,
        id: StreamId,
        given: FieldReader,
    ) -> Result<Arc<Stream>> {
        let current = self.stream_to_change(principal, id)?;
        let mut fields = given.clone();
        let mut changed = fields.read_changed(&current.spec);
        refuse_other_device(&mut fields, current.spec.device, &mut changed);
        self.finish_stream(principal, fields, &changed)?;
        // Read again onto the row stored by then: concurrent updates of different fields must both last.
        self.update_stream(principal, id, move |stored| *stored = given.clone().read_changed(stored)).await
    }

    fn finish_stream(&self, principal: &Principal, fields: FieldReader, spec: &StreamSpec) -> Result<()> {
        let problems = self.stream_problems(principal, spec);
        // A path can be checked only against a device.
        let has_device = fields.is_sound("device");
        let is_certain = |problem: &FieldError| has_device || problem.field != "path";
        fields.finish(problems.into_iter().filter(is_certain).collect())
    }
}

/// Refuses another device: a stream stays with its own. The other fields are checked as if it had not changed.
fn refuse_other_device(fields: &mut FieldReader, current: DeviceId, spec: &mut StreamSpec) {
    if fields.is_sound("device") && spec.device != current {
        fields.add_error("device", "This field may not be changed.");
    }
    spec.device = current;
}
