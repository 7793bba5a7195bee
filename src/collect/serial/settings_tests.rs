//! Valid and invalid settings of a serial line, and the times that the specification gives.

use serde_json::json;

use super::*;
use crate::domain::device::Protocol;

fn spec(host: &str, metadata: serde_json::Value) -> DeviceSpec {
    let mut spec = DeviceSpec::new("", Protocol::Modbus);
    spec.host = host.to_owned();
    spec.metadata = metadata.as_object().unwrap().clone();
    spec
}

#[test]
fn settings_have_the_defaults_of_the_specification() {
    for (metadata, baud, parity, stop_bits) in [
        (json!({}), 19_200, Parity::Even, 1),
        (json!({"baud": 9600, "parity": "none"}), 9600, Parity::None, 2),
        (json!({"baud": 115_200, "parity": "none", "stop_bits": 1}), 115_200, Parity::None, 1),
        (json!({"parity": "odd", "data_bits": 8, "baud": null}), 19_200, Parity::Odd, 1),
    ] {
        let settings = SerialSettings::from_spec(&spec("/dev/ttyUSB0", metadata.clone())).unwrap();
        assert_eq!(settings, SerialSettings { baud, parity, stop_bits }, "{metadata}");
    }
}

#[test]
fn a_wrong_setting_is_named() {
    for (host, metadata, field) in [
        ("/dev/ttyUSB0", json!({"baud": 9601}), "baud"),
        ("/dev/ttyUSB0", json!({"baud": "9600"}), "baud"),
        ("/dev/ttyUSB0", json!({"parity": "mark"}), "parity"),
        ("/dev/ttyUSB0", json!({"stop_bits": 3}), "stop_bits"),
        ("/dev/ttyUSB0", json!({"data_bits": 7}), "data_bits"),
        ("/dev/", json!({}), "host"),
        ("/dev/../etc/shadow", json!({}), "host"),
        ("/etc/shadow", json!({}), "host"),
        ("/device", json!({}), "host"),
    ] {
        let error = SerialAddress::from_spec(&spec(host, metadata.clone())).unwrap_err();
        assert_eq!(error.fields[0].field, field, "{host} {metadata}");
    }
    let mut with_port = spec("/dev/ttyUSB0", json!({}));
    with_port.port = Some(502);
    assert_eq!(SerialAddress::from_spec(&with_port).unwrap_err().fields[0].field, "port");
    assert!(SerialAddress::from_spec(&spec("/dev/serial/by-id/usb-FTDI", json!({}))).is_ok());
}

#[test]
fn the_silence_is_three_and_a_half_characters_of_eleven_bits() {
    for (baud, micros) in [(1200, 32_083), (9600, 4010), (19_200, 2005), (38_400, 1750), (115_200, 1750)] {
        let settings = SerialSettings { baud, parity: Parity::Even, stop_bits: 1 };
        assert_eq!(settings.silence().as_micros(), micros, "{baud}");
    }
    let fast = SerialSettings { baud: 115_200, parity: Parity::None, stop_bits: 1 };
    assert_eq!(fast.transmission(256).as_micros(), 22_222);
}
