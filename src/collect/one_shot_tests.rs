//! Parsing of one-off addresses, and one read.

use super::*;
use crate::collect::modbus::client::ModbusEndpoint;
use crate::collect::modbus::fake::FakeDevice;
use crate::collect::modbus::link::{ModbusFraming, ModbusLink, NetworkLink};
use crate::collect::numeric_value::NumericValue;
use crate::collect::registers::protocol::RegisterEndpoint;
use crate::collect::serial::{Parity, SerialSettings};

const TIMEOUT: Duration = Duration::from_secs(1);

#[test]
fn addresses_are_read_as_written() {
    for (name, address, expected) in [
        (
            "plain",
            "modbus://10.0.0.1/hr:100",
            ("10.0.0.1", 502, 1, "hr:100", StreamKind::Uint16, WordOrder::Cdab),
        ),
        (
            "all",
            "modbus://plc:5020/ir:7?type=fp32&unit=17&byteorder=big",
            ("plc", 5020, 17, "ir:7", StreamKind::Fp32, WordOrder::Abcd),
        ),
        (
            "wordorder",
            "modbus://plc/hr:1?type=int64&wordorder=badc",
            ("plc", 502, 1, "hr:1", StreamKind::Int64, WordOrder::Badc),
        ),
        ("coil", "modbus://plc/co:3", ("plc", 502, 1, "co:3", StreamKind::Bit, WordOrder::Cdab)),
        ("bit", "modbus://plc/hr:3.5", ("plc", 502, 1, "hr:3.5", StreamKind::Bit, WordOrder::Cdab)),
        ("iec", "modbus://plc/%MW5", ("plc", 502, 1, "hr:5", StreamKind::Uint16, WordOrder::Cdab)),
        ("escaped", "modbus://plc/%25MW5", ("plc", 502, 1, "hr:5", StreamKind::Uint16, WordOrder::Cdab)),
        (
            "typed",
            "modbus://plc/HR7:bcd32",
            ("plc", 502, 1, "hr:7:bcd32", StreamKind::Uint32, WordOrder::Cdab),
        ),
        ("ipv6", "modbus://[::1]:5020/40001", ("::1", 5020, 1, "hr:0", StreamKind::Uint16, WordOrder::Cdab)),
    ] {
        let request = parse(address, TIMEOUT).unwrap();
        let register = request.register.to_string();
        let endpoint = ModbusEndpoint::from_spec(&request.device).unwrap();
        let ModbusLink::Network(NetworkLink { peer, .. }) = &endpoint.link else {
            panic!("{name}: {endpoint:?}")
        };
        let got =
            (peer.host.as_str(), peer.port, endpoint.unit, register.as_str(), request.kind, request.order);
        assert_eq!(got, expected, "{name}");
    }
    let rtu = parse("modbus://plc/hr:0?framing=rtu_over_tcp", TIMEOUT).unwrap();
    let rtu = ModbusEndpoint::from_spec(&rtu.device).unwrap();
    let ModbusLink::Network(NetworkLink { framing, .. }) = rtu.link else { panic!("{rtu:?}") };
    assert_eq!(framing, ModbusFraming::RtuOverTcp);
}

