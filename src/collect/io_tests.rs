//! One-off reads and writes beside a poller: what is sent and recorded, and what a write never does.

use super::*;
use crate::collect::CollectOptions;
use crate::collect::modbus::client::{ModbusClient, exception_code};
use crate::collect::modbus::fake::FakeDevice;
use crate::collect::request_socket::script::{ScriptedResponse, play};
use crate::collect::test_harness::{CollectFixture, PLC, plc, stream};
use crate::domain::device::{DeviceState, Protocol};
use basalt_fuzz::rows;

fn parse(register: &str, kind: Option<StreamKind>) -> Result<ResolvedRegister> {
    ResolvedRegister::parse(&DeviceSpec::new("plc", Protocol::Modbus), register, kind, None)
}

fn place(register: &str, kind: StreamKind) -> ResolvedRegister {
    parse(register, Some(kind)).unwrap()
}

/// Write requests that the fake device received.
fn writes(fake: &FakeDevice) -> Vec<(u8, u16, u16)> {
    fake.requests().into_iter().filter(|(function, ..)| *function > 4).collect()
}

#[tokio::test]
async fn what_is_written_is_read_back_and_nothing_else_is_touched() {
    for has_masks in [true, false] {
        let fake = FakeDevice::start().await;
        fake.memory.lock().writes_masks = has_masks;
        fake.set(1, 0, &[0, 1]);
        fake.set(3, 0, &[0xA005, 1, 2, 3, 4, 0xBEEF]);
        let world = CollectFixture::single_device(plc(&fake), Vec::new());
        for (register, kind, value) in [
            ("co:0", StreamKind::Bit, NumericValue::Bit(true)),
            ("hr:0.1", StreamKind::Bit, NumericValue::Bit(true)),
            ("hr:1", StreamKind::Fp64, NumericValue::Float(-1234.5678)),
            ("hr:5", StreamKind::Byte, NumericValue::Uint(0x11)),
        ] {
            let place = place(register, kind);
            world.collectors.write_register(PLC, &place, value).await.unwrap();
            assert_eq!(world.collectors.read_register(PLC, &place).await.unwrap(), value, "{register}");
        }
        let memory = fake.memory.lock();
        let cells = |space| memory.cells.range((space, 0)..(space + 1, 0)).map(|(_, word)| *word);
        assert!(cells(1).eq([1, 1]));
        assert!(cells(3).eq([0xA007, 0xFAAD, 0x6D5C, 0x4A45, 0xC093, 0xBE11]), "masks: {has_masks}");
        drop(memory);
        assert!(world.stored().is_empty(), "no stream, no reading");
    }
}

#[tokio::test]
async fn a_direct_request_closes_the_connection_where_polls_do() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[7]);
    let mut spec = plc(&fake);
    spec.poll_interval_s = Some(3600.0);
    spec.metadata.insert("close_after_poll".into(), true.into());
    let world = CollectFixture::single_device(spec, vec![stream(1, "hr:0", StreamKind::Uint16)]);
    world.until_state(DeviceState::Online).await;
    world.collectors.read_register(PLC, &place("hr:0", StreamKind::Uint16)).await.unwrap();
    let (status, connection) = world.collectors.status_and_connection(PLC).unwrap();
    assert!(connection.lock().await.open_client::<ModbusClient>().is_none());
    assert_eq!((status.status().reconnects, status.state()), (0, DeviceState::Online));
    world.collectors.stop().await;
}

#[tokio::test]
async fn an_enabled_stream_of_the_register_gets_a_reading_scaled_as_its_own() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[40, 1, 9]);
    let mut spec = plc(&fake);
    spec.poll_interval_s = None;
    let mut scaled = stream(1, "40001", StreamKind::Uint16);
    (scaled.spec.scale, scaled.spec.offset) = (0.5, -1.0);
    let mut disabled = stream(3, "hr:0", StreamKind::Uint16);
    disabled.spec.enabled = false;
    let wide = stream(2, "hr:0", StreamKind::Uint32);
    let world = CollectFixture::single_device(
        spec,
        vec![scaled, wide, disabled, stream(4, "hr:2", StreamKind::Uint16)],
    );
    let place = place("hr:0", StreamKind::Uint16);
    let values = |id| world.readings_of(id).iter().map(|r| r.value.unwrap()).collect::<Vec<_>>();
    assert_eq!(world.collectors.read_register(PLC, &place).await.unwrap(), NumericValue::Uint(40));
    assert_eq!((values(1), values(2)), (vec![19.0], vec![65_576.0]));
    world.collectors.write_register(PLC, &place, NumericValue::Uint(42)).await.unwrap();
    assert_eq!((values(1), values(2)), (vec![19.0, 20.0], vec![65_576.0, 65_578.0]));
    assert_eq!((values(3), values(4)), (vec![], vec![]));
    // A write that is done succeeds although it cannot be recorded; a read fails then.
    *world.sink.fails_with.lock() = Some(Kind::Busy);
    world.collectors.write_register(PLC, &place, NumericValue::Uint(43)).await.unwrap();
    assert_eq!(world.collectors.read_register(PLC, &place).await.unwrap_err().kind, Kind::Busy);
    assert_eq!(fake.memory.lock().cells[&(3, 0)], 43);
}

