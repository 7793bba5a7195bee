//! Arbitrary bytes as the answer of a PLC, and arbitrary text as an address in one.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use std::time::Duration;

use super::client::DeviceClient as _;
use super::melsec::device::MelsecDevice;
use super::peer::{Peer, Transport};
use super::registers::{RegisterRange, RegisterSpace};
use super::registry;
use super::{fenet, melsec, modbus, s7};
use crate::domain::device::{DeviceSpec, Protocol};
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, Random, grammar, rows, text};

/// Format and command, then header and body.
fn melsec_form() -> InputFormat {
    let answers: [&[u8]; 5] = [
        b"\0\0\xd0\0\0\xff\xff\x03\0\x08\0\0\0\x34\x12\xfe\xff\x78\x56",
        b"\x01\x01\xd4\0\x07\0\0\0\0\xff\xff\x03\0\x04\0\0\0\x10\x01",
        b"\x02\0D00000FF03FF000010000012345678ABCD",
        b"\x03\x03D40000070000",
        b"\0\x07\xd0\0\0\xff\xff\x03\0\x14\0\0\0Q26UDEHCPU      \x6c\x02",
    ];
    InputFormat {
        seeds: answers.map(<[u8]>::to_vec).into(),
        words: &["D000", "00FF03FF00", "\u{0}", "FFFF", "é"],
        ..InputFormat::default()
    }
}

fn read_melsec() -> Decoder {
    use melsec::format::{DeviceLayout, Encoding, FrameVersion, MelsecFormat, Route};
    use melsec::frame::{HeadDevice, MelsecCommand};
    let device = MelsecDevice::split("D").expect("it is one").0;
    let head = HeadDevice { device, number: 0 };
    let commands = [
        MelsecCommand::ReadWords(head, 3),
        MelsecCommand::ReadBits(head, 7),
        MelsecCommand::ReadRandom(vec![head; 2], vec![head; 2]),
        MelsecCommand::WriteWords(head, vec![1]),
        MelsecCommand::WriteBits(head, vec![true]),
        MelsecCommand::ReadWords(head, 960),
        MelsecCommand::ReadBits(head, 7168),
        MelsecCommand::ReadModel,
    ];
    Box::new(move |input| {
        let [format, command, frame @ ..] = input else { return };
        let format = MelsecFormat {
            frame: if format & 1 == 0 { FrameVersion::E3 } else { FrameVersion::E4 },
            encoding: if format & 2 == 0 { Encoding::Binary } else { Encoding::Ascii },
            layout: if format & 4 == 0 { DeviceLayout::Ql } else { DeviceLayout::Iqr },
            route: Route::OWN,
            timer: 4,
        };
        let command = &commands[usize::from(*command) % commands.len()];
        let (header, body) = frame.split_at(frame.len().min(format.header_len()));
        let _ = format.body_len(7, header);
        drop(format.parse(command, body));
    })
}

#[test]
fn melsec() {
    FuzzTarget { module: module_path!(), name: "melsec", form: melsec_form, decoder: read_melsec }.run();
}

/// The command, then header and body.
fn fenet_form() -> InputFormat {
    let header = b"LSIS-XGT\0\0\0\0\xa0\x11\x07\0\x0c\0\0\0";
    let bodies: [&[u8]; 4] = [
        b"\0\x55\0\x02\0\0\0\0\0\x01\0\x02\0\x34\x12",
        b"\x01\x55\0\x14\0\0\0\0\0\x01\0\x04\0\x17\0\x0e\x92",
        b"\x02\x59\0\x02\0\0\0\0\0\x01\0",
        b"\x03\x55\0\x02\0\0\0\xff\xff\x04\0",
    ];
    let seeds = bodies.map(|body| [&body[..1], header, &body[1..]].concat());
    InputFormat {
        seeds: seeds.into(),
        words: &["LSIS-XGT\0\0", "LGIS-GLOFA", "\u{1}\0\u{2}\0"],
        ..InputFormat::default()
    }
}

fn read_fenet() -> Decoder {
    use fenet::frame::{FenetCommand, FenetFormat, HEADER_LEN, parse};
    use fenet::space::VariableSize;
    let name = || "%DW0".to_owned();
    let commands = [
        FenetCommand::Read(VariableSize::Word, vec![name()]),
        FenetCommand::ReadBytes("%DB0".to_owned(), 4),
        FenetCommand::Write(VariableSize::Word, vec![(name(), vec![1, 2])]),
        FenetCommand::WriteBytes("%DB0".to_owned(), vec![1]),
        FenetCommand::Read(VariableSize::Long, vec![name(); 16]),
        FenetCommand::ReadBytes("%DB0".to_owned(), 1400),
        FenetCommand::Read(VariableSize::Bit, vec![name(); 2]),
    ];
    Box::new(move |input| {
        let Some((command, frame)) = input.split_first() else { return };
        let format = FenetFormat { cpu: 0xa0, position: 0, echoes_invoke_id: command & 0x80 == 0 };
        let (header, body) = frame.split_at(frame.len().min(HEADER_LEN));
        let _ = format.body_len(7, header);
        drop(parse(&commands[usize::from(*command) % commands.len()], body));
    })
}

