//! The tables of docs/operations/addresses.md: every address and every type there is understood as it says.

use std::collections::BTreeSet;

use super::registers::value_type::RegisterType;
use super::registry;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::StreamKind;

const DOCUMENT: &str = include_str!("../../docs/operations/addresses.md");
const PROTOCOLS: [Protocol; 4] = [Protocol::Modbus, Protocol::Melsec, Protocol::Fenet, Protocol::S7];

/// The cells of the rows of the table whose heading begins with a cell.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let begins = format!("| {heading} |");
    let lines = DOCUMENT.lines().skip_while(|line| !line.starts_with(&begins)).skip(2);
    let table = lines.take_while(|line| line.starts_with('|'));
    table.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// The texts between backticks.
fn quoted(cell: &'static str) -> Vec<&'static str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_documented_address_is_understood() {
    let mut protocols = BTreeSet::new();
    let mut forms = 0;
    for row in rows("protocol") {
        let protocol: Protocol = quoted(row[0])[0].parse().unwrap();
        let device = DeviceSpec::new("plc", protocol);
        let [canonical] = quoted(row[1])[..] else { panic!("{row:?}") };
        let address = registry::parse_address(&device, canonical).unwrap();
        assert_eq!(address.to_string(), canonical);
        assert!(
            address.point_or_default(None, registry::default_word_order(protocol)).is_ok(),
            "{canonical}"
        );
        for written in quoted(row[2]) {
            assert_eq!(registry::parse_address(&device, written).as_ref(), Ok(&address), "{written}");
            forms += 1;
        }
        protocols.insert(protocol.name());
    }
    assert_eq!(protocols.len(), PROTOCOLS.len(), "{protocols:?}");
    assert!(forms > 90, "{forms} forms");
}

#[test]
fn every_documented_type_is_understood() {
    let mut documented = Vec::new();
    for row in rows("type") {
        let [name] = quoted(row[0])[..] else { panic!("{row:?}") };
        for protocol in PROTOCOLS {
            let is_of = row[2] == "all four" || row[2] == protocol.name();
            let own = RegisterType::parse(protocol, name);
            // Where STRING is no structure of the PLC, it is a text.
            let shown = own.map(|own| own.to_string()).filter(|shown| shown == name);
            assert_eq!(shown.is_some(), is_of, "{protocol} {name}");
            let Some(own) = own.filter(|_| is_of) else { continue };
            for other in quoted(row[1]) {
                assert_eq!(RegisterType::parse(protocol, other), Some(own), "{protocol} {other}");
            }
            let fitting = quoted(row[4]);
            for kind in StreamKind::ALL {
                assert_eq!(own.fits(kind), fitting.contains(&kind.name()), "{name} {kind}");
            }
        }
        documented.push(name);
    }
    let names = RegisterType::names(Protocol::S7);
    assert_eq!(documented, names.split(", ").collect::<Vec<_>>());
}