#[tokio::test]
async fn direct_requests_and_the_poller_share_one_connection() {
    let fake = FakeDevice::start().await;
    let words: Vec<u16> = (0..100).collect();
    fake.set(3, 0, &words);
    let streams = (0..50).map(|n| stream(n + 1, &format!("hr:{n}"), StreamKind::Uint16)).collect();
    let world = CollectFixture::single_device(plc(&fake), streams);
    world.until_state(DeviceState::Online).await;
    let requests = (0..200u16).map(|n| {
        let collectors = &world.collectors;
        async move {
            let place = place(&format!("hr:{}", 50 + n % 50), StreamKind::Uint16);
            match collectors.read_register(PLC, &place).await {
                Ok(value) => assert_eq!(value, NumericValue::Uint(u64::from(50 + n % 50))),
                Err(error) => assert_eq!(error.kind, Kind::Busy, "{error}"),
            }
        }
    });
    futures::future::join_all(requests).await;
    assert_eq!(fake.memory.lock().connections, 1);
    assert!(world.stored().iter().all(|r| r.value == Some(f64::from(r.stream.0 - 1))));
    let errors = world.status().errors;
    assert_eq!((errors.protocol, errors.refused, errors.timeout), (0, 0, 0));
}

/// No write of another device comes between reading a word and writing it back with a changed bit.
#[tokio::test]
async fn bits_that_devices_of_one_controller_write_at_a_time_are_all_written() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[0]);
    let mut spec = plc(&fake);
    (spec.poll_interval_s, spec.timeout_s) = (None, 20.0);
    let ids = [PLC, DeviceId(2)];
    let fixture = CollectFixture::new(Vec::from(ids.map(|id| (id, spec.clone(), Vec::new()))));
    let collectors = &fixture.collectors;
    let requests = (0..16).map(|bit| async move {
        let place = place(&format!("hr:0.{bit}"), StreamKind::Bit);
        collectors.write_register(ids[bit % 2], &place, NumericValue::Bit(true)).await.expect("written");
    });
    futures::future::join_all(requests).await;
    assert_eq!(fake.memory.lock().cells[&(3, 0)], u16::MAX);
    fixture.collectors.stop().await;
}

#[tokio::test]
async fn a_write_is_never_sent_twice() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[0, 0]);
    let mut spec = plc(&fake);
    spec.poll_interval_s = None;
    let world = CollectFixture::single_device(spec, vec![stream(1, "hr:1", StreamKind::Uint16)]);
    let place = place("hr:0", StreamKind::Uint16);
    world.collectors.write_register(PLC, &place, NumericValue::Uint(1)).await.unwrap();
    assert_eq!(writes(&fake).len(), 1);

    fake.memory.lock().closes_on_write = true;
    let error = world.collectors.write_register(PLC, &place, NumericValue::Uint(2)).await.unwrap_err();
    assert_eq!(error.kind, Kind::DeviceFault);
    assert!(error.message.ends_with("failed: closed by the device."), "{error}");
    assert_eq!(writes(&fake).len(), 2, "it was sent once, and acted on");
    assert_eq!(fake.memory.lock().cells[&(3, 0)], 2);

    (fake.memory.lock().closes_on_write, fake.memory.lock().is_silent) = (false, true);
    let error = world.collectors.write_register(PLC, &place, NumericValue::Uint(3)).await.unwrap_err();
    assert_eq!((error.kind, &*error.message), (Kind::Timeout, "Device did not respond within 0.2 s."));
    assert_eq!(writes(&fake).len(), 3);
}

