//! Import of tag lists of other programs: each tag becomes a stream of one device, which exists already.
//!
//! A list only adds streams. A stream of the device that has the name of a tag, or its address and type, stays as it is,
//! so that a second import changes nothing, and neither the changes that people made since.

mod array_type;
mod encoding;
mod format;
mod kepserver;
mod logix_array;
mod parse;
mod plain;
mod plan;
mod report;
mod studio5000;
mod table;
mod tag;
mod tia_portal;
mod vendor_addresses;
mod vendor_types;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use self::encoding::{DecodedText, decode, decode_beginning};
pub use self::format::{TagListFormat, describe_headers};
use self::plan::TagListPlan;
pub use self::report::{
    OutcomeDetails, TagDifference, TagLine, TagListCounts, TagListReport, TagOutcome, TagStream,
};
pub use self::table::Separator;
use self::table::TagTable;
use crate::app::collector_ports::CollectorStates;
use crate::app::core_parts::CoreParts;
use crate::app::inventory::on_whole_file;
use crate::domain::device::{Device, DeviceFilter, DeviceSpec};
use crate::domain::inventory::{DeviceEntry, Inventory, StreamEntry};
use crate::domain::stream::{Stream, StreamFilter, StreamSpec};
use crate::domain::{DeviceId, Error, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Maximum length of a list, bytes: more than 100,000 tags.
pub const MAX_TAG_LIST_BYTES: usize = 16 << 20;

/// Maximum length of a list of a caller of an API, bytes: some 15,000 tags.
pub const MAX_API_TAG_LIST_BYTES: usize = 2 << 20;
/// Maximum number of lines of a list of a caller of an API. The report of a short line can be long.
const MAX_API_LINES: usize = 20_000;
/// Lists of callers of APIs that are imported at a time.
const MAX_API_IMPORTS: usize = 1;

/// Returns the format of a text that begins as a tag list; lines end with `\n`.
pub fn format_of(text: &str) -> Option<TagListFormat> {
    TagTable::find(text).map(|table| table.format)
}

/// Imports of tag lists.
pub struct TagLists {
    store: Arc<Store>,
    /// Collectors learn of new streams by it.
    states: CollectorStates,
    /// Bounds the lists of callers of APIs.
    api_imports: Semaphore,
}

impl TagLists {
    pub(in crate::app) fn new(parts: &CoreParts) -> Self {
        Self {
            store: parts.store.clone(),
            states: parts.states.clone(),
            api_imports: Semaphore::new(MAX_API_IMPORTS),
        }
    }

    /// Makes a stream of each tag of a list that the device does not have, in one transaction, or with `is_dry` only
    /// reports what would be made.
    ///
    /// # Errors
    /// `Forbidden` without the scopes and for restricted principals; `Invalid` for an unknown device and a text that is
    /// no tag list; `TooLarge` for a long one.
    pub async fn import(
        &self,
        principal: &Principal,
        device: &str,
        text: String,
        is_dry: bool,
    ) -> Result<TagListReport> {
        check_may_import(principal)?;
        if text.len() > MAX_TAG_LIST_BYTES {
            return Err(too_long());
        }
        let device = self.device_of_tags(principal, device)?;
        self.import_to(principal, &device, text, is_dry).await
    }

    /// Returns the device whose tags a caller of an API imports, before the list is read.
    ///
    /// # Errors
    /// `Forbidden` without the scopes and for restricted principals; `NotFound` for a device that the principal does not see.
    pub fn device_for_import(&self, principal: &Principal, id: DeviceId) -> Result<Arc<Device>> {
        check_may_import(principal)?;
        self.store.catalog().devices.device(principal, id)
    }

    /// Imports the tag list of a caller of an API.
    ///
    /// # Errors
    /// The errors of [`TagLists::device_for_import`]; `Invalid` for a text that is no tag list; `TooLarge` for a long one; `Busy` while
    /// another one is imported.
    pub async fn import_from_api(
        &self,
        principal: &Principal,
        device: DeviceId,
        text: String,
        is_dry: bool,
    ) -> Result<TagListReport> {
        let device = self.device_for_import(principal, device)?;
        if text.len() > MAX_API_TAG_LIST_BYTES {
            return Err(longer_than(MAX_API_TAG_LIST_BYTES));
        }
        if text.lines().count() > MAX_API_LINES {
            let problem = format!("the tag list has more than {MAX_API_LINES} lines: cut it in parts");
            return Err(Error::too_large(problem));
        }
        let permit = self.api_imports.try_acquire();
        let _permit = permit.map_err(|_| Error::busy("another tag list is being imported"))?;
        self.import_to(principal, &device, text, is_dry).await
    }

    async fn import_to(
        &self,
        principal: &Principal,
        device: &Arc<Device>,
        text: String,
        is_dry: bool,
    ) -> Result<TagListReport> {
        let filter = StreamFilter { device: Some(device.id), ..StreamFilter::default() };
        let existing = self.store.catalog().streams.streams(principal, &filter);
        let spec = device.spec.clone();
        let planned = on_whole_file(move || plan_text(&text, &spec, &existing));
        let (table, TagListPlan { mut lines, additions }) = planned.await?;
        let replaced = self.put_tags(principal, device, &additions, is_dry).await?;
        for (line, spec) in replaced {
            lines[line].outcome = TagOutcome::Replaced { stream: TagStream::from(&spec) };
        }
        Ok(TagListReport {
            format: table.format,
            separator: table.separator,
            device: device.spec.name.clone(),
            protocol: device.spec.protocol.to_string(),
            lines,
            is_applied: !is_dry,
        })
    }

    fn device_of_tags(&self, principal: &Principal, name: &str) -> Result<Arc<Device>> {
        let catalog = self.store.catalog();
        let filter = DeviceFilter { name: Some(name.to_owned()), ..DeviceFilter::default() };
        if let Some(device) = catalog.devices.devices(principal, &filter).into_iter().next() {
            return Ok(device);
        }
        let by_id = name.parse().ok().and_then(|id| catalog.devices.device(principal, DeviceId(id)).ok());
        let advice = by_id.map_or_else(
            || "make it first, a tag list has only its tags".to_owned(),
            |device| format!("the device of this id is named `{}`", device.spec.name),
        );
        Err(Error::field("device", format!("there is no device `{name}`: {advice}")))
    }

    /// Stores the new streams, each with the index of its line. Returns those that exist since the list was planned.
    async fn put_tags(
        &self,
        principal: &Principal,
        device: &Device,
        additions: &[(usize, StreamSpec)],
        is_dry: bool,
    ) -> Result<Vec<(usize, StreamSpec)>> {
        let inventory = inventory(device, additions);
        let catalog = self.store.catalog();
        let plan = match is_dry {
            true => catalog.inventory.plan_inventory(principal, &inventory)?,
            false => catalog.inventory.put_inventory(principal, &inventory).await?,
        };
        if !is_dry && !additions.is_empty() {
            self.states.tell_collectors(device.id);
        }
        let streams = plan.devices.iter().flat_map(|device| &device.streams);
        let replaced = additions.iter().zip(streams).filter(|(_, stream)| stream.before.is_some());
        Ok(replaced.map(|(addition, _)| addition.clone()).collect())
    }
}

/// Streams of a device that stays as it is.
fn inventory(device: &Device, additions: &[(usize, StreamSpec)]) -> Inventory {
    let streams = additions.iter().map(|(_, spec)| StreamEntry { spec: spec.clone(), group: None });
    let entry = DeviceEntry {
        name: device.spec.name.clone(),
        spec: None,
        password: None,
        product: None,
        parent_device: None,
        streams: streams.collect(),
    };
    Inventory { devices: vec![entry] }
}

fn plan_text(text: &str, device: &DeviceSpec, existing: &[Arc<Stream>]) -> Result<(TagTable, TagListPlan)> {
    let (table, rows) = parse::parse(text)?;
    let rows = vendor_addresses::translate(table.format, device.protocol, rows);
    Ok((table, plan::plan(rows, device, existing)))
}

/// Checks that a principal may import tag lists: a list may name any stream of the device.
fn check_may_import(principal: &Principal) -> Result<()> {
    principal.require(Scope::read(Resource::Device))?;
    principal.require(Scope::write(Resource::Data))?;
    if principal.is_restricted() {
        return Err(Error::forbidden(
            "a key restricted to some devices or data may not import streams from a tag list",
        ));
    }
    Ok(())
}

/// The error for a list beyond [`MAX_TAG_LIST_BYTES`].
pub fn too_long() -> Error {
    longer_than(MAX_TAG_LIST_BYTES)
}

fn longer_than(bytes: usize) -> Error {
    Error::too_large(format!("the tag list is longer than {} MiB: cut it in parts", bytes >> 20))
}

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod import_tests;
