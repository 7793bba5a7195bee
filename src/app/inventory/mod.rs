//! Inventory import and export: devices and their streams in CSV or YAML files, applied in one transaction; in YAML also
//! documents of the MK platform (`documents`).
//!
//! A device is identified by its name, a stream by its device's name and its own. A row in a file is complete: fields
//! that it does not give get their defaults, except the password, which then stays. A device with only a name must
//! exist and stays as it is. Rows that a file does not name are left alone.

pub mod api_file;
mod csv_format;
mod documents;
mod export_rows;
pub mod file_command;
mod file_fields;
mod import_report;
mod problem_list;
mod quotation;
mod raw_rows;
mod resolve;
mod row_source;
pub mod tag_list;
mod yaml_format;
mod yaml_tree;

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::api_file::InventoryFileLimits;
pub use self::csv_format::column_names;
use self::documents::{DocumentImport, DocumentPlan};
use self::export_rows::ExportRow as Rendered;
use self::import_report::ExistingInventory;
pub use self::import_report::{
    FieldChange, ImportEntry, ImportKind, ImportProblem, ImportReport, InventoryCounts,
};
use self::problem_list::ProblemList;
use self::resolve::DevicesByName;
use self::yaml_format::YamlFile;
use super::collector_ports::CollectorStates;
use super::core_parts::CoreParts;
use super::device::Devices;
use super::document::Documents;
use super::mk::configuration::Configurations;
use super::mk::device::PlatformDevices;
use super::mk::packs::Packs;
use super::mk::sensor::Sensors;
use super::stream::Streams;
use crate::domain::device::DeviceFilter;
use crate::domain::inventory::Inventory;
use crate::domain::pagination::Pagination;
use crate::domain::stream::StreamFilter;
use crate::domain::{Error, Principal, Resource, Result, Scope};
use crate::store::Store;
use crate::store::throttle::{CpuThrottle, WorkPriority};

/// Maximum file size, bytes: half a million streams.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The format of an inventory file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InventoryFormat {
    Csv,
    Yaml,
}

impl FromStr for InventoryFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "csv" => Ok(InventoryFormat::Csv),
            "yaml" => Ok(InventoryFormat::Yaml),
            other => Err(Error::field("format", format!("\"{other}\" is neither csv nor yaml."))),
        }
    }
}

/// Services that put and read what inventory files name.
pub(super) struct InventoryCalls {
    pub devices: Arc<Devices>,
    pub documents: Arc<Documents>,
    pub streams: Arc<Streams>,
    pub configurations: Arc<Configurations>,
    pub packs: Arc<Packs>,
    pub platform_devices: Arc<PlatformDevices>,
    pub sensors: Arc<Sensors>,
}

/// Inventory files: imported and exported.
pub struct InventoryFiles {
    store: Arc<Store>,
    states: CollectorStates,
    limits: InventoryFileLimits,
    devices: Arc<Devices>,
    documents: Arc<Documents>,
    streams: Arc<Streams>,
    configurations: Arc<Configurations>,
    packs: Arc<Packs>,
    platform_devices: Arc<PlatformDevices>,
    sensors: Arc<Sensors>,
}

impl InventoryFiles {
    pub(super) fn new(parts: &CoreParts, calls: InventoryCalls) -> Self {
        let InventoryCalls { devices, documents, streams, configurations, packs, platform_devices, sensors } =
            calls;
        Self {
            store: parts.store.clone(),
            states: parts.states.clone(),
            limits: InventoryFileLimits::default(),
            devices,
            documents,
            streams,
            configurations,
            packs,
            platform_devices,
            sensors,
        }
    }

    /// Imports every device and stream of a file, or with `is_dry` only reports what that would change. A file with
    /// mistakes changes nothing; the report lists them, the first [`MAX_PROBLEMS`](import_report::MAX_PROBLEMS) of many.
    pub async fn import_inventory(
        &self,
        principal: &Principal,
        form: InventoryFormat,
        text: String,
        is_dry: bool,
    ) -> Result<ImportReport> {
        self.check_may_import_inventory(principal)?;
        if text.len() > MAX_BYTES {
            return Err(Error::too_large(format!("the file is longer than {} MiB", MAX_BYTES >> 20)));
        }
        let present = self.present(principal);
        let known: DevicesByName =
            present.devices.iter().map(|device| (device.spec.name.clone(), device.spec.clone())).collect();
        let file = on_whole_file(move || Ok(parse_file(form, &text, &known))).await?;
        let ParsedFile { inventory, documents, mut problems } = file;
        self.document_problems(principal, &documents, &inventory, &mut problems);
        let problems = problems.sorted();
        if !problems.is_empty() {
            return Ok(ImportReport { problems, ..ImportReport::default() });
        }
        let mut streams = inventory.devices.iter().flat_map(|device| &device.streams);
        if streams.any(|stream| stream.group.is_some()) {
            principal.require(Scope::write(Resource::Group))?;
        }
        let DocumentPlan { documents, entries, unchanged } = self.plan_documents(principal, documents)?;
        let catalog = self.store.catalog();
        if is_dry {
            let report =
                ImportReport::from_plan(&catalog.inventory.plan_inventory(principal, &inventory)?, &present);
            return Ok(report.with_documents(entries, unchanged));
        }
        let plan = catalog.inventory.put_inventory(principal, &inventory).await?;
        let changed = plan.devices.iter().filter(|device| device.is_changed());
        let changed: HashSet<&str> = changed.map(|device| device.after.name.as_str()).collect();
        let everything = DeviceFilter { page: Pagination::ALL, ..DeviceFilter::default() };
        for device in catalog.devices.devices(principal, &everything) {
            if changed.contains(device.spec.name.as_str()) {
                self.states.tell_collectors(device.id);
            }
        }
        for document in documents {
            self.put_file_document(principal, document).await?;
        }
        let report = ImportReport::from_plan(&plan, &present).with_documents(entries, unchanged);
        Ok(ImportReport { is_applied: true, ..report })
    }

