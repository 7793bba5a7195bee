//! Tests of inventory files: mistakes with their line and column, and values as YAML has them.

use serde_json::{Value, json};

use super::*;
use crate::domain::device::{DeviceSpec, Protocol};
use basalt_fuzz::rows;

fn problems(form: InventoryFormat, text: &str) -> Vec<String> {
    let known = DevicesByName::from([(
        "Oven".to_owned(),
        DeviceSpec { host: "plc".into(), ..DeviceSpec::new("Oven", Protocol::Modbus) },
    )]);
    let found = parse(form, text, &known).1;
    found.iter().map(|problem| format!("{} {}: {}", problem.line, problem.column, problem.message)).collect()
}

/// Case name, text, and the expected problems: each its line and column, and a part of its message.
type Wrong = (&'static str, &'static str, &'static [&'static str]);

fn check(form: InventoryFormat, rows: &[Wrong]) {
    for (name, text, expected) in rows {
        let found = problems(form, text);
        let is_told = found.len() == expected.len()
            && expected.iter().all(|part| {
                let (place, words) = part.split_once(": ").expect("a place and words");
                found
                    .iter()
                    .any(|message| message.starts_with(&format!("{place}: ")) && message.contains(words))
            });
        assert!(is_told, "{name}: expected {expected:#?}, found {found:#?}");
    }
}

#[test]
fn mistakes_of_csv_are_all_told_by_line_and_column() {
    check(
        InventoryFormat::Csv,
        &rows![
            "nothing_is_wrong", "device,stream,path,type\nOven,a,hr:0,uint16\n", &[];
            "blank_rows_say_nothing", "device,stream,path\nOven,a,hr:0\n,,\n", &[];
            "everything_at_once",
                "device,device.protocol,device.host,device.timeout,stream,path,type,scale,enabled\n\
                A,modbos,,3,,,,,\n\
                B,modbus,,x,,,,,\n\
                B,,,,a,D100,uint16,1,true\n\
                B,,,,b,hr:1,float,x,maybe\n\
                C,,,,c,hr:0,,,\n",
                &[
                    "2 device.protocol: `modbos` is not one of opcua, melsec",
                    "3 device.timeout: `x` is not a number",
                    "3 device.host: This field is required",
                    "4 path: Invalid register",
                    "5 type: `float` is not one of bit, byte",
                    "5 scale: `x` is not a number",
                    "5 enabled: `maybe` is not true or false",
                    "6 device: there is no such device",
                ];
            "limits", "device,device.protocol,device.timeout,device.port,device.unit\nA,virtual,61,65536,-1\n",
                &[
                    "2 device.timeout: less than or equal to 60",
                    "2 device.port: `65536` is not a whole number from 1 to 65535",
                    "2 device.unit: `-1` is not a whole number from 0 to 255",
                ];
        ],
    );
}

#[test]
fn two_devices_of_one_client_of_a_broker_are_told() {
    let device = |name: &str, id: &str| {
        format!("  - name: {name}\n    protocol: mqtt\n    host: broker\n    metadata: {{client_id: {id}}}\n")
    };
    let parsed = |text: &str, known: &DevicesByName| parse(InventoryFormat::Yaml, text, known);
    let both = format!("devices:\n{}{}", device("A", "me"), device("B", "me"));
    let found = parsed(&both, &DevicesByName::new()).1;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].line == 9 && found[0].message.contains("client_id: Another device is `me`"),
        "{found:?}"
    );

    // Beside a device that exists; not beside its own earlier version.
    let mut known = DevicesByName::new();
    let first = parsed(&format!("devices:\n{}", device("A", "me")), &known).0;
    known.extend(first.devices.into_iter().filter_map(|entry| Some((entry.name, entry.spec?))));
    let beside = |name: &str, id: &str| parsed(&format!("devices:\n{}", device(name, id)), &known).1.len();
    assert_eq!([beside("B", "me"), beside("B", "other"), beside("A", "me")], [1, 0, 0]);
    // They may change places.
    let swapped = format!("devices:\n{}{}", device("A", "other"), device("B", "me"));
    assert_eq!(parsed(&swapped, &known).1, []);
}

