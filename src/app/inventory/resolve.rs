//! Turns raw rows into devices and streams, checking every rule that can be checked before anything is changed.

use std::collections::{HashMap, HashSet};

use super::problem_list::ProblemList;
use super::raw_rows::{RawDevice, RawRow};
use super::row_source::{self, RowSource};
use crate::app::device::problems as problems_of_device;
use crate::app::fields::field_type::ANY_LENGTH;
use crate::app::fields::visitor::Presence;
use crate::app::stream::problems_on;
use crate::collect::mqtt::broker_client::BrokerClient;
use crate::domain::FieldError;
use crate::domain::device::DeviceSpec;
use crate::domain::group::GroupSpec;
use crate::domain::inventory::{DeviceEntry, Inventory, StreamEntry};
use crate::domain::stream::StreamSpec;

/// Existing devices by name.
pub type DevicesByName = HashMap<String, DeviceSpec>;

/// The clients of brokers that devices have already.
struct BrokerClients(HashSet<BrokerClient>);

impl BrokerClients {
    /// Clients of the existing devices that the file does not write.
    fn beside(written: &[RawDevice], known: &DevicesByName) -> BrokerClients {
        let with_fields = written.iter().filter(|row| row.device.cells.len() > 1);
        let names: HashSet<&str> = with_fields.filter_map(|row| row.device.text("name")).collect();
        let others = known.iter().filter(|(name, _)| !names.contains(name.as_str()));
        BrokerClients(others.filter_map(|(_, spec)| BrokerClient::of_device(spec)).collect())
    }

    /// Takes the client of a device; the problem is that another one has it.
    fn take(&mut self, spec: &DeviceSpec) -> Option<FieldError> {
        let client = BrokerClient::of_device(spec)?;
        let conflict = client.conflict();
        (!self.0.insert(client)).then_some(conflict)
    }
}

/// Resolves the valid rows and reports all problems.
pub fn resolve(written: Vec<RawDevice>, known: &DevicesByName, problems: &mut ProblemList) -> Inventory {
    let mut inventory = Inventory::default();
    let mut lines = HashMap::new();
    let mut clients = BrokerClients::beside(&written, known);
    for RawDevice { device, streams } in written {
        if problems.is_full() {
            break;
        }
        if is_twice(&device, &mut lines, problems) {
            continue;
        }
        let (entry, spec) = device_entry(device, known, &mut clients, problems);
        let streams = stream_entries(streams, spec.as_ref(), problems);
        inventory.devices.push(DeviceEntry { streams, ..entry });
    }
    inventory
}

/// Returns the device, and the spec its streams are checked against: `None` when its protocol is unknown.
fn device_entry(
    row: RawRow,
    known: &DevicesByName,
    clients: &mut BrokerClients,
    problems: &mut ProblemList,
) -> (DeviceEntry, Option<DeviceSpec>) {
    if row.cells.keys().all(|field| field == "name") {
        return existing_device(row, known, problems);
    }
    let has_password = row.cells.contains_key("password");
    let mut fields = RowSource::reader(row);
    let spec: DeviceSpec = fields.read_new();
    let named =
        |field: &str| fields.source().reference(field).filter(|name| !name.is_empty()).map(str::to_owned);
    let (product, parent_device) = (named("product"), named("parent_device"));
    let has_protocol = fields.is_sound("protocol");
    let mut rules = if has_protocol { problems_of_device(&spec) } else { Vec::new() };
    rules.extend(clients.take(&spec).filter(|_| has_protocol));
    problems.extend(row_source::finish(fields, rules, &["streams"]));
    let (name, password) = (spec.name.clone(), has_password.then(|| spec.password.clone()));
    let judged = has_protocol.then(|| spec.clone());
    (DeviceEntry { name, spec: Some(spec), password, product, parent_device, streams: Vec::new() }, judged)
}

/// Returns a device of which only the name is written.
fn existing_device(
    row: RawRow,
    known: &DevicesByName,
    problems: &mut ProblemList,
) -> (DeviceEntry, Option<DeviceSpec>) {
    let unknown = row.problem("name", "there is no such device: give its fields, `protocol` among them.");
    let mut name = String::new();
    let mut fields = RowSource::reader(row);
    fields.read("name", Presence::Required, ANY_LENGTH, &mut name);
    let found = row_source::finish(fields, Vec::new(), &[]);
    let before = known.get(&name).cloned();
    if before.is_none() && found.is_empty() {
        problems.push(unknown);
    }
    problems.extend(found);
    let entry = DeviceEntry {
        name,
        spec: None,
        password: None,
        product: None,
        parent_device: None,
        streams: Vec::new(),
    };
    (entry, before)
}

fn stream_entries(
    rows: Vec<RawRow>,
    device: Option<&DeviceSpec>,
    problems: &mut ProblemList,
) -> Vec<StreamEntry> {
    let (mut entries, mut lines) = (Vec::new(), HashMap::new());
    for row in rows {
        if problems.is_full() {
            break;
        }
        if is_twice(&row, &mut lines, problems) {
            continue;
        }
        let mut fields = RowSource::reader(row);
        let spec: StreamSpec = fields.read_new();
        let group = fields.source().reference("group").filter(|name| !name.is_empty()).map(str::to_owned);
        let mut rules = match device {
            Some(device) => problems_on(device, &spec),
            None => spec.problems(),
        };
        rules.extend(group.as_deref().map(group_problems).unwrap_or_default());
        problems.extend(row_source::finish(fields, rules, &[]));
        entries.push(StreamEntry { spec, group });
    }
    entries
}

fn group_problems(name: &str) -> Vec<FieldError> {
    let group = GroupSpec { name: name.to_owned(), description: String::new() };
    group.problems().into_iter().map(|problem| FieldError::new("group", problem.message)).collect()
}

/// Returns whether a row's name occurred before, and reports it if so.
fn is_twice(row: &RawRow, lines: &mut HashMap<String, u64>, problems: &mut ProblemList) -> bool {
    let Some(name) = row.text("name") else { return false };
    if let Some(before) = lines.get(name) {
        problems.push(row.problem("name", format!("`{name}` is in line {before} already.")));
        return true;
    }
    lines.insert(name.to_owned(), row.line);
    false
}
