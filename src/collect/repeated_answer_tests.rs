//! Devices that send each answer again after a pause, before they read the next request: no value is another's, and no write is
//! confirmed by the answer to another.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::sleep;

use super::io::ResolvedRegister;
use super::numeric_value::NumericValue;
use super::test_harness::{CollectFixture, PLC, stream, until};
use crate::domain::device::{DeviceSpec, DeviceState, Protocol};
use crate::domain::reading::Quality;
use crate::domain::stream::StreamKind;

/// Pause before an answer is sent again: the next request has been sent long before.
const PAUSE: Duration = Duration::from_millis(50);
/// Value of word 0. The others hold their numbers more.
const BASE: u16 = 1000;
/// The word that refuses writes.
const READ_ONLY: u16 = 200;
/// The word that is not answered.
const SILENT: u16 = 777;
/// End of `last_error` after bytes that answer no request.
const UNSOLICITED: &str = "bytes arrived that answer no request";

/// Frames of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Melsec3E,
    Melsec3EOverUdp,
    Melsec4E,
    ModbusTcp,
    ModbusRtu,
}

impl Wire {
    fn is_melsec(self) -> bool {
        matches!(self, Wire::Melsec3E | Wire::Melsec3EOverUdp | Wire::Melsec4E)
    }

    /// Bytes of a request of MELSEC before its length and of its header.
    fn header(self) -> usize {
        match self {
            Wire::Melsec3E | Wire::Melsec3EOverUdp => 9,
            Wire::Melsec4E => 13,
            Wire::ModbusTcp => 6,
            Wire::ModbusRtu => 8,
        }
    }

    /// Bytes of the request that begins with this header.
    fn request_len(self, header: &[u8]) -> usize {
        let len = self.header();
        match self {
            Wire::ModbusRtu => len,
            Wire::ModbusTcp => len + usize::from(u16::from_be_bytes([header[4], header[5]])),
            _ => len + usize::from(u16::from_le_bytes([header[len - 2], header[len - 1]])),
        }
    }

    fn answer(self, request: &[u8]) -> Vec<u8> {
        match self {
            Wire::ModbusRtu => {
                let frame = [&request[..1], &modbus_answer(&request[1..6])].concat();
                [&frame[..], &crc(&frame)].concat()
            }
            Wire::ModbusTcp => {
                let body = modbus_answer(&request[7..]);
                let len = u16::try_from(body.len() + 1).unwrap().to_be_bytes();
                [&request[..4], &len, &request[6..7], &body].concat()
            }
            _ => melsec_answer(self.header(), request),
        }
    }

    /// A device at this port, whose registers are polled every 0.3 s.
    fn device(self, port: u16) -> DeviceSpec {
        let protocol = if self.is_melsec() { Protocol::Melsec } else { Protocol::Modbus };
        let mut device = DeviceSpec::new("plc", protocol);
        (device.host, device.port) = ("127.0.0.1".to_owned(), Some(port));
        (device.poll_interval_s, device.timeout_s) = (Some(0.3), 1.0);
        let settings = match self {
            Wire::Melsec3E | Wire::ModbusTcp => json!({}),
            Wire::Melsec3EOverUdp => json!({"transport": "udp"}),
            Wire::Melsec4E => json!({"frame": "4E"}),
            Wire::ModbusRtu => json!({"framing": "rtu_over_tcp"}),
        };
        device.metadata = settings.as_object().cloned().unwrap();
        device
    }

    fn register(self, word: u16) -> String {
        if self.is_melsec() { format!("D{word}") } else { format!("hr:{word}") }
    }
}

/// Answer of Modbus to function 03 or 06, without unit and checksum.
fn modbus_answer(request: &[u8]) -> Vec<u8> {
    let number = |at: usize| u16::from_be_bytes([request[at], request[at + 1]]);
    let (start, count) = (number(1), number(3));
    match request[0] {
        3 => {
            let words = (start..start + count).flat_map(|word| (BASE + word).to_be_bytes());
            [3, u8::try_from(2 * count).unwrap()].into_iter().chain(words).collect()
        }
        6 if start == READ_ONLY => vec![0x86, 2],
        6 => request[..5].to_vec(),
        function => panic!("function {function}"),
    }
}

fn crc(bytes: &[u8]) -> [u8; 2] {
    let step = |crc: u16, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
    bytes.iter().fold(0xFFFF_u16, |crc, byte| (0..8).fold(crc ^ u16::from(*byte), step)).to_le_bytes()
}