#[test]
fn mistakes_of_the_rows_of_csv_are_told() {
    check(
        InventoryFormat::Csv,
        &rows![
            "a_column_that_nobody_knows", "device,stream,path,colour\nOven,a,hr:0,red\n",
                &["1 colour: there is no such column: there are device, stream, path"];
            "a_column_twice", "device,stream,path,path\nOven,a,hr:0,hr:0\n", &["1 path: two columns"];
            "no_device_column", "stream,path\na,hr:0\n",
                &["1 device: there is no such column", "2 device: required"];
            "a_row_too_short", "device,stream,path\nOven,a\nOven,b,D1\n",
                &["2 *: 2 cells where the header has 3", "3 path: Invalid register"];
            "a_stream_twice", "device,stream,path\nOven,a,hr:0\nOven,b,hr:1\nOven,a,hr:2\n",
                &["4 stream: `a` is in line 2 already"];
            "a_device_in_two_ways", "device,device.protocol,device.host\nA,modbus,x\nA,modbus,y\n",
                &["3 device.host: conflicts with line 2"];
            "a_stream_without_a_name", "device,stream,path\nOven,,hr:0\n", &["2 stream: required"];
            "a_quotation_mark_that_is_missing",
                "device,stream,path,label\nOven,a,hr:0,\"5\" pipe\"\nOven,b,hr:1,\"in\nOven,c,D1,x\n",
                &["2 *: text follows a closing one", "3 *: one is never closed"];
            "metadata_that_is_no_json", "device,stream,path,metadata\nOven,a,hr:0,{\nOven,b,hr:0,3\n",
                &["2 metadata: no JSON", "3 metadata: no object"];
            "a_word_order_that_is_none",
                "device,stream,path,metadata\nOven,a,hr:0,\"{\"\"wordorder\"\":\"\"acbd\"\"}\"\n\
                Oven,b,hr:0,\"{\"\"wordorder\"\":\"\"CDAB\"\"}\"\n",
                &["2 metadata: not one of abcd"];
            "a_device_without_a_protocol", "device,device.host\nA,10.0.0.1\n", &["2 device.protocol: required"];
            "a_group_too_long",
                "device,stream,path,group\nOven,a,hr:0,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
                &["2 group: no more than 100 characters"];
        ],
    );
}

