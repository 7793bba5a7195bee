//! Settings of the way to a device.

use super::*;
use crate::domain::device::Protocol;

#[test]
fn settings_become_a_link() {
    let mut spec = DeviceSpec::new("plc", Protocol::Modbus);
    spec.host = "plc.example".into();
    let link = ModbusLink::from_spec;
    let peer = Peer::from_spec(&spec, Transport::Tcp).unwrap();
    let network = |framing| {
        ModbusLink::Network(NetworkLink { peer: peer.clone(), framing, is_echoed: false, is_shared: true })
    };
    assert_eq!(link(&spec).unwrap(), network(ModbusFraming::Tcp));
    assert_eq!((peer.port, peer.timeout), (502, Duration::from_secs(3)));
    spec.metadata.insert("framing".into(), "rtu_over_tcp".into());
    assert_eq!(link(&spec).unwrap(), network(ModbusFraming::RtuOverTcp));
    for (host, unit, framing, message) in [
        ("plc.example", 1, "ascii", "framing: \"ascii\" is not one of tcp, rtu_over_tcp, rtu."),
        (
            "plc.example",
            1,
            "rtu",
            "framing: \"rtu\" requires a serial port as the host, such as /dev/ttyUSB0.",
        ),
        ("/dev/ttyUSB0", 1, "tcp", "framing: \"tcp\" is not one of rtu."),
        ("/dev/ttyUSB0", 0, "rtu", "unit: A device at a serial port has a unit from 1 to 247."),
        ("/dev/ttyUSB0", 248, "rtu", "unit: A device at a serial port has a unit from 1 to 247."),
        ("/etc/passwd", 1, "rtu", "host: A serial port is a path below /dev/, such as /dev/ttyUSB0."),
    ] {
        spec.host = host.into();
        spec.unit = unit;
        spec.metadata.insert("framing".into(), framing.into());
        assert_eq!(link(&spec).unwrap_err().message, message, "{host} {unit} {framing}");
    }
    (spec.host, spec.unit, spec.metadata) = ("/dev/ttyUSB0".into(), 7, Default::default());
    let address = SerialAddress::from_spec(&spec).unwrap();
    assert_eq!(link(&spec).unwrap(), ModbusLink::Serial { address, unit: 7, is_echoed: false });
}

#[test]
fn echoes_come_from_serial_adapters_only() {
    for (host, framing, message) in [
        ("plc.example", "tcp", Some("echo: true requires the framing \"rtu_over_tcp\", or a serial port.")),
        ("plc.example", "rtu_over_tcp", None),
        ("/dev/ttyUSB0", "rtu", None),
    ] {
        let mut spec = DeviceSpec::new("plc", Protocol::Modbus);
        spec.host = host.into();
        spec.metadata =
            [("echo".to_owned(), true.into()), ("framing".to_owned(), framing.into())].into_iter().collect();
        let link = ModbusLink::from_spec(&spec).map_err(|error| error.message);
        match message {
            Some(message) => assert_eq!(link.unwrap_err(), message),
            None => assert!(
                matches!(
                    link.unwrap(),
                    ModbusLink::Network(NetworkLink { is_echoed: true, .. })
                        | ModbusLink::Serial { is_echoed: true, .. }
                ),
                "{host}"
            ),
        }
    }
}
