//! Fuzz tests: any text as an inventory file.

use super::*;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat as Shape, Random, grammar, text};

fn decoder(form: InventoryFormat) -> Decoder {
    let known = DevicesByName::new();
    Box::new(move |input| drop(parse(form, &text(input), &known)))
}

const TREE: grammar::Rules = grammar::rules! {
    file = "devices: []"
        | "devices:\n  - name: a\n    protocol: modbus\n    <field>\n    <field>\n    streams:\n      - <stream>"
        | "devices: <value>" | "documents: <value>" | "documents:\n  - <document>\n  - <document>"
        | "devices:\n  - <value>\ndocuments:\n  - <document>" | "<value>"
        | "devices:\n  - <value>\n  - <value>";
    document = "<value>" | "{kind: <word>, name: <value>}"
        | "{kind: site, name: <word>, location: <value>, timezone: <value>}"
        | "{kind: component, device: <word>, key: <value>, name: <word>, metadata: <value>}"
        | "{kind: device_group, name: <word>, tags: <value>, devices: <value>}"
        | "{kind: pack, key: <word>, version: <value>, name: <word>, sensor_profiles: <value>}"
        | "{kind: pack, key: a, version: b, name: c, sensor_profiles: [{key: a, name: a, version: <value>, fields: <value>}]}"
        | "{kind: artefact, name: <word>, profile_type: <word>, profile: <value>, content: <value>}"
        | "{kind: binding, target_type: DEVICE, target: <value>, artefact: <value>}"
        | "{kind: device, device: <word>, tags: <value>, site: <value>}"
        | "{kind: reference_pair, primary_component: <word>, reference_component: <value>, valid_from: <value>, valid_to: <value>}";
    stream = "name: b" | "name: b\n        path: hr:1\n        <field>" | "<value>";
    field = "unit: 1" | "host: <value>" | "port: <int>" | "metadata: <value>" | "<word>: <value>"
        | "? <value>\n: <value>" | "poll_interval: <float>";
    value = "1" | "null" | "<int>" | "<float>" | "<word>" | "[<value>, <value>]" | "{<word>: <value>}"
        | "&<word> <value>" | "*<word>" | "!<word> <value>" | "\"<word>\"" | "'<word>'" | "|\n      <word>"
        | ">-\n      <word>" | "0x<int>" | ".inf" | "<<: *<word>";
    word = "a" | "<letter><word>" | "true" | "~" | "é" | "name" | "2026-04-28";
};

fn tree(random: &mut Random) -> Vec<u8> {
    grammar::write(TREE, "file", random)
}

fn yaml_shape() -> Shape {
    Shape {
        seeds: vec![std::fs::read("examples/plant.yaml").expect("an example")],
        grammar: Some(tree),
        words: &[
            "- ",
            ": ",
            "&a ",
            "*a",
            "<<: *a",
            "!!binary ",
            "---\n",
            "...\n",
            "? ",
            "|\n",
            "\t",
            "#",
            "%YAML 9.9\n",
            "\\x",
        ],
        nests: &[
            ("[", "]"),
            ("{a: ", "}"),
            ("- ", ""),
            ("? ", ""),
            ("&a [*a, ", "]"),
            ("a:\n ", ""),
            ("!a ", ""),
        ],
        ..Shape::default()
    }
}

#[test]
fn inventory_yaml() {
    let decoder = || decoder(InventoryFormat::Yaml);
    FuzzTarget { module: module_path!(), name: "inventory_yaml", form: yaml_shape, decoder }.run();
}

const TABLE: grammar::Rules = grammar::rules! {
    table = "device,stream\na,b\n" | "<header>\n<rows>";
    header = "device" | "device,stream,<header>" | "<column>,<header>";
    column = "path" | "type" | "group" | "device.protocol" | "device.host" | "device.metadata" | "metadata"
        | "scale" | "deadband" | "byteorder" | "poll_interval";
    rows = "" | "<row>\n<rows>";
    row = "a,b" | "<cell>" | "<cell>,<row>";
    cell = "" | "a" | "modbus" | "opcua" | "hr:1" | "fp32" | "<int>" | "<float>" | "\"{\"\"a\"\": <int>}\""
        | "\"[[<int>\"" | "true" | "ä";
};

fn table(random: &mut Random) -> Vec<u8> {
    grammar::write(TABLE, "table", random)
}

fn csv_shape() -> Shape {
    Shape {
        seeds: vec![std::fs::read("examples/plant.csv").expect("an example")],
        grammar: Some(table),
        words: &["\"", "\"\"", ",", "\n", "device.metadata", "{\"\"a\"\":1}", "1e400", "-0"],
        nests: &[("[", "]"), ("{\"\"a\"\":", "}"), ("\"[", "]\""), (",", "")],
        ..Shape::default()
    }
}

#[test]
fn inventory_csv() {
    let decoder = || decoder(InventoryFormat::Csv);
    FuzzTarget { module: module_path!(), name: "inventory_csv", form: csv_shape, decoder }.run();
}
