//! What an import changes, for whoever has to agree to it: names, and of every field the old and the new value.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::nouns::{device_values, stream_values};
use crate::domain::device::Device;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, GroupId};
use crate::store::catalog::inventory::{DevicePlan, Plan, StreamPlan};

/// A mistake of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Counted from 1.
    pub line: u64,
    /// The column or field; `*` for all of the line.
    pub column: String,
    pub message: String,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Review {
    /// Every mistake, by line. With any nothing is changed, and there is nothing else here.
    pub problems: Vec<Problem>,
    /// What is made or changed: groups, then each device before its streams.
    pub entries: Vec<Entry>,
    /// Devices and streams of the file that are in the catalog as the file has them.
    pub unchanged: Counts,
    /// In the catalog and not in the file; it stays as it is.
    pub left_alone: Vec<String>,
    /// Whether it was done.
    pub is_applied: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub devices: usize,
    pub streams: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noun {
    Group,
    Device,
    Stream,
}

/// A row that is made or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub noun: Noun,
    /// A stream's begins with its device's.
    pub name: String,
    pub is_new: bool,
    /// Of a changed row what changes; of a new one what is not its default.
    pub fields: Vec<FieldChange>,
}

/// A field and its values; those of a password are never told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub old: Value,
    pub new: Value,
}

/// What the catalog has.
pub struct Present {
    pub devices: Vec<Arc<Device>>,
    pub streams: Vec<Arc<Stream>>,
    pub groups: HashMap<GroupId, String>,
}

impl Review {
    pub fn of(plan: &Plan, present: &Present) -> Review {
        let mut review = Review::default();
        let group =
            |name: &String| Entry { noun: Noun::Group, name: name.clone(), is_new: true, fields: Vec::new() };
        review.entries.extend(plan.groups.iter().map(group));
        for device in &plan.devices {
            match device_entry(device) {
                Some(entry) => review.entries.push(entry),
                None => review.unchanged.devices += 1,
            }
            for stream in &device.streams {
                match stream_entry(&device.after.name, stream, present) {
                    Some(entry) => review.entries.push(entry),
                    None => review.unchanged.streams += 1,
                }
            }
        }
        review.left_alone = left_alone(plan, present);
        review
    }
}

fn device_entry(plan: &DevicePlan) -> Option<Entry> {
    let (noun, name) = (Noun::Device, plan.after.name.clone());
    let new = device_values(&plan.after);
    let Some(before) = &plan.before else {
        let defaults = device_values(&super::nouns::blank_device(""));
        return Some(Entry {
            noun,
            name,
            is_new: true,
            fields: apart(&defaults, &new, |old, new| old != new),
        });
    };
    let changed = plan.differences();
    let fields = apart_named(&device_values(&before.spec), &new, &changed);
    (!changed.is_empty()).then_some(Entry { noun, name, is_new: false, fields })
}

fn stream_entry(device: &str, plan: &StreamPlan, present: &Present) -> Option<Entry> {
    let (noun, name) = (Noun::Stream, format!("{device} / {}", plan.after.name));
    let new = stream_values(&plan.after, plan.group.as_deref());
    let Some(before) = &plan.before else {
        let blank = crate::domain::stream::StreamSpec::new("", DeviceId(0));
        let defaults = stream_values(&blank, None);
        return Some(Entry {
            noun,
            name,
            is_new: true,
            fields: apart(&defaults, &new, |old, new| old != new),
        });
    };
    let changed = plan.differences();
    let group = before.spec.group.and_then(|id| present.groups.get(&id)).map(String::as_str);
    let fields = apart_named(&stream_values(&before.spec, group), &new, &changed);
    (!changed.is_empty()).then_some(Entry { noun, name, is_new: false, fields })
}

type Values<'a> = &'a [(&'static str, Value)];

fn apart_named(old: Values<'_>, new: Values<'_>, names: &[&str]) -> Vec<FieldChange> {
    let named = old.iter().zip(new).filter(|((name, _), _)| names.contains(name));
    named.map(field_change).collect()
}

fn apart(old: Values<'_>, new: Values<'_>, differ: impl Fn(&Value, &Value) -> bool) -> Vec<FieldChange> {
    old.iter().zip(new).filter(|((_, old), (_, new))| differ(old, new)).map(field_change).collect()
}

fn field_change(((field, old), (_, new)): (&(&'static str, Value), &(&'static str, Value))) -> FieldChange {
    FieldChange { field: (*field).to_owned(), old: old.clone(), new: new.clone() }
}

/// Devices that the file does not name, and streams that it does not name of devices that it does.
fn left_alone(plan: &Plan, present: &Present) -> Vec<String> {
    let planned: HashMap<DeviceId, &DevicePlan> =
        plan.devices.iter().filter_map(|device| Some((device.before.as_ref()?.id, device))).collect();
    let mut names = Vec::new();
    for device in present.devices.iter().filter(|device| !planned.contains_key(&device.id)) {
        names.push(format!("device {}", device.spec.name));
    }
    let kept: HashMap<DeviceId, HashSet<&str>> = planned
        .iter()
        .map(|(id, device)| (*id, device.streams.iter().map(|stream| stream.after.name.as_str()).collect()))
        .collect();
    for stream in &present.streams {
        let Some(of_device) = kept.get(&stream.spec.device) else { continue };
        if !of_device.contains(stream.spec.name.as_str())
            && let Some(device) = planned.get(&stream.spec.device)
        {
            names.push(format!("stream {} / {}", device.after.name, stream.spec.name));
        }
    }
    names
}