#[test]
fn a_serial_port_comes_before_the_register() {
    let address = "modbus+serial:///dev/serial/by-id/usb-FTDI/hr:100?unit=7&baud=9600&parity=none&stop_bits=1&type=fp32";
    let request = parse(address, TIMEOUT).unwrap();
    assert_eq!((request.register.to_string().as_str(), request.kind), ("hr:100", StreamKind::Fp32));
    let endpoint = ModbusEndpoint::from_spec(&request.device).unwrap();
    let ModbusLink::Serial { address, unit, .. } = endpoint.link else { panic!("{endpoint:?}") };
    assert_eq!((address.path.as_str(), unit), ("/dev/serial/by-id/usb-FTDI", 7));
    assert_eq!(address.settings, SerialSettings { baud: 9600, parity: Parity::None, stop_bits: 1 });
    assert_eq!(address.timeout, TIMEOUT);
    for (address, message) in [
        ("modbus+serial://plc/hr:100", "names no serial port"),
        ("modbus+serial:///tmp/port/hr:100", "names no serial port"),
        ("modbus+serial:///dev/ttyUSB0/hr:1?baud=9601", "baud `9601` is not one of 300, 600"),
        ("modbus+serial:///dev/ttyUSB0/hr:1?parity=mark", "parity `mark` is not one of even, odd, none"),
        ("modbus+serial:///dev/ttyUSB0/hr:1?framing=tcp", "parameter `framing` is not one of type, unit"),
        ("modbus+serial:///dev/ttyUSB0/D1", "D1"),
        ("melsec+serial:///dev/ttyUSB0/D1", "`melsec+serial://` addresses are not read"),
        ("modbus://plc/hr:1?baud=9600", "parameter `baud` is not one of"),
    ] {
        let error = parse(address, TIMEOUT).err().expect(address).to_string();
        assert!(error.contains(message), "{address}: {error}");
    }
}

#[test]
fn registers_of_other_protocols_are_read_as_written() {
    for (address, register, kind) in [
        ("melsec://plc/D100", "D100", StreamKind::Uint16),
        ("melsec://plc:5008/d100.a?frame=4E&network=1&pc=2&transport=udp", "D100.A", StreamKind::Bit),
        ("melsec://plc/X20?xy_radix=oct", "X20", StreamKind::Bit),
        ("melsec://plc/M0?type=uint32", "M0", StreamKind::Uint32),
        ("melsec://plc/LTN5?series=iqr", "LTN5", StreamKind::Uint32),
        (
            "fenet://plc/%25DW100?type=fp64&cpu=XGI&unit=0&base=1&echoes_invoke_id=false",
            "%DW100",
            StreamKind::Fp64,
        ),
        ("fenet://plc/%DB200", "%DB200", StreamKind::Byte),
        ("fenet://plc/%25DB200", "%DB200", StreamKind::Byte),
        ("fenet://plc/%DD50", "%DD50", StreamKind::Uint32),
        ("s7://plc/DB1.DBD0?type=fp32&rack=0&slot=1", "DB1.DBD0", StreamKind::Fp32),
        ("s7://plc/%DB1.DBX0.3?connection=op&remote_tsap=512", "DB1.DBX0.3", StreamKind::Bit),
    ] {
        let request = parse(address, TIMEOUT).unwrap();
        assert_eq!((request.register.to_string(), request.kind), (register.to_owned(), kind), "{address}");
        registry::endpoint(&request.device).unwrap();
    }
}

#[test]
fn a_protocol_with_one_word_order_has_it_unless_another_is_given() {
    for (address, order) in [
        ("modbus://plc/hr:0?type=fp32", WordOrder::Cdab),
        ("s7://plc/DB1.DBD0?type=fp32", WordOrder::Abcd),
        ("s7://plc/DB1.DBD0?type=fp32&byteorder=little", WordOrder::Cdab),
        ("s7://plc/DB1.DBD0?type=fp32&wordorder=dcba", WordOrder::Dcba),
    ] {
        assert_eq!(parse(address, TIMEOUT).unwrap().order, order, "{address}");
    }
}

