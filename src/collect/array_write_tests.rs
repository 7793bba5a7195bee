//! Arrays are written in one request: its exact frame in each protocol, and what is read back for streams.

use super::device_value::DeviceValue;
use super::io::ResolvedRegister;
use super::modbus::fake::FakeDevice;
use super::registry;
use super::request_socket::script::{ScriptedResponse, play};
use super::test_harness::{CollectFixture, PLC, context, plc, stream};
use crate::domain::Kind;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::StreamKind;
use basalt_fuzz::rows;

fn list(text: &str) -> DeviceValue {
    DeviceValue::Text(text.into())
}

/// The opening of a session with a CPU, and the write of three INTs at DB1.DBW4.
const S7: [(&str, &str); 3] = rows![
    "03000016 11e00000000100 c1020100 c2020101 c0010a", "03000016 11d00001000100 c0010a c1020100 c2020101";
    "03000019 02f080 3201000000010008 0000 f000 0001 0001 03c0",
        "0300001b 02f080 3203000000010008 0000 0000 f000 0001 0001 00f0";
    "03000029 02f080 320100000002000e 000a 0501 120a1002 0006 0001 84 000020 0004 0030 0001 fffe 0003",
        "03000016 02f080 3203000000020002 0001 0000 0501 ff";
];

#[tokio::test]
async fn an_array_is_one_frame_in_every_protocol() {
    const REGISTERS: [(&str, &str); 1] =
        [("0000 0000 000D 01 10 0064 0003 06 0001 FFFE 0003", "0000 0000 0006 01 10 0064 0003")];
    const FLOATS: [(&str, &str); 1] =
        [("0000 0000 000F 01 10 0064 0004 08 0000 3FC0 0000 C000", "0000 0000 0006 01 10 0064 0004")];
    const COILS: [(&str, &str); 1] =
        [("0000 0000 0008 01 0F 0065 0003 01 05", "0000 0000 0006 01 0F 0065 0003")];
    const DONE: &str = "d000 00 ff ff03 00 0200 0000";
    const WORDS: [(&str, &str); 1] =
        [("5000 00 ff ff03 00 1000 0400 0114 0000 dc0500 a8 0200 0100 ffff", DONE)];
    const BITS: [(&str, &str); 1] = [("5000 00 ff ff03 00 0f00 0400 0114 0100 881300 90 0500 101100", DONE)];
    const FENET: [(&str, &str); 1] = [(
        "4c5349532d5847540000 0000a033 0100 1700 00 46 5800 1400 0000 0100 0700 25444233303130 0400 0100feff",
        "4c5349532d5847540000 0101a011 0100 0a00 00 00 5900 1400 0000 0000 0100",
    )];
    for (protocol, path, value, script) in [
        (Protocol::Modbus, "hr:100:INT[3]", "[1,-2,3]", &REGISTERS[..]),
        (Protocol::Modbus, "hr:100:real[2]", "[1.5,-2.0]", &FLOATS[..]),
        (Protocol::Modbus, "co:101[3]", "[true,false,true]", &COILS[..]),
        (Protocol::Melsec, "D1500:INT[2]", "[1,-1]", &WORDS[..]),
        (Protocol::Melsec, "M5000[5]", "[true,false,true,true,false]", &BITS[..]),
        (Protocol::Fenet, "%DW1505:INT[2]", "[1,-2]", &FENET[..]),
        (Protocol::S7, "DB1,INT4[3]", "[1,-2,3]", &S7[..]),
    ] {
        let answers = script.iter().map(|(request, answer)| (*request, ScriptedResponse::With(answer)));
        let port = play(answers.collect()).await;
        let mut spec = DeviceSpec::new("plc", protocol);
        // The timer of a MELSEC frame is the timeout in quarters of a second; the unit of FEnet is a slot.
        (spec.host, spec.port, spec.timeout_s) = ("127.0.0.1".to_owned(), Some(port), 1.0);
        spec.unit = u8::from(protocol != Protocol::Fenet);
        let order = registry::default_word_order(protocol);
        let address = registry::parse_address(&spec, path).expect(path);
        let point = address.point_or_default(None, order).expect(path);
        let change = point.encode(list(value)).expect(path);
        let endpoint = registry::endpoint(&spec).expect(path);
        let mut client = endpoint.connect(&context()).await.expect(path);
        assert_eq!(client.write(&change).await, Ok(()), "{path}");
    }
}

#[tokio::test]
async fn an_array_is_written_once_and_read_back_for_its_streams() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[9; 130]);
    let mut spec = plc(&fake);
    spec.poll_interval_s = None;
    let streams = vec![stream(1, "hr:0:INT[3]", StreamKind::Json), stream(2, "hr:0", StreamKind::Uint16)];
    let fixture = CollectFixture::single_device(spec, streams);
    let write = async |path: &str, value: &str| {
        let place = ResolvedRegister::parse(&DeviceSpec::new("plc", Protocol::Modbus), path, None, None);
        fixture.collectors.write_register(PLC, &place.expect(path), list(value)).await
    };
    write("hr:0:INT[3]", "[1,-2,3]").await.unwrap();
    let writes = || fake.requests().into_iter().filter(|(function, ..)| *function > 4).collect::<Vec<_>>();
    assert_eq!(writes(), [(16, 0, 3)]);
    let cells = |fake: &FakeDevice| (0..4).map(|at| fake.memory.lock().cells[&(3, at)]).collect::<Vec<_>>();
    assert_eq!(cells(&fake), [1, 0xFFFE, 3, 9]);
    let texts: Vec<Option<Box<str>>> = fixture.readings_of(1).into_iter().map(|one| one.text).collect();
    assert_eq!(texts, [Some(Box::<str>::from("[1,-2,3]"))]);
    let values: Vec<_> = fixture.readings_of(2).into_iter().map(|reading| reading.value).collect();
    assert_eq!(values, [Some(1.0)]);
    // Nothing is sent of an array with another number of members, or one that is longer than a write.
    let long = format!("[{}]", ["1"; 124].join(","));
    for (path, value) in [("hr:0:INT[3]", "[1,2]"), ("hr:0:INT[3]", "[1,2,40000]"), ("hr:0[124]", &long[..])]
    {
        let error = write(path, value).await.expect_err(path);
        assert_eq!(error.kind, Kind::Invalid, "{path}: {error}");
    }
    assert_eq!(writes().len(), 1);
    fixture.collectors.stop().await;
}