fn melsec_answer(header: usize, request: &[u8]) -> Vec<u8> {
    let body = &request[header..];
    let number = |at: usize| u16::from_le_bytes([body[at], body[at + 1]]);
    let route = &request[header - 7..header - 2];
    let word = |device: &[u8]| u16::from_le_bytes([device[0], device[1]]);
    let words: Vec<u16> = match number(2) {
        0x0401 => (word(&body[6..])..).take(usize::from(number(10))).collect(),
        0x0403 => body[8..].chunks_exact(4).map(word).collect(),
        // The model, whose name nobody looks at.
        0x0101 => (0..9).collect(),
        0x1401 => Vec::new(),
        command => panic!("command {command:04X}"),
    };
    let is_refused = number(2) == 0x1401 && word(&body[6..]) == READ_ONLY;
    let data = if is_refused {
        [&0xC05B_u16.to_le_bytes(), route, &body[2..6]].concat()
    } else {
        let values = words.into_iter().flat_map(|word| (BASE + word).to_le_bytes());
        [0, 0].into_iter().chain(values).collect()
    };
    let len = u16::try_from(data.len()).unwrap().to_le_bytes();
    [&[request[0] | 0x80], &request[1..header - 2], &len, &data].concat()
}

/// Whether a request names the silent word, in whichever order of bytes.
fn is_silent(request: &[u8]) -> bool {
    request.windows(2).any(|pair| pair == SILENT.to_be_bytes() || pair == SILENT.to_le_bytes())
}

/// Starts a device that sends each answer again after a pause, and returns its port.
async fn start(wire: Wire, pause: Duration) -> u16 {
    if wire == Wire::Melsec3EOverUdp {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        tokio::spawn(serve_datagrams(socket, wire, pause));
        return port;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, wire, pause));
        }
    });
    port
}

async fn serve(mut stream: TcpStream, wire: Wire, pause: Duration) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    loop {
        let mut request = vec![0; wire.header()];
        stream.read_exact(&mut request).await.ok()?;
        request.resize(wire.request_len(&request), 0);
        stream.read_exact(&mut request[wire.header()..]).await.ok()?;
        if is_silent(&request) {
            continue;
        }
        let answer = wire.answer(&request);
        stream.write_all(&answer).await.ok()?;
        sleep(pause).await;
        stream.write_all(&answer).await.ok()?;
    }
}

async fn serve_datagrams(socket: UdpSocket, wire: Wire, pause: Duration) {
    let mut request = [0; 1500];
    // A client that has gone is told by an error of the next call.
    loop {
        let Ok((len, from)) = socket.recv_from(&mut request).await else { continue };
        if is_silent(&request[..len]) {
            continue;
        }
        let answer = wire.answer(&request[..len]);
        let _ = socket.send_to(&answer, from).await;
        sleep(pause).await;
        let _ = socket.send_to(&answer, from).await;
    }
}

/// Collectors of the device, with a stream for each of these words, whose number is the stream's.
fn collect(device: DeviceSpec, wire: Wire, words: &[u16]) -> CollectFixture {
    let one = |word: &u16| stream(i32::from(*word), &wire.register(*word), StreamKind::Uint16);
    CollectFixture::single_device(device, words.iter().map(one).collect())
}

/// Good readings of a word. All of them are its own.
fn good_readings(world: &CollectFixture, word: u16) -> usize {
    let readings = world.readings_of(word.into());
    let good: Vec<_> = readings.iter().filter(|reading| reading.quality == Quality::Good).collect();
    let own = Some(f64::from(BASE + word));
    assert!(
        good.iter().all(|reading| reading.value == own),
        "word {word} has the value of another: {good:?}"
    );
    good.len()
}

#[tokio::test]
async fn no_value_is_that_of_another_register_and_silence_makes_a_device_work() {
    for wire in [Wire::Melsec3E, Wire::Melsec3EOverUdp, Wire::ModbusRtu] {
        let device = wire.device(start(wire, PAUSE).await);
        let world = collect(device, wire, &[0, 200]);
        until(&format!("{wire:?}: it is the connection's fault"), || {
            let status = world.status();
            status.state == DeviceState::Offline
                && status.last_error.is_some_and(|error| error.ends_with(UNSOLICITED))
        })
        .await;
        world.until_state(DeviceState::Online).await;
        let before = [0, 200].map(|word| good_readings(&world, word));
        until(&format!("{wire:?}: both have values"), || {
            let now = [0, 200].map(|word| good_readings(&world, word));
            now.iter().zip(before).all(|(now, before)| *now > before + 2)
        })
        .await;
        world.collectors.stop().await;
        assert_eq!(world.status().errors.protocol, 1, "{wire:?}: once, and not again");
    }
}

