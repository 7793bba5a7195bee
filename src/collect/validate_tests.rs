//! Cases of settings, by protocol.

use serde_json::{Value as Json, json};

use super::*;
use crate::domain::device::Protocol;

fn device(protocol: Protocol, host: &str, metadata: Json) -> DeviceSpec {
    let mut device = DeviceSpec::new("plc", protocol);
    device.host = host.to_owned();
    device.metadata = metadata.as_object().cloned().unwrap();
    device
}

/// Case name, protocol, settings, and the problems found.
type Row = (&'static str, Protocol, Json, Vec<String>);

fn check(rows: Vec<Row>) {
    for (name, protocol, metadata, expected) in rows {
        let found = device_problems(&device(protocol, "plc", metadata));
        assert!(found.iter().all(|problem| problem.field == "metadata"), "{name}: {found:?}");
        let messages: Vec<String> = found.into_iter().map(|problem| problem.message).collect();
        assert_eq!(messages, expected, "{name}");
    }
}

fn beyond(name: &str, max: u32, given: &str) -> String {
    format!("{name}: {given} is not a whole number from 0 to {max}.")
}

#[test]
fn settings_of_mqtt_are_checked_where_the_device_is_a_broker() {
    check(vec![
        ("mqtt_without", Protocol::Mqtt, json!({}), vec![]),
        (
            "mqtt_format",
            Protocol::Mqtt,
            json!({"format": "xml"}),
            vec!["format: \"xml\" is not one of json, sparkplug.".into()],
        ),
        (
            "sparkplug_host_and_metric",
            Protocol::Mqtt,
            json!({"format": "sparkplug", "host_id": "a/b", "writable": ["line/1/temp"]}),
            vec![
                "host_id: `a/b` is no id: it contains `+`, `#`, `/` or U+0000.".into(),
                "writable: Invalid register \"line/1/temp\". A `#` precedes the metric. Write GROUP/NODE#METRIC or \
                 GROUP/NODE/DEVICE#METRIC, for example plant/edge1/press#Motor/speed."
                    .into(),
            ],
        ),
        ("mqtt_qos", Protocol::Mqtt, json!({"qos": 2}), vec![beyond("qos", 1, "2")]),
        (
            "mqtt_pointer",
            Protocol::Mqtt,
            json!({"time_pointer": "time"}),
            vec!["time_pointer: `time` is no JSON pointer such as /time.".into()],
        ),
        (
            "mqtt_writable",
            Protocol::Mqtt,
            json!({"writable": ["a/#/b"]}),
            vec![
                "writable: Invalid register \"a/#/b\". After the wildcard `#` only a second `#` and the pointer may \
                 follow. Write TOPIC or TOPIC#POINTER, for example line/1/temp, line/+/temp#/value or line/##/value."
                    .into(),
            ],
        ),
    ]);
    let gateway = device(Protocol::Mqtt, "", json!({"qos": 2}));
    assert!(device_problems(&gateway).is_empty(), "a gateway's are its own");
}

#[test]
fn settings_of_modbus_and_melsec_are_checked() {
    check(vec![
        ("modbus_without", Protocol::Modbus, json!({}), vec![]),
        ("null_is_the_default", Protocol::Modbus, json!({"framing": null, "writable": null}), vec![]),
        ("what_nobody_reads", Protocol::Modbus, json!({"frame": "9E", "hall": 3}), vec![]),
        (
            "modbus_framing",
            Protocol::Modbus,
            json!({"framing": "serial"}),
            vec!["framing: \"serial\" is not one of tcp, rtu_over_tcp, rtu.".into()],
        ),
        ("modbus_gap", Protocol::Modbus, json!({"max_gap": -1}), vec![beyond("max_gap", 125, "-1")]),
        (
            "all_at_once",
            Protocol::Modbus,
            json!({"framing": 1, "max_gap": 126, "writable": "hr:0"}),
            vec![
                "framing: 1 is not one of tcp, rtu_over_tcp, rtu.".into(),
                beyond("max_gap", 125, "126"),
                "writable: must be a list of registers.".into(),
            ],
        ),
        (
            "pauses",
            Protocol::Modbus,
            json!({"pause_after_connect": 61}),
            vec!["pause_after_connect: 61 is not a number of seconds from 0 to 60.".into()],
        ),
        (
            "melsec_frame",
            Protocol::Melsec,
            json!({"frame": "1E"}),
            vec!["frame: \"1E\" is not one of 3E, 4E.".into()],
        ),
        (
            "melsec_settings_together",
            Protocol::Melsec,
            json!({"xy_radix": "oct", "encoding": "ascii"}),
            vec!["xy_radix: \"oct\" requires the encoding \"binary\".".into()],
        ),
        ("melsec_network", Protocol::Melsec, json!({"network": 256}), vec![beyond("network", 255, "256")]),
    ]);
}

#[test]
fn settings_of_fenet_and_opcua_are_checked_and_of_others_none() {
    check(vec![
        (
            "fenet_cpu",
            Protocol::Fenet,
            json!({"cpu": "S7"}),
            vec!["cpu: \"S7\" is not one of XGK, XGI, XGR, XGB, XGB-IEC.".into()],
        ),
        (
            "opcua_subscription",
            Protocol::Opcua,
            json!({"use_subscription": "yes"}),
            vec!["use_subscription: Must be a valid boolean.".into()],
        ),
        (
            "opcua_mode_without_a_policy",
            Protocol::Opcua,
            json!({"security_mode": "Sign"}),
            vec!["security_mode: Must be None while security_policy is None.".into()],
        ),
        ("protocols_not_collected", Protocol::Vnc, json!({"framing": 1, "writable": 1}), vec![]),
    ]);
}

#[test]
fn other_fields_keep_their_names() {
    let problems = device_problems(&device(Protocol::Opcua, "http://plc", json!({})));
    assert_eq!(problems.iter().map(|problem| &*problem.field).collect::<Vec<_>>(), ["host"]);
    let mut fenet = device(Protocol::Fenet, "plc", json!({}));
    fenet.unit = 16;
    let problems = device_problems(&fenet);
    assert_eq!(problems.iter().map(|problem| &*problem.field).collect::<Vec<_>>(), ["unit"]);
}

/// These were stored, and their devices were offline for ever with a failed lookup.
#[test]
fn a_host_is_a_name_or_an_address_alone() {
    for protocol in [Protocol::Modbus, Protocol::Melsec, Protocol::S7, Protocol::Fenet, Protocol::Eip] {
        let problems = |host: &str| device_problems(&device(protocol, host, json!({})));
        for host in
            ["10.0.0.1", "::1", "fe80::1%eth0", "plc", "PLC_7.line-2.example", "xn--bcher-kva.example"]
        {
            assert_eq!(problems(host), [], "{protocol}: {host}");
        }
        for host in [
            "127.0.0.1:502",
            "tcp://127.0.0.1",
            "http://plc/",
            "[::1]",
            "10.0.0.300",
            "plc 7",
            "host/unit1",
            "me@plc",
            "größe",
        ] {
            let found = problems(host);
            assert_eq!(
                found.iter().map(|problem| &*problem.field).collect::<Vec<_>>(),
                ["host"],
                "{protocol}: {host}"
            );
        }
    }
}