/// The first requests to a CPU: two to connect, then a poll of a stream at `DB1.DBB0`.
const S7_BEGINNING: [(&str, &str); 3] = rows![
    "03000016 11e00000000100 c1020100 c2020101 c0010a", "03000016 11d00001000100 c0010a c1020100 c2020101";
    "03000019 02f080 3201000000010008 0000 f000 0001 0001 03c0",
        "0300001b 02f080 3203000000010008 0000 0000 f000 0001 0001 00f0";
    "0300001f 02f080 320100000002000e 0000 0401 120a1002 0001 0001 84 000000",
        "0300001a 02f080 3203000000020002 0005 0000 0401 ff040008 07";
];
/// The CPU says twice that it has a STRING declared with 3 characters, then takes one of 3.
const STRING_OF_3: [(&str, &str); 3] = rows![
    "0300001f 02f080 320100000003000e 0000 0401 120a1002 0001 0001 84 000050",
        "0300001a 02f080 3203000000030002 0005 0000 0401 ff040008 03";
    "0300001f 02f080 320100000004000e 0000 0401 120a1002 0001 0001 84 000050",
        "0300001a 02f080 3203000000040002 0005 0000 0401 ff040008 03";
    "03000027 02f080 320100000005000e 0008 0501 120a1002 0004 0001 84 000058 0004 0020 0348e921",
        "03000016 02f080 3203000000050002 0001 0000 0501 ff";
];
/// Bytes of a device with a WSTRING, whose lengths and characters are words.
const WSTRING_OF_3: [(&str, &str); 3] = rows![
    "0300001f 02f080 320100000003000e 0000 0401 120a1002 0002 0001 84 000050",
        "0300001b 02f080 3203000000030002 0006 0000 0401 ff040010 0003";
    "0300001f 02f080 320100000004000e 0000 0401 120a1002 0002 0001 84 000050",
        "0300001b 02f080 3203000000040002 0006 0000 0401 ff040010 0003";
    "0300002b 02f080 320100000005000e 000c 0501 120a1002 0008 0001 84 000060 0004 0040 0003 0048 00e9 0021",
        "03000016 02f080 3203000000050002 0001 0000 0501 ff";
];

/// The address says 20 characters, the CPU says 3. The first text is longer, so that only the second is written.
#[tokio::test]
async fn a_string_is_written_within_the_length_that_the_device_declares() {
    for (path, script) in [("DB1.S10.20", STRING_OF_3), ("DB1.WSTRING10.20", WSTRING_OF_3)] {
        let script = S7_BEGINNING.into_iter().chain(script);
        let script = script.map(|(request, answer)| (request, ScriptedResponse::With(answer))).collect();
        let mut spec = DeviceSpec::new("plc", Protocol::S7);
        (spec.host, spec.port) = ("127.0.0.1".to_owned(), Some(play(script).await));
        (spec.poll_interval_s, spec.timeout_s) = (Some(3600.0), 5.0);
        let place = ResolvedRegister::parse(&spec, path, None, None).unwrap();
        let fixture = CollectFixture::single_device(spec, vec![stream(1, "DB1.DBB0", StreamKind::Byte)]);
        fixture.until_state(DeviceState::Online).await;
        let write =
            |text: &str| fixture.collectors.write_register(PLC, &place, DeviceValue::Text(text.into()));
        let error = write("Hello").await.unwrap_err();
        let [wrong] = &error.fields[..] else { panic!("{error:?}") };
        let message = "The text was declared with 3 characters.";
        assert_eq!((&*wrong.field, &*wrong.message), ("value", message), "{path}");
        write("Hé!").await.expect(path);
        fixture.collectors.stop().await;
    }
}

#[tokio::test]
async fn a_connection_found_closed_costs_no_request() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[5]);
    fake.memory.lock().closes_after_answer = true;
    let mut spec = plc(&fake);
    spec.poll_interval_s = None;
    let world = CollectFixture::single_device(spec, Vec::new());
    let place = place("hr:0", StreamKind::Uint16);
    for value in 0..20 {
        // The end of the connection may or may not have arrived by then: either way a write is sent at most once.
        match world.collectors.write_register(PLC, &place, NumericValue::Uint(value)).await {
            Ok(()) => assert_eq!(fake.memory.lock().cells[&(3, 0)], value as u16),
            Err(error) => assert_eq!(error.kind, Kind::DeviceFault, "{error}"),
        }
        assert_eq!(world.collectors.read_register(PLC, &place).await.unwrap(), NumericValue::Uint(value));
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let values: Vec<u16> = writes(&fake).iter().map(|(_, _, value)| *value).collect();
    assert!(values.is_sorted_by(|a, b| a < b), "each at most once, in order: {values:?}");
}