#[test]
fn fenet() {
    FuzzTarget { module: module_path!(), name: "fenet", form: fenet_form, decoder: read_fenet }.run();
}

/// The request, then the packet that answers it.
fn s7_form() -> InputFormat {
    let answers: [&[u8]; 6] = [
        b"\x01\x03\0\0\x1d\x02\xf0\x80\x32\x03\0\0\0\x07\0\x02\0\x08\0\0\x04\x01\xff\x04\0\x20\x42\xf6\xe9\x79",
        b"\x02\x03\0\0\x23\x02\xf0\x80\x32\x03\0\0\0\x07\0\x02\0\x0e\0\0\x04\x03\xff\x04\0\x08\x01\0\x0a\0\0\0\xff\x09\0\x02\0\x05",
        b"\x03\x03\0\0\x16\x02\xf0\x80\x32\x03\0\0\0\x07\0\x02\0\x01\0\0\x05\x01\xff",
        b"\0\x03\0\0\x1b\x02\xf0\x80\x32\x03\0\0\0\x07\0\x08\0\0\0\0\xf0\0\0\x01\0\x01\0\xf0",
        b"\x01\x03\0\0\x13\x02\xf0\x80\x32\x02\0\0\0\x07\0\0\0\0\x81\x04",
        b"\0\x03\0\0\x16\x11\xd0\0\x01\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x01",
    ];
    InputFormat {
        seeds: answers.map(<[u8]>::to_vec).into(),
        words: &["\u{3}\0\0", "\u{5}\0\0\0", "\u{2}\0\0\0\u{7}"],
        ..InputFormat::default()
    }
}

fn read_s7() -> Decoder {
    use s7::area::S7Area;
    use s7::frame::{S7Item, S7Request, parse};
    use s7::transport::{PACKET_HEADER_LEN, contents_len, parse_connect_response, parse_data};
    let item = |area, count| S7Item { area, start: 0, count };
    let block = S7Area::DataBlock(1);
    let requests = [
        S7Request::Setup(960),
        S7Request::Read(vec![item(block, 4)]),
        S7Request::Read(vec![item(block, 1), item(S7Area::Memory, 3), item(S7Area::Timers, 1)]),
        S7Request::WriteBytes(block, 0, vec![1]),
        S7Request::WriteBit(block, 0, 7, true),
        S7Request::Read(vec![item(block, 222); 20]),
    ];
    Box::new(move |input| {
        let Some((request, packet)) = input.split_first() else { return };
        let request = &requests[usize::from(*request) % requests.len()];
        let (header, contents) = packet.split_at(packet.len().min(PACKET_HEADER_LEN));
        let _ = contents_len(header);
        let _ = parse_connect_response(contents);
        if let Ok(pdu) = parse_data(contents) {
            drop(parse(7, request, pdu));
        }
    })
}

#[test]
fn s7() {
    FuzzTarget { module: module_path!(), name: "s7", form: s7_form, decoder: read_s7 }.run();
}

/// Framing and request, then the device's answer.
fn modbus_form() -> InputFormat {
    let answers: [&[u8]; 6] = [
        b"\0\0\0\0\0\x07\x01\x03\x04\0\x01\0\x02",
        b"\0\0\0\0\0\x04\x01\x01\x01\x05",
        b"\0\0\0\0\0\x03\x01\x83\x02",
        b"\0\0\0\0\0\x06\x01\x10\0\0\0\x02",
        b"\x01\x03\x04\0\x01\0\x02\x2a\x32",
        b"\x01\x83\x02\xc0\xf1",
    ];
    let seeds = answers.iter().enumerate().map(|(i, answer)| [&[u8::from(i > 3)][..], *answer].concat());
    InputFormat { seeds: seeds.collect(), ..InputFormat::default() }
}