#[test]
fn mistakes_of_yaml_are_all_told_by_line_and_column() {
    check(
        InventoryFormat::Yaml,
        &rows![
            "nothing_is_wrong", "devices:\n  - name: Oven\n    streams:\n      - {name: a, path: \"hr:0\"}\n",
                &[];
            "an_empty_list", "devices:\n", &[];
            "everything_at_once",
                "devices:\n  - name: A\n    protocol: modbos\n  - name: B\n    protocol: modbus\n    timeout: [1]\n    colour: red\n    streams:\n\
                \x20     - name: a\n        path: D100\n      - name: a\n        path: hr:0\n      - path: hr:1\n        enabled: null\n  - 5\n",
                &[
                    "3 protocol: `modbos` is not one of",
                    "4 host: This field is required",
                    "6 timeout: where one value belongs",
                    "7 colour: byteorder, enabled, metadata, product, parent_device, owner, streams.",
                    "10 path: Invalid register",
                    "11 name: `a` is in line 9 already",
                    "13 name: This field is required",
                    "14 enabled: may not be null",
                    "15 devices: a map of its fields",
                ];
            "no_yaml", "devices:\n  - name: [\n", &["3 *: this is no YAML"];
            "no_map", "- a\n", &["1 devices: a map with a list"];
            "another_key", "device:\n  - name: a\n",
                &["1 device: there is no such key: there are `devices` and `documents`."];
            "a_key_twice", "devices:\n  - name: a\n    name: b\n", &["3 *: `name` was said in line 2"];
            "an_alias", "devices: &a\n  - *a\n", &["1 *: anchors, aliases and tags"];
            "a_tag", "devices: !!seq []\n", &["1 *: anchors, aliases and tags"];
            "two_documents", "devices: []\n---\ndevices: []\n", &["3 *: second document"];
            "nothing_at_all", "# nothing\n", &["1 devices: a map with a list"];
        ],
    );
    let deep = |levels: usize| format!("devices: {}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(problems(InventoryFormat::Yaml, &deep(40))[0].contains("nested deeper than 32"));
    // Any excess depth gives one problem and no crash.
    assert_eq!(problems(InventoryFormat::Yaml, &deep(100_000)).len(), 1);
}

/// Security review 20: a file of 1.7 MB had 500,000 mistakes, each of which was made and answered.
#[test]
fn of_a_file_with_many_mistakes_a_thousand_are_told() {
    let device = "  - name: a\n    protocol: virtual\n";
    let streams: String = (0..3000).map(|n| format!("      - {{name: s{n}, type: x}}\n")).collect();
    let fields: String = (0..3000).map(|n| format!("    x{n:04}: 1\n")).collect();
    let documents = "  - 1\n".repeat(3000);
    let names = format!("device,stream\n{}", ",s\n".repeat(3000));
    for (form, text) in [
        (InventoryFormat::Yaml, format!("devices:\n{device}    streams:\n{streams}")),
        (InventoryFormat::Yaml, format!("devices:\n{device}{fields}")),
        (InventoryFormat::Yaml, format!("devices:\n{}", "  - 1\n".repeat(3000))),
        (InventoryFormat::Yaml, format!("documents:\n{documents}")),
        (InventoryFormat::Csv, names),
    ] {
        let ParsedFile { problems, .. } = parse_file(form, &text, &DevicesByName::new());
        assert!(problems.is_full(), "{form:?}");
        let kept = problems.sorted();
        assert_eq!(kept.len(), import_report::MAX_PROBLEMS, "{form:?}");
        assert!(kept[0].line <= 5, "the first of them: {:?}", kept[0]);
    }
}

#[test]
fn values_of_yaml_are_what_its_core_schema_says() {
    let rows = [
        ("1", json!(1)),
        ("-1.5", json!(-1.5)),
        ("1e3", json!(1000.0)),
        ("18446744073709551615", json!(u64::MAX)),
        ("0x1F", json!(31)),
        ("0o17", json!(15)),
        (".5", json!(0.5)),
        ("+1", json!(1.0)),
        ("true", json!(true)),
        ("False", json!(false)),
        ("no", json!("no")),
        ("~", Value::Null),
        ("", Value::Null),
        ("\"1\"", json!("1")),
        ("'null'", json!("null")),
        ("1.2.3", json!("1.2.3")),
        ("[1, a]", json!([1, "a"])),
        ("{a: {b: 2}}", json!({"a": {"b": 2}})),
        ("12:30", json!("12:30")),
        (".inf", json!(".inf")),
    ];
    for (written, expected) in rows {
        let text = format!("devices:\n  - name: a\n    protocol: virtual\n    metadata: {{x: {written}}}\n");
        let (read, problems) = parse(InventoryFormat::Yaml, &text, &DevicesByName::new());
        assert_eq!(problems, [], "{written}");
        let spec = read.devices[0].spec.as_ref().expect("given");
        assert_eq!(spec.metadata["x"], expected, "{written}");
    }
    // A name is the text as written, whatever type YAML would give it.
    let (read, _) = parse(
        InventoryFormat::Yaml,
        "devices: [{name: 007, protocol: virtual}, {name: true, protocol: virtual}]",
        &DevicesByName::new(),
    );
    assert_eq!(read.devices.iter().map(|d| d.name.as_str()).collect::<Vec<_>>(), ["007", "true"]);
}

#[path = "inventory_round_trip_tests.rs"]
mod round_trip;