#[test]
fn bad_parts_are_named() {
    for (address, message) in [
        ("hr:100", "`hr://` addresses are not read by this version"),
        ("127.0.0.1:502/hr:0", "`127.0.0.1:502/hr:0` is no address"),
        ("opc.tcp://plc/D100", "`opc.tcp://` addresses are not read by this version"),
        ("melsec://plc/hr:100", "Invalid register \"hr:100\". Use a device"),
        ("melsec://plc/D100?frame=1E", "frame `1E` is not one of 3E, 4E"),
        ("melsec://plc/D100?network=256", "network `256` is not a number from 0 to 255"),
        ("melsec://plc/X18?xy_radix=oct", "Invalid register \"X18\". X takes an octal number"),
        (
            "melsec://plc/D100?framing=tcp",
            "parameter `framing` is not one of type, unit, byteorder, wordorder, frame",
        ),
        ("melsec://plc/D16777215?type=uint32", "uint32 at D16777215 reaches past the last register"),
        ("fenet://plc/D100", "Invalid register \"D100\". Use %"),
        ("fenet://plc/%25DW100?cpu=S7", "cpu `S7` is not one of XGK, XGI"),
        ("fenet://plc/%25DW100?echoes_invoke_id=0", "echoes_invoke_id `0` is not one of true, false"),
        ("fenet://plc/%25IW0.1.2?type=fp32", "%IW0.1.2 has another width than fp32"),
        ("s7://plc/D100", "Invalid register \"D100\". Use DB1.DBX0.3"),
        ("s7://plc/DB1.DBD0?slot=32", "slot `32` is not a number from 0 to 31"),
        ("s7://plc/DB1.DBD0?connection=s7", "connection `s7` is not one of pg, op, basic"),
        ("modbus:///hr:0", "`modbus:///hr:0` names no host"),
        ("modbus://plc:0/hr:0", "port 0 cannot be connected to"),
        ("modbus://plc:70000/hr:0", "`modbus://plc:70000/hr:0` is no address (invalid port number)"),
        ("modbus://plc", "Invalid register \"\". Use hr:0"),
        ("modbus://plc/100", "Invalid register \"100\". A bare number is ambiguous"),
        ("modbus://plc/%MD5", "Invalid register \"%MD5\". %MD numbers differ"),
        ("modbus://plc/hr:%20x", "Invalid register \"hr: x\". Use hr:0"),
        ("fenet://plc/%25D", "Invalid register \"%D\". Use %"),
        ("modbus://plc/hr:0?type=float", "type `float` is not one of bit, byte, int16"),
        ("modbus://plc/hr:0?type=text", "type `text` is not one of bit"),
        ("modbus://plc/hr:0?unit=256", "unit `256` is not a number from 0 to 255"),
        ("modbus://plc/hr:0?byteorder=middle", "byteorder `middle` is not one of little, big"),
        ("modbus://plc/hr:0?wordorder=big", "wordorder `big` is not one of abcd, cdab, badc, dcba"),
        ("modbus://plc/hr:0?framing=ascii", "framing `ascii` is not one of tcp, rtu_over_tcp"),
        ("modbus://plc/hr:0?slave=1", "parameter `slave` is not one of type, unit"),
        ("modbus://plc/hr:65535?type=fp32", "fp32 at hr:65535 reaches past the last register"),
    ] {
        let error = parse(address, TIMEOUT).map(drop).unwrap_err();
        assert!(error.message.starts_with(message), "{address}: {error}");
    }
}

#[tokio::test]
async fn a_read_shows_value_bytes_and_every_order() {
    let device = FakeDevice::start().await;
    device.set(3, 100, &[0x5678, 0x1234]);
    device.set(1, 5, &[1]);
    let read = read(&format!("modbus://{}/hr:100?type=uint32", device.addr), TIMEOUT).await.unwrap();
    assert_eq!(
        (read.register.as_str(), read.value),
        ("hr:100", DeviceValue::from(NumericValue::Uint(0x1234_5678)))
    );
    assert_eq!(read.raw, [0x56, 0x78, 0x12, 0x34]);
    assert_eq!(
        read.orders,
        [
            (WordOrder::Abcd, DeviceValue::from(NumericValue::Uint(0x5678_1234))),
            (WordOrder::Cdab, DeviceValue::from(NumericValue::Uint(0x1234_5678))),
            (WordOrder::Badc, DeviceValue::from(NumericValue::Uint(0x7856_3412))),
            (WordOrder::Dcba, DeviceValue::from(NumericValue::Uint(0x3412_7856))),
        ]
    );
    let coil = super::read(&format!("modbus://{}/co:5", device.addr), TIMEOUT).await.unwrap();
    assert_eq!(
        (coil.value, coil.raw, coil.orders),
        (DeviceValue::from(NumericValue::Bit(true)), vec![1], vec![])
    );
    let refused = super::read(&format!("modbus://{}/hr:7", device.addr), TIMEOUT).await.unwrap_err();
    assert_eq!(refused.kind, crate::domain::Kind::DeviceFault);
}
