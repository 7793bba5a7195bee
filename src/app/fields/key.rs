//! The fields of an API key.

use std::collections::BTreeSet;

use super::field_type::ANY_LENGTH;
use super::reader::FieldReader;
use super::visitor::Presence;
use crate::domain::key::KeySpec;
use crate::domain::{DeviceId, DocumentId, Result, Scope, Scopes, StreamId};

/// Reads a new key. Scopes must be given, unlike on the command line, so that omitting a field never grants everything.
///
/// # Errors
/// `Invalid` naming every wrong field.
pub fn read_key(mut fields: FieldReader) -> Result<KeySpec> {
    let (mut name, mut scopes) = (String::new(), Vec::new());
    let (mut devices, mut streams): (Option<Vec<DeviceId>>, Option<Vec<StreamId>>) = (None, None);
    let (mut dashboards, mut expires_at): (Option<Vec<DocumentId>>, _) = (None, None);
    fields.read("name", Presence::Required, ANY_LENGTH, &mut name);
    fields.choices::<Scope>("scopes", &mut scopes);
    fields.rows_or_null("allowed_devices", DeviceId, &mut devices);
    fields.rows_or_null("allowed_data", StreamId, &mut streams);
    fields.rows_or_null("allowed_dashboards", DocumentId, &mut dashboards);
    fields.timestamp_or_null("expires_at", &mut expires_at);
    fields.finish(Vec::new())?;
    Ok(KeySpec {
        name,
        scopes: scopes.into_iter().collect::<Scopes>(),
        devices: devices.map(|ids| ids.into_iter().collect::<BTreeSet<_>>()),
        streams: streams.map(|ids| ids.into_iter().collect::<BTreeSet<_>>()),
        dashboards: dashboards.map(|ids| ids.into_iter().collect::<BTreeSet<_>>()),
        expires_at,
    })
}

/// Reads the name, the only field of an existing key that can change.
///
/// # Errors
/// `Invalid` naming the field.
pub fn read_key_name(mut fields: FieldReader) -> Result<String> {
    let mut name = String::new();
    fields.read("name", Presence::Required, ANY_LENGTH, &mut name);
    fields.finish(Vec::new())?;
    Ok(name)
}
