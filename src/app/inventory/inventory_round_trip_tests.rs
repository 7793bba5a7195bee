//! Random inventories are read as they were written, and no text is too strange.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Map;

use super::*;
use crate::app::inventory::file_fields::DeviceNames;
use crate::domain::DeviceId;
use crate::domain::inventory::{DeviceEntry, StreamEntry};
use crate::domain::stream::{AccessMode, ByteOrder, StreamKind, StreamSpec};

fn text(most: usize) -> impl Strategy<Value = String> {
    let chars = prop_oneof![
        8 => proptest::char::range(' ', '~'),
        1 => Just('\n'),
        1 => any::<char>().prop_filter("no row holds it", |c| *c != '\0'),
    ];
    let texts = proptest::collection::vec(chars, 0..most);
    let texts = texts.prop_map(|chars| chars.into_iter().collect::<String>().trim().to_owned());
    // Words with a special meaning in one of the formats.
    prop_oneof![6 => texts, 1 => proptest::sample::select(vec!["null", "~", "true", "1.0", "#", "- a", "{", ""]).prop_map(str::to_owned)]
}

fn name() -> impl Strategy<Value = String> {
    text(20).prop_filter("a name is not blank", |name| !name.is_empty())
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>().prop_filter("only numbers", |n| n.is_finite()),
        (-1000..1000_i32).prop_map(f64::from)
    ]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        number().prop_map(Value::from),
        text(8).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(text(6), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn metadata() -> impl Strategy<Value = Map<String, Value>> {
    proptest::collection::btree_map(text(6), json_value(), 0..3).prop_map(|map| map.into_iter().collect())
}

fn interval() -> impl Strategy<Value = Option<f64>> {
    proptest::option::of(prop_oneof![Just(1.0), 0.1..86_400.0])
}

fn stream() -> impl Strategy<Value = StreamEntry> {
    let plain =
        (proptest::sample::select(StreamKind::ALL.to_vec()), interval(), metadata(), any::<(bool, bool)>());
    let numbers = (
        number(),
        number(),
        proptest::option::of(0.0..1e9),
        proptest::sample::select(vec![None, Some(60), Some(3600)]),
    );
    let texts = (text(30), text(30), proptest::option::of(name()));
    let aliases = (proptest::option::of(0..i32::MAX), proptest::option::of(name()));
    (plain, numbers, texts, aliases).prop_map(
        |(
            (kind, poll_interval_s, metadata, (enabled, writes)),
            numbers,
            (path, unit, group),
            (pin, label),
        )| {
            let (scale, offset, deadband, statistics_interval_s) = numbers;
            let access_mode = if writes { AccessMode::ReadWrite } else { AccessMode::Read };
            let byteorder = writes.then_some(ByteOrder::Big);
            let spec = StreamSpec {
                path,
                kind,
                access_mode,
                poll_interval_s,
                unit,
                scale,
                offset,
                byteorder,
                enabled,
                deadband,
                statistics_interval_s,
                metadata,
                pin,
                label,
                ..StreamSpec::new("", DeviceId(0))
            };
            StreamEntry { spec, group }
        },
    )
}

fn device() -> impl Strategy<Value = DeviceEntry> {
    let protocols = vec![Protocol::Virtual, Protocol::Ai];
    let plain = (proptest::sample::select(protocols), interval(), metadata(), any::<(bool, bool, u8)>());
    let texts = (text(30), text(30), proptest::option::of(1..u16::MAX), 0.1..60.0);
    let streams = proptest::collection::btree_map(name(), stream(), 0..4);
    let named = || proptest::option::of(name());
    (plain, texts, streams, (named(), named(), named())).prop_map(
        |((protocol, poll_interval_s, metadata, (enabled, big, unit)), texts, streams, names)| {
            let (owner, product, parent_device) = names;
            let (host, username, port, timeout_s) = texts;
            let byteorder = if big { ByteOrder::Big } else { ByteOrder::Little };
            let spec = DeviceSpec {
                host,
                username,
                port,
                timeout_s,
                poll_interval_s,
                metadata,
                enabled,
                byteorder,
                unit,
                owner,
                ..DeviceSpec::new("", protocol)
            };
            let named = |(name, entry): (String, StreamEntry)| StreamEntry {
                spec: StreamSpec { name, ..entry.spec },
                ..entry
            };
            DeviceEntry {
                name: String::new(),
                spec: Some(spec),
                password: None,
                product,
                parent_device,
                streams: streams.into_iter().map(named).collect(),
            }
        },
    )
}

fn inventory() -> impl Strategy<Value = Inventory> {
    let devices = proptest::collection::btree_map(name(), device(), 0..4);
    devices.prop_map(|devices: BTreeMap<String, DeviceEntry>| {
        let named = |(name, entry): (String, DeviceEntry)| {
            let spec = entry.spec.map(|spec| DeviceSpec { name: name.clone(), ..spec });
            DeviceEntry { name, spec, ..entry }
        };
        Inventory { devices: devices.into_iter().map(named).collect() }
    })
}

fn written(form: InventoryFormat, inventory: &Inventory) -> String {
    let render = |device: &DeviceEntry| {
        let streams =
            device.streams.iter().map(|stream| Rendered::stream(&stream.spec, stream.group.as_deref()));
        let names = DeviceNames {
            product: device.product.as_deref(),
            parent_device: device.parent_device.as_deref(),
        };
        (Rendered::device(device.spec.as_ref().expect("it has one"), names), streams.collect())
    };
    let devices: Vec<_> = inventory.devices.iter().map(render).collect();
    match form {
        InventoryFormat::Csv => csv_format::write(&devices).expect("written"),
        InventoryFormat::Yaml => yaml_format::write(&devices),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_read_as_it_was(inventory in inventory()) {
        for form in [InventoryFormat::Csv, InventoryFormat::Yaml] {
            let text = written(form, &inventory);
            let (read, problems) = parse(form, &text, &DevicesByName::new());
            prop_assert_eq!(&problems, &[], "{}", text);
            prop_assert_eq!(&read, &inventory, "{}", text);
        }
    }

    #[test]
    fn no_text_is_too_strange(text in "(devices:|streams:|name: |[-{}\\[\\]:,#&*!|>\"' \n\t%@a0~])*") {
        for form in [InventoryFormat::Csv, InventoryFormat::Yaml] {
            let _ = parse(form, &text, &DevicesByName::new());
        }
    }
}
