//! Report of an import for review: the affected rows by name, and the old and the new value of every changed field.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::file_fields::{DEVICE_DEFAULTS, DeviceNames, STREAM_DEFAULTS, device_fields, stream_fields};
use crate::domain::device::{Device, DeviceSpec};
use crate::domain::named_enum::named_enum;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Error, FieldError, GroupId, ProductId, Result};
use crate::store::catalog::inventory::{DevicePlan, InventoryPlan, StreamPlan};

/// Mistakes of a file that are told; with as many the rest of the file is not looked at.
pub const MAX_PROBLEMS: usize = 1000;

/// A mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProblem {
    /// Counted from 1.
    pub line: u64,
    /// The column or field; `*` for the whole line.
    pub column: String,
    pub message: String,
}

/// The changes that an import made, or would make.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportReport {
    /// The mistakes, by line, at most [`MAX_PROBLEMS`]. With any mistake nothing is changed, and the other fields are empty.
    pub problems: Vec<ImportProblem>,
    /// Created and changed rows: groups first, then each device before its streams, then documents.
    pub entries: Vec<ImportEntry>,
    /// Devices, streams and documents that the catalog already has as in the file.
    pub unchanged: InventoryCounts,
    /// Rows in the catalog that the file does not name; they stay as they are.
    pub left_alone: Vec<String>,
    /// Whether the changes were made.
    pub is_applied: bool,
}

/// Numbers of rows that an import leaves as they are; of groups only the new ones are reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InventoryCounts {
    pub devices: usize,
    pub streams: usize,
    pub documents: usize,
}

named_enum! {
    /// Kind of a row that an import creates or changes.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum ImportKind {
        Group = "group",
        Device = "device",
        Stream = "stream",
        /// A document of the MK platform.
        Document = "document",
    }
}

/// A row that is created or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportEntry {
    pub noun: ImportKind,
    /// Name of the row; a stream's name is prefixed with its device's.
    pub name: String,
    pub is_new: bool,
    /// The changed fields of an existing row, or the fields of a new one that differ from their default.
    pub fields: Vec<FieldChange>,
}

/// A field with its old and new value; passwords are never included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub old: Value,
    pub new: Value,
}

/// Devices, streams and groups in the catalog.
pub struct ExistingInventory {
    pub devices: Vec<Arc<Device>>,
    pub streams: Vec<Arc<Stream>>,
    pub groups: HashMap<GroupId, String>,
    pub products: HashMap<ProductId, String>,
    pub device_names: HashMap<DeviceId, String>,
}

impl ExistingInventory {
    /// The names of the rows that a device refers to.
    pub fn names(&self, spec: &DeviceSpec) -> DeviceNames<'_> {
        let product = spec.product.and_then(|id| self.products.get(&id));
        let parent = spec.parent_device.and_then(|id| self.device_names.get(&id));
        DeviceNames { product: product.map(String::as_str), parent_device: parent.map(String::as_str) }
    }
}

impl ImportReport {
    /// Fails for a file with mistakes, of which nothing was applied.
    ///
    /// # Errors
    /// `Invalid` with every mistake under its column.
    pub fn check(&self) -> Result<()> {
        let wrong = self.problems.iter().map(|problem| {
            FieldError::new(problem.column.clone(), format!("Line {}: {}", problem.line, problem.message))
        });
        Error::check(wrong.collect())
    }

    /// Adds what becomes of the documents.
    pub fn with_documents(mut self, entries: Vec<ImportEntry>, unchanged: usize) -> ImportReport {
        self.entries.extend(entries);
        self.unchanged.documents = unchanged;
        self
    }

    /// Reports groups, devices and streams of a plan, compared with the rows that are present; documents are added later.
    pub fn from_plan(plan: &InventoryPlan, present: &ExistingInventory) -> ImportReport {
        let mut review = ImportReport::default();
        let group = |name: &String| ImportEntry {
            noun: ImportKind::Group,
            name: name.clone(),
            is_new: true,
            fields: Vec::new(),
        };
        review.entries.extend(plan.groups.iter().map(group));
        for device in &plan.devices {
            match device_entry(device, present) {
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

fn device_entry(plan: &DevicePlan, present: &ExistingInventory) -> Option<ImportEntry> {
    let after = || {
        let (product, parent_device) = (plan.product.as_deref(), plan.parent_device.as_deref());
        device_fields(&plan.after, DeviceNames { product, parent_device })
    };
    let fields = match &plan.before {
        None => differing_fields(&DEVICE_DEFAULTS, &after()),
        Some(before) => {
            let changed = non_empty(plan.differences())?;
            let old = device_fields(&before.spec, present.names(&before.spec));
            named_fields(&old, &after(), &changed)
        }
    };
    let name = plan.after.name.clone();
    Some(ImportEntry { noun: ImportKind::Device, name, is_new: plan.before.is_none(), fields })
}

fn stream_entry(device: &str, plan: &StreamPlan, present: &ExistingInventory) -> Option<ImportEntry> {
    let after = || stream_fields(&plan.after, plan.group.as_deref());
    let fields = match &plan.before {
        None => differing_fields(&STREAM_DEFAULTS, &after()),
        Some(before) => {
            let changed = non_empty(plan.differences())?;
            let group = before.spec.group.and_then(|id| present.groups.get(&id)).map(String::as_str);
            named_fields(&stream_fields(&before.spec, group), &after(), &changed)
        }
    };
    let name = format!("{device} / {}", plan.after.name);
    Some(ImportEntry { noun: ImportKind::Stream, name, is_new: plan.before.is_none(), fields })
}

fn non_empty(names: Vec<&'static str>) -> Option<Vec<&'static str>> {
    (!names.is_empty()).then_some(names)
}

type Values<'a> = &'a [(&'static str, Value)];

fn named_fields(old: Values<'_>, new: Values<'_>, names: &[&str]) -> Vec<FieldChange> {
    let named = old.iter().zip(new).filter(|((name, _), _)| names.contains(name));
    named.map(field_change).collect()
}

fn differing_fields(old: Values<'_>, new: Values<'_>) -> Vec<FieldChange> {
    old.iter().zip(new).filter(|((_, old), (_, new))| old != new).map(field_change).collect()
}

fn field_change(((field, old), (_, new)): (&(&'static str, Value), &(&'static str, Value))) -> FieldChange {
    FieldChange { field: (*field).to_owned(), old: old.clone(), new: new.clone() }
}

/// Lists devices that the file does not name, and streams that it does not name of devices that it does.
fn left_alone(plan: &InventoryPlan, present: &ExistingInventory) -> Vec<String> {
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