#[tokio::test]
async fn where_answers_have_numbers_copies_harm_nobody() {
    for wire in [Wire::Melsec4E, Wire::ModbusTcp] {
        let world = collect(wire.device(start(wire, PAUSE).await), wire, &[0, 200]);
        until(&format!("{wire:?}: both have values"), || {
            [0, 200].iter().all(|word| good_readings(&world, *word) > 3)
        })
        .await;
        world.collectors.stop().await;
        let errors = world.status().errors;
        assert_eq!((errors.protocol, errors.timeout, errors.refused), (0, 0, 0), "{wire:?}");
    }
}

#[tokio::test]
async fn direct_requests_take_no_answer_of_another() {
    for wire in [Wire::Melsec3E, Wire::Melsec3EOverUdp, Wire::ModbusRtu, Wire::Melsec4E, Wire::ModbusTcp] {
        let device = wire.device(start(wire, PAUSE).await);
        let place = |word: u16| ResolvedRegister::parse(&device, &wire.register(word), None, None).unwrap();
        let world = collect(device.clone(), wire, &[]);
        for word in [0, 100, 200, 0, 300] {
            let value = world.collectors.read_register(PLC, &place(word)).await.unwrap();
            assert_eq!(value, NumericValue::Uint(u64::from(BASE + word)), "{wire:?}");
        }
        world.collectors.stop().await;
    }
}

/// The copy of the answer before comes in place of the answer, and then nothing.
#[tokio::test]
async fn a_word_that_is_not_answered_has_not_the_value_of_the_one_before() {
    for wire in [Wire::Melsec3E, Wire::Melsec3EOverUdp, Wire::ModbusRtu] {
        let mut device = wire.device(start(wire, PAUSE).await);
        device.timeout_s = 0.5;
        let place = |word: u16| ResolvedRegister::parse(&device, &wire.register(word), None, None).unwrap();
        let world = collect(device.clone(), wire, &[]);
        for word in [SILENT, 0, SILENT, 100, SILENT] {
            let read = world.collectors.read_register(PLC, &place(word)).await;
            assert_eq!(read.is_ok(), word != SILENT, "{wire:?}: {word} {read:?}");
        }
        world.collectors.stop().await;
    }
}

/// The device confirms the first write twice and refuses the second one.
#[tokio::test]
async fn no_write_is_confirmed_by_the_answer_to_another() {
    for wire in [Wire::Melsec3E, Wire::Melsec3EOverUdp, Wire::ModbusRtu, Wire::Melsec4E, Wire::ModbusTcp] {
        let device = wire.device(start(wire, PAUSE).await);
        let place = |word: u16| ResolvedRegister::parse(&device, &wire.register(word), None, None).unwrap();
        let world = collect(device.clone(), wire, &[]);
        let write = |word: u16| {
            let (collectors, place) = (&world.collectors, place(word));
            async move { collectors.write_register(PLC, &place, NumericValue::Uint(5)).await }
        };
        if wire == Wire::Melsec3EOverUdp {
            // The model is read before the first request, and its second answer spoils that.
            world.collectors.read_register(PLC, &place(0)).await.unwrap();
        }
        write(0).await.unwrap();
        assert!(write(READ_ONLY).await.is_err(), "{wire:?}: it was refused");
        write(1).await.unwrap();
        assert!(write(READ_ONLY).await.is_err(), "{wire:?}: it was refused again");
        world.collectors.stop().await;
    }
}

/// No silence is as long as the pause.
#[tokio::test]
async fn a_device_that_is_never_silent_is_told_what_would_help() {
    let wire = Wire::Melsec3E;
    let mut device = wire.device(start(wire, Duration::from_millis(400)).await);
    (device.poll_interval_s, device.timeout_s) = (Some(0.6), 0.2);
    let world = collect(device, wire, &[0, 200]);
    until("it is said", || {
        let status = world.status();
        let advice = "set `frame` to \"4E\"";
        status.state == DeviceState::Offline && status.last_error.is_some_and(|error| error.contains(advice))
    })
    .await;
    world.collectors.stop().await;
    assert!([0, 200].iter().all(|word| good_readings(&world, *word) > 0));
}
