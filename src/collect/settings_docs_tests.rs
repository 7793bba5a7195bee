//! The tables of settings in docs/operations/registers.md, devices.md and brokers.md: each setting there is one that its protocol reads,
//! and each that an address of `basalt read` may contain is there.

use std::collections::BTreeSet;

use serde_json::json;

use super::registry;
use super::validate::device_problems;
use crate::domain::device::{DeviceSpec, Protocol};

const REGISTERS: &str = include_str!("../../docs/operations/registers.md");
const DEVICES: &str = include_str!("../../docs/operations/devices.md");
const BROKERS: &str = include_str!("../../docs/operations/brokers.md");

/// "All four" of registers.md.
const PROTOCOLS: [Protocol; 4] = [Protocol::Modbus, Protocol::Melsec, Protocol::Fenet, Protocol::S7];
/// Hosts of every kind: some settings are only read with one of them.
const HOSTS: [&str; 3] = ["plc.example", "/dev/ttyUSB0", "https://plc.example/"];

/// The cells of the rows of the first table after a heading of a document whose own heading begins with these cells.
fn rows(document: &'static str, heading: &str, cells: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = document.split_once(heading).expect(heading);
    let begins = format!("| {cells} |");
    let lines = section.lines().skip_while(|line| !line.starts_with(&begins)).skip(2);
    let table = lines.take_while(|line| line.starts_with('|'));
    table.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The texts between backticks.
fn quoted(cell: &'static str) -> Vec<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Whether a device of the protocol is refused for a value that this setting never has.
fn is_read(protocol: Protocol, setting: &str) -> bool {
    HOSTS.iter().any(|host| {
        let mut device = DeviceSpec::new("plc", protocol);
        device.host = (*host).to_owned();
        // Others are only read beside these two.
        let chosen = [("generator", json!("sine")), ("format", json!("sparkplug")), (setting, json!([{}]))];
        device.metadata.extend(chosen.map(|(name, value)| (name.to_owned(), value)));
        let named = format!("{setting}: ");
        let mut problems = device.problems().into_iter().chain(device_problems(&device));
        problems.any(|problem| problem.field == "metadata" && problem.message.starts_with(&named))
    })
}

#[test]
fn every_documented_setting_of_registers_is_read_and_those_of_addresses_are_documented() {
    assert!(!is_read(Protocol::Modbus, "hall"), "a setting that nobody reads");
    let (mut documented, mut protocols) = (BTreeSet::new(), Vec::new());
    for row in rows(REGISTERS, "# Registers", "protocol | setting") {
        if !row[0].is_empty() {
            let all = PROTOCOLS.into_iter().filter(|_| row[0].starts_with("all four"));
            let named = quoted(row[0]).into_iter().map(|name| name.parse().expect(name));
            protocols = all.chain(named).collect::<Vec<Protocol>>();
        }
        for protocol in &protocols {
            for setting in quoted(row[1]) {
                assert!(is_read(*protocol, setting), "{protocol} {setting}");
                documented.insert((protocol.name(), setting));
            }
        }
    }
    assert!(documented.len() > 40, "{documented:?}");
    for protocol in PROTOCOLS {
        let known = registry::find(protocol).expect("it is collected");
        let settings = [known.url_settings(), known.serial_url_settings()];
        for (setting, _) in settings.into_iter().flatten().flatten() {
            assert!(documented.contains(&(protocol.name(), *setting)), "{protocol} {setting}");
        }
    }
}

#[test]
fn every_documented_setting_of_other_devices_is_read() {
    let plain = DeviceSpec::new("plc", Protocol::Http);
    let mut other = plain.clone();
    (other.host, other.port, other.timeout_s) = ("a".to_owned(), Some(1), 9.0);
    (other.username, other.password) = ("a".to_owned(), "a".to_owned());
    let fields = other.differences(&plain);
    for (document, heading, cells, protocol) in [
        (DEVICES, "## OPC UA servers", "`metadata`", Protocol::Opcua),
        (DEVICES, "## EtherNet/IP controllers", "`metadata`", Protocol::Eip),
        (DEVICES, "## HTTP devices", "field", Protocol::Http),
        (DEVICES, "## Virtual devices", "`metadata` of the stream, else of its device", Protocol::Virtual),
        (BROKERS, "# MQTT brokers", "`metadata`", Protocol::Mqtt),
        (BROKERS, "## Sparkplug B", "`metadata`", Protocol::Mqtt),
    ] {
        let rows = rows(document, heading, cells);
        assert!(rows.len() > 1, "{heading}: {rows:?}");
        for name in rows.into_iter().flat_map(|row| quoted(row[0])) {
            let setting = name.strip_prefix("metadata.").unwrap_or(name);
            assert!(fields.contains(&name) || is_read(protocol, setting), "{heading}: {name}");
        }
    }
}