#[tokio::test]
async fn refusals_name_what_is_wrong() {
    let fake = FakeDevice::start().await;
    fake.set(3, 0, &[5]);
    let world = CollectFixture::single_device(plc(&fake), Vec::new());
    let read = async |register: &str| {
        let place = parse(register, None).unwrap();
        world.collectors.read_register(PLC, &place).await.unwrap_err()
    };
    let error = read("40003").await;
    let advice = "The device says: illegal data address: the device has no such register (exception 2).";
    let [wrong] = &error.fields[..] else { panic!("{error:?}") };
    assert_eq!((&*wrong.field, &*wrong.message), ("register", "Invalid register \"40003\"."));
    assert_eq!(wrong.advice.as_deref(), Some(advice));
    world.change(|spec, _| spec.enabled = false);
    let error = read("hr:0").await;
    assert_eq!((error.kind, &*error.message), (Kind::Conflict, "Device is disabled."));
    drop(fake);
    world.change(|spec, _| spec.enabled = true);
    let error = read("hr:0").await;
    let is_refused =
        error.kind == Kind::DeviceFault && error.message.ends_with("failed: connection refused.");
    assert!(is_refused, "{error}");
    let failure = DeviceFault::Refused {
        code: exception_code(4),
        words: "device failure",
        meaning: RefusalKind::Other,
    };
    assert_eq!(to_api_error(failure, "hr:0").message, "Device error: 04.");
}

#[test]
fn a_register_that_cannot_be_is_answered_with_the_forms_there_are() {
    let plain = |protocol| DeviceSpec::new("plc", protocol);
    let mut octal = plain(Protocol::Melsec);
    octal.metadata.insert("xy_radix".to_owned(), "oct".into());
    for (device, register, kind, why) in rows![
        plain(Protocol::Modbus), "D100", None, "Use hr:0, ir:0, co:0 or di:0 (zero-based)";
        plain(Protocol::Modbus), "100", None, "A bare number is ambiguous: write hr:0";
        plain(Protocol::Modbus), "hr:70000", None, "The number is 0 to 65535";
        plain(Protocol::Modbus), "co:1.2", None, "A coil or discrete input is a single bit";
        plain(Protocol::Modbus), "", None, "Use hr:0";
        plain(Protocol::Modbus), "hr:65535", Some(StreamKind::Int32),
            "For this type: int32 at hr:65535 reaches past the last";
        plain(Protocol::Modbus), "hr:0", Some(StreamKind::Text),
            "For this type: a register holds no value of type text unless its length is named: hr:0:text20.";
        plain(Protocol::Melsec), "hr:0", None, "Use a device and its number, such as D100";
        plain(Protocol::Melsec), "T5", None, "Of a timer or counter write which part: TN5";
        plain(Protocol::Melsec), "D1G", None, "D takes a decimal number below";
        octal, "X8", None, "X takes an octal number below";
        plain(Protocol::Fenet), "D100", None, "Use %, an area, a size";
        plain(Protocol::Fenet), "%AW100", None, "The areas are P, M, K";
        plain(Protocol::Opcua), "Temp", None, "`Temp` is no node id";
    ] {
        let error = ResolvedRegister::parse(&device, register, kind, None).unwrap_err();
        let [FieldError { field, message, advice }] = &error.fields[..] else {
            panic!("{register}: {error:?}")
        };
        let sentence = format!("Invalid register \"{register}\".");
        assert_eq!((&**field, message), ("register", &sentence), "{register}");
        assert!(advice.as_ref().is_some_and(|advice| advice.starts_with(why)), "{register}: {advice:?}");
        assert!(error.message.contains(&format!("{sentence} {why}")), "{register}: {error}");
    }
}

#[tokio::test]
async fn a_device_outside_the_networks_of_the_plant_is_not_connected_to() {
    let fake = FakeDevice::start().await;
    let (inside, elsewhere) = ("127.0.0.0/8", "10.20.0.0/16, ::1");
    for (networks, is_read) in [("any", true), (inside, true), (elsewhere, false)] {
        let options = CollectOptions { networks: networks.parse().unwrap(), ..CollectOptions::default() };
        fake.set(3, 0, &[7]);
        let before = fake.memory.lock().connections;
        let world =
            CollectFixture::with_options(options, plc(&fake), vec![stream(1, "hr:0", StreamKind::Uint16)]);
        let read = world.collectors.read_register(PLC, &parse("hr:0", None).unwrap()).await;
        match read {
            Ok(_) => assert!(is_read, "{networks}"),
            Err(error) => {
                assert!(!is_read, "{networks}: {error}");
                assert_eq!(error.kind, Kind::DeviceFault);
                assert!(error.message.contains("collect.networks"), "{error}");
                world.until_state(DeviceState::Offline).await;
                assert_eq!(fake.memory.lock().connections, before, "nobody was knocked at");
            }
        }
        world.collectors.stop().await;
    }
}
