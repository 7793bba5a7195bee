//! Turns raw rows into devices and streams, checking every rule that can be checked before anything is changed.

use std::collections::HashMap;

use super::ImportProblem;
use super::field_mapping::{blank_device, read_device, read_stream};
use super::field_reader::FieldReader;
use super::raw_rows::{RawDevice, RawRow};
use crate::app::device::problems as problems_of_device;
use crate::app::stream::problems_on;
use crate::domain::device::DeviceSpec;
use crate::domain::group::GroupSpec;
use crate::domain::inventory::{DeviceEntry, Inventory, StreamEntry};
use crate::domain::stream::StreamSpec;
use crate::domain::{DeviceId, FieldError};

/// Existing devices by name.
pub type DevicesByName = HashMap<String, DeviceSpec>;

/// Resolves the valid rows and reports all problems.
pub fn resolve(
    written: Vec<RawDevice>,
    known: &DevicesByName,
    problems: &mut Vec<ImportProblem>,
) -> Inventory {
    let mut inventory = Inventory::default();
    let mut lines = HashMap::new();
    for RawDevice { device, streams } in written {
        if is_twice(&device, &mut lines, problems) {
            continue;
        }
        let (entry, spec) = device_entry(device, known, problems);
        let streams = stream_entries(streams, spec.as_ref(), problems);
        inventory.devices.push(DeviceEntry { streams, ..entry });
    }
    inventory
}

/// Returns the device, and the spec its streams are checked against: `None` when its protocol is unknown.
fn device_entry(
    row: RawRow,
    known: &DevicesByName,
    problems: &mut Vec<ImportProblem>,
) -> (DeviceEntry, Option<DeviceSpec>) {
    let mut spec = blank_device("");
    let is_only_named = row.cells.keys().all(|field| field == "name");
    let unknown = row.problem("name", "there is no such device: give its fields, `protocol` among them.");
    let mut fields = FieldReader::new(row);
    fields.require("name");
    if !is_only_named {
        fields.require("protocol");
    }
    let password = read_device(&mut fields, &mut spec);
    fields.knows("streams");
    spec.password = password.clone().unwrap_or_default();
    let name = spec.name.clone();
    if is_only_named {
        let before = known.get(&name).cloned();
        let found = fields.finish(Vec::new());
        if before.is_none() && found.is_empty() {
            problems.push(unknown);
        }
        problems.extend(found);
        return (DeviceEntry { name, spec: None, password, streams: Vec::new() }, before);
    }
    let has_protocol = fields.is_sound("protocol");
    let rules = if has_protocol { problems_of_device(&spec) } else { Vec::new() };
    problems.extend(fields.finish(rules));
    let judged = has_protocol.then(|| spec.clone());
    (DeviceEntry { name, spec: Some(spec), password, streams: Vec::new() }, judged)
}

fn stream_entries(
    rows: Vec<RawRow>,
    device: Option<&DeviceSpec>,
    problems: &mut Vec<ImportProblem>,
) -> Vec<StreamEntry> {
    let (mut entries, mut lines) = (Vec::new(), HashMap::new());
    for row in rows {
        if is_twice(&row, &mut lines, problems) {
            continue;
        }
        let mut spec = StreamSpec::new("", DeviceId(0));
        let mut fields = FieldReader::new(row);
        fields.require("name");
        let group = read_stream(&mut fields, &mut spec).filter(|name| !name.is_empty());
        let mut rules = match device {
            Some(device) => problems_on(device, &spec),
            None => spec.problems(),
        };
        rules.extend(group.as_deref().map(group_problems).unwrap_or_default());
        problems.extend(fields.finish(rules));
        entries.push(StreamEntry { spec, group });
    }
    entries
}

fn group_problems(name: &str) -> Vec<FieldError> {
    let group = GroupSpec { name: name.to_owned(), description: String::new() };
    group.problems().into_iter().map(|problem| FieldError::new("group", problem.message)).collect()
}

/// Returns whether a row's name occurred before, and reports it if so.
fn is_twice(row: &RawRow, lines: &mut HashMap<String, u64>, problems: &mut Vec<ImportProblem>) -> bool {
    let Some(name) = row.text("name") else { return false };
    if let Some(before) = lines.get(name) {
        problems.push(row.problem("name", format!("`{name}` is in line {before} already.")));
        return true;
    }
    lines.insert(name.to_owned(), row.line);
    false
}