    /// Checks that the principal may import files, before one is read.
    ///
    /// # Errors
    /// `Forbidden` without the scopes, and for restricted principals: a file may name any row.
    pub fn check_may_import_inventory(&self, principal: &Principal) -> Result<()> {
        principal.require(Scope::write(Resource::Device))?;
        principal.require(Scope::write(Resource::Data))?;
        if principal.is_restricted() {
            return Err(Error::forbidden(
                "a key restricted to some devices or data may not import devices from a file",
            ));
        }
        Ok(())
    }

    /// Exports every device and stream the principal sees as a file that `import_inventory` reads. Passwords are not
    /// included.
    pub fn export_inventory(&self, principal: &Principal, form: InventoryFormat) -> Result<String> {
        principal.require(Scope::read(Resource::Device))?;
        principal.require(Scope::read(Resource::Data))?;
        let present = self.present(principal);
        let mut streams: HashMap<_, Vec<Rendered>> = HashMap::new();
        for stream in &present.streams {
            let group = stream.spec.group.and_then(|id| present.groups.get(&id)).map(String::as_str);
            streams.entry(stream.spec.device).or_default().push(Rendered::stream(&stream.spec, group));
        }
        let devices: Vec<_> = present
            .devices
            .iter()
            .map(|device| {
                let row = Rendered::device(&device.spec, present.names(&device.spec));
                (row, streams.remove(&device.id).unwrap_or_default())
            })
            .collect();
        match form {
            InventoryFormat::Csv => csv_format::write(&devices),
            InventoryFormat::Yaml => {
                let documents = yaml_format::write_documents(&self.file_documents(principal)?)?;
                Ok(yaml_format::write(&devices) + &documents)
            }
        }
    }

    fn present(&self, principal: &Principal) -> ExistingInventory {
        let catalog = self.store.catalog();
        let groups = catalog.groups.groups(principal, Pagination::ALL);
        let products = catalog.products.products(principal, Pagination::ALL);
        let devices = catalog
            .devices
            .devices(principal, &DeviceFilter { page: Pagination::ALL, ..DeviceFilter::default() });
        ExistingInventory {
            device_names: devices.iter().map(|device| (device.id, device.spec.name.clone())).collect(),
            devices,
            products: products.iter().map(|product| (product.id, product.spec.name.clone())).collect(),
            streams: catalog
                .streams
                .streams(principal, &StreamFilter { page: Pagination::ALL, ..StreamFilter::default() }),
            groups: groups.iter().map(|group| (group.id, group.spec.name.clone())).collect(),
        }
    }
}

/// Content of a file, and the mistakes in it.
struct ParsedFile {
    inventory: Inventory,
    documents: Vec<DocumentImport>,
    problems: ProblemList,
}

/// Runs what takes a second for a long file: too long for a thread that answers requests, and no reason to let them wait.
async fn on_whole_file<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    CpuThrottle::run_on_thread(WorkPriority::Background(1.0), move |_| work()).await
}

/// Parses a file.
fn parse_file(form: InventoryFormat, text: &str, known: &DevicesByName) -> ParsedFile {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut problems = ProblemList::default();
    let YamlFile { devices, documents } = match form {
        InventoryFormat::Csv => {
            YamlFile { devices: csv_format::read(text, &mut problems), documents: Vec::new() }
        }
        InventoryFormat::Yaml => yaml_format::read(text, &mut problems),
    };
    let inventory = resolve::resolve(devices, known, &mut problems);
    ParsedFile { inventory, documents, problems }
}

/// Parses a file without documents.
#[cfg(test)]
fn parse(form: InventoryFormat, text: &str, known: &DevicesByName) -> (Inventory, Vec<ImportProblem>) {
    let ParsedFile { inventory, problems, .. } = parse_file(form, text, known);
    (inventory, problems.sorted())
}

#[cfg(test)]
#[path = "inventory_tests.rs"]
mod tests;

#[cfg(test)]
mod fuzz_tests;