fn read_modbus() -> Decoder {
    use modbus::client::{ModbusClient, ModbusEndpoint};
    use modbus::link::{ModbusFraming, ModbusLink, NetworkLink};
    use modbus::space::ModbusSpace as Registers;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    Box::new(move |input| {
        let Some((flags, answer)) = input.split_first() else { return };
        let framing = if flags & 1 == 0 { ModbusFraming::Tcp } else { ModbusFraming::RtuOverTcp };
        let peer = Peer {
            host: "127.0.0.1".to_owned(),
            port,
            transport: Transport::Tcp,
            timeout: Duration::from_millis(50),
            usage: super::connection_usage::ConnectionUsage::default(),
        };
        let link = ModbusLink::Network(NetworkLink { peer, framing, is_echoed: false, is_shared: false });
        let endpoint = ModbusEndpoint { link, unit: 1, writes_lists: false, masks_writes: true };
        let space = if flags & 2 == 0 { Registers::Holding } else { Registers::Coil };
        let served = async {
            let (mut stream, _) = listener.accept().await.expect("somebody connects");
            let mut request = [0; 64];
            let read = stream.read(&mut request).await.unwrap_or_default();
            let mut answer = answer.to_vec();
            // The answer to another request is not checked.
            if flags & 5 == 0 && answer.len() >= 2 && read >= 2 {
                answer[..2].copy_from_slice(&request[..2]);
            }
            drop(stream.write_all(&answer).await);
            drop(stream.shutdown().await);
        };
        let requests = async {
            // Nothing is remembered of the line.
            let context = super::test_harness::context();
            let mut client = ModbusClient::connect(&endpoint, &context).await.expect("it listens");
            drop(
                client
                    .read_registers(RegisterRange { space: RegisterSpace::from(space), start: 0, len: 2 })
                    .await,
            );
        };
        runtime.block_on(async { tokio::join!(served, requests) });
    })
}

#[test]
fn modbus() {
    FuzzTarget { module: module_path!(), name: "modbus", form: modbus_form, decoder: read_modbus }.run();
}

const RULES: grammar::Rules = grammar::rules! {
    place = "hr:0" | "<modbus>" | "<melsec>" | "<fenet>" | "<s7>" | "<node>" | "<topic>" | "<tag>";
    tag = "speed" | "Program:Main.<letter>" | "<letter>[<number>]"
        | "<letter>[<small>,<small>,<small>].<letter>" | "<tag>.<small>" | "<tag>.<letter>"
        | "Local:<small>:I.Data";
    modbus = "40001" | "<area>:<number>" | "<area>:<number>.<small>" | "%MW<number>" | "%IX<number>.<small>"
        | "<number>" | "HR<number>" | "4x<number>" | "4:<number>" | "<area>:<number>:<type>";
    area = "hr" | "ir" | "di" | "co" | "HR" | "holding" | "<letter>";
    type = "bcd16" | "REAL" | "int8" | "epoch_ms" | "text<small>" | "string<small>" | "wstring<small>" | "dtl"
        | "ldt" | "int24" | "uint48" | "tod" | "<letter><small>";
    melsec = "D0" | "X<number>" | "ZR<number>" | "W<number>.<letter>" | "LTN<number>" | "D<number>.<small>"
        | "D<number>:<type>" | "<letter><letter><number>";
    fenet = "%DW0" | "%MX<number>" | "%IW<small>.<small>.<number>" | "%DW<number>.<letter>" | "%ZRL<number>"
        | "%<letter><letter><number>";
    s7 = "DB1.DBX0.0" | "DB<number>.DB<letter><number>" | "%DB1.DBX<number>.<small>" | "M<number>.<small>"
        | "DB1,<type>.<small>" | "DB1.<letter><number>.<small>" | "DB1.DBX<small>.0:<type>" | "PIW<number>"
        | "V<letter><number>" | "<letter><letter><number>" | "T<number>";
    node = "i=1" | "ns=<number>;i=<number>" | "ns=<number>;s=<text>"
        | "nsu=<text>;g=72962b91-fa75-4ae6-8d28-b404dc7daf63" | "b=AQI=" | "ns=1;b=<text>";
    topic = "a/b" | "a/+#/<text>" | "a/##/<letter>" | "<text>/#" | "+/<letter>" | "<text>#<text>";
    number = "0" | "<int>" | "<small>" | "65535" | "65536" | "4294967295" | "4294967296" | "0x<small>" | "é";
    text = "" | "<letter><text>" | ";<text>" | "=<text>" | "é<text>";
};

fn place(random: &mut Random) -> Vec<u8> {
    grammar::write(RULES, "place", random)
}

fn place_form() -> InputFormat {
    InputFormat {
        grammar: Some(place),
        words: &["%", ":", ".", ";", "=", "ns=", "é", "-", "+"],
        nests: &[("%", ""), ("0", ""), ("9", "")],
        ..InputFormat::default()
    }
}

fn read_place() -> Decoder {
    let protocols = rows![
        Protocol::Modbus; Protocol::Melsec; Protocol::Fenet; Protocol::S7; Protocol::Eip; Protocol::Opcua;
        Protocol::Mqtt;
    ];
    let devices = protocols.map(|protocol| DeviceSpec::new("a", protocol));
    Box::new(move |input| {
        let text = text(input);
        for device in &devices {
            if let Ok(address) = registry::parse_address(device, &text) {
                let canonical = address.to_string();
                let again = registry::parse_address(device, &canonical);
                assert_eq!(again.as_ref(), Ok(&address), "{canonical} of {text}");
            }
        }
    })
}

#[test]
fn addresses() {
    FuzzTarget { module: module_path!(), name: "addresses", form: place_form, decoder: read_place }.run();
}
