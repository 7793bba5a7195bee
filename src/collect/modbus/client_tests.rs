//! Exact bytes on the wire, and the session's behaviour when the device is late, wrong or gone.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::collect::modbus::link::{ModbusFraming, NetworkLink};
use crate::collect::peer::{Peer, Transport};
use crate::collect::test_harness::context;

const TIMEOUT: Duration = Duration::from_millis(100);

fn endpoint(addr: SocketAddr, framing: ModbusFraming, unit: u8) -> ModbusEndpoint {
    let (host, port) = (addr.ip().to_string(), addr.port());
    let usage = ConnectionUsage::default();
    let peer = Peer { host, port, transport: Transport::Tcp, timeout: TIMEOUT, usage };
    // Each client has a script of its own.
    let link = ModbusLink::Network(NetworkLink { peer, framing, is_echoed: false, is_shared: false });
    ModbusEndpoint { link, unit, writes_lists: false, masks_writes: true }
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace(' ', "")).unwrap()
}

fn span(space: ModbusSpace, start: u32, len: u16) -> RegisterRange {
    RegisterRange { space: space.into(), start, len }
}

fn holding(start: u32, len: u16) -> RegisterRange {
    span(ModbusSpace::Holding, start, len)
}

fn cell(space: ModbusSpace, offset: u32) -> RegisterAddress {
    RegisterAddress { space: space.into(), offset }
}

fn words(at: u32, words: Vec<u16>) -> RegisterWrite {
    RegisterWrite::Words(cell(ModbusSpace::Holding, at), words)
}

fn coil(at: u32, on: bool) -> RegisterWrite {
    RegisterWrite::Bits(cell(ModbusSpace::Coil, at), vec![on])
}

/// Script of one connection: expected bytes, delay, bytes to send.
type Script = Vec<(&'static str, Duration, &'static str)>;

/// A server that plays one script per connection and fails when the bytes are not exactly those.
async fn play(scripts: Vec<Script>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let playing = tokio::spawn(async move {
        let mut open = Vec::new();
        for script in scripts {
            let (mut stream, _) = listener.accept().await.unwrap();
            for (request, pause, answer) in script {
                let request = bytes(request);
                let mut got = vec![0; request.len()];
                stream.read_exact(&mut got).await.unwrap();
                assert_eq!(hex::encode(got), hex::encode(request));
                tokio::time::sleep(pause).await;
                // A client that has given up may have closed the connection.
                let _ = stream.write_all(&bytes(answer)).await;
            }
            open.push(stream);
        }
    });
    (addr, playing)
}

const AT_ONCE: Duration = Duration::ZERO;
const LATE: Duration = Duration::from_millis(150);

#[tokio::test]
async fn tcp_frames_are_exact() {
    // tokio-modbus starts with transaction 0, the golden frames with 1.
    let (addr, playing) = play(vec![vec![
        ("0000 0000 0006 01 03 0000 0001", AT_ONCE, "0000 0000 0005 01 03 02 0007"),
        ("0001 0000 0006 01 03 0000 0002", AT_ONCE, "0001 0000 0007 01 03 04 1234 FFFE"),
        ("0002 0000 0006 01 06 05DC 004D", AT_ONCE, "0002 0000 0006 01 06 05DC 004D"),
        ("0003 0000 000D 01 10 05DD 0003 06 0001 0002 0003", AT_ONCE, "0003 0000 0006 01 10 05DD 0003"),
        ("0004 0000 0006 01 03 2710 0001", AT_ONCE, "0004 0000 0003 01 83 02"),
        ("0005 0000 0008 01 0F 0065 0003 01 05", AT_ONCE, "0005 0000 0006 01 0F 0065 0003"),
        ("0006 0000 0006 01 01 0065 0003", AT_ONCE, "0006 0000 0004 01 01 01 05"),
        ("0007 0000 0006 01 02 0000 0009", AT_ONCE, "0007 0000 0005 01 02 02 0101"),
        ("0008 0000 0006 01 04 0009 0001", AT_ONCE, "0008 0000 0005 01 04 02 C000"),
    ]])
    .await;
    let mut client = ModbusClient::connect(&endpoint(addr, ModbusFraming::Tcp, 1), &context()).await.unwrap();
    assert_eq!(client.read_registers(holding(0, 1)).await, Ok(RegisterData::Words(vec![7])));
    assert_eq!(client.read_registers(holding(0, 2)).await, Ok(RegisterData::Words(vec![0x1234, 0xFFFE])));
    client.write_registers(&words(1500, vec![77])).await.unwrap();
    client.write_registers(&words(1501, vec![1, 2, 3])).await.unwrap();
    let refused = client.read_registers(holding(10_000, 1)).await.unwrap_err();
    assert_eq!(refused.to_string(), "illegal data address: the device has no such register (exception 2)");
    client.call(Request::WriteMultipleCoils(101, vec![true, false, true].into())).await.unwrap();
    let coils = span(ModbusSpace::Coil, 101, 3);
    assert_eq!(client.read_registers(coils).await, Ok(RegisterData::Bits(vec![true, false, true])));
    let inputs = span(ModbusSpace::Discrete, 0, 9);
    let nine = [true, false, false, false, false, false, false, false, true];
    assert_eq!(client.read_registers(inputs).await, Ok(RegisterData::Bits(nine.to_vec())));
    let input = span(ModbusSpace::Input, 9, 1);
    assert_eq!(client.read_registers(input).await, Ok(RegisterData::Words(vec![0xC000])));
    playing.await.unwrap();
}

#[tokio::test]
async fn written_frames_are_exact() {
    let (addr, playing) = play(vec![
        vec![
            ("0000 0000 0006 01 05 0065 FF00", AT_ONCE, "0000 0000 0006 01 05 0065 FF00"),
            ("0001 0000 0006 01 05 0065 0000", AT_ONCE, "0001 0000 0006 01 05 0065 0000"),
            ("0002 0000 0008 01 16 0004 FFDF 0020", AT_ONCE, "0002 0000 0008 01 16 0004 FFDF 0020"),
            // No function 22: the register is read and written back.
            ("0003 0000 0008 01 16 0004 FFDF 0020", AT_ONCE, "0003 0000 0003 01 96 01"),
            ("0004 0000 0006 01 03 0004 0001", AT_ONCE, "0004 0000 0005 01 03 02 A005"),
            ("0005 0000 0006 01 06 0004 A025", AT_ONCE, "0005 0000 0006 01 06 0004 A025"),
            ("0006 0000 0006 01 06 0001 0BB9", AT_ONCE, "0006 0000 0003 01 86 03"),
            ("0007 0000 0006 01 06 0001 0001", AT_ONCE, "0007 0000 0006 01 06 0001 0002"),
        ],
        vec![
            ("0000 0000 0008 01 0F 0065 0001 01 01", AT_ONCE, "0000 0000 0006 01 0F 0065 0001"),
            ("0001 0000 0009 01 10 05DC 0001 02 004D", AT_ONCE, "0001 0000 0006 01 10 05DC 0001"),
        ],
        vec![("01 06 05DC 004D 88C9", AT_ONCE, "01 06 05DC 004D 88C9")],
    ])
    .await;
    let bit_5 = RegisterWrite::Masked { cell: cell(ModbusSpace::Holding, 4), mask: 0x20, bits: 0x20 };
    let mut client = ModbusClient::connect(&endpoint(addr, ModbusFraming::Tcp, 1), &context()).await.unwrap();
    for change in [coil(101, true), coil(101, false), bit_5.clone(), bit_5] {
        assert_eq!(client.write_registers(&change).await, Ok(()), "{change:?}");
    }
    let refused = client.write_registers(&words(1, vec![3001])).await;
    let is_refused = matches!(refused, Err(DeviceFault::Refused { code, .. }) if code == exception_code(3));
    assert!(is_refused, "{refused:?}");
    let other = client.write_registers(&words(1, vec![1])).await;
    let is_malformed = matches!(other, Err(DeviceFault::Malformed { .. }));
    assert!(is_malformed, "what is confirmed is not what was asked: {other:?}");
    assert!(!client.is_open());

    let lists = ModbusEndpoint { writes_lists: true, ..endpoint(addr, ModbusFraming::Tcp, 1) };
    let mut client = ModbusClient::connect(&lists, &context()).await.unwrap();
    for change in [coil(101, true), words(1500, vec![77])] {
        assert_eq!(client.write_registers(&change).await, Ok(()), "{change:?}");
    }
    let mut serial =
        ModbusClient::connect(&endpoint(addr, ModbusFraming::RtuOverTcp, 1), &context()).await.unwrap();
    assert_eq!(serial.write_registers(&words(1500, vec![77])).await, Ok(()));
    playing.await.unwrap();
}

#[tokio::test]
async fn rtu_frames_carry_their_crc() {
    let (addr, playing) = play(vec![
        vec![
            ("01 03 0000 0002 C40B", AT_ONCE, "01 03 04 1234 FFFE 7EF5"),
            ("01 03 0000 0002 C40B", AT_ONCE, "01 83 02 C0F1"),
        ],
        vec![("11 03 006B 0003 7687", LATE, "")],
    ])
    .await;
    let mut client =
        ModbusClient::connect(&endpoint(addr, ModbusFraming::RtuOverTcp, 1), &context()).await.unwrap();
    assert_eq!(client.read_registers(holding(0, 2)).await, Ok(RegisterData::Words(vec![0x1234, 0xFFFE])));
    assert!(matches!(
        client.read_registers(holding(0, 2)).await,
        Err(DeviceFault::Refused { code, .. }) if code == exception_code(2)
    ));
    let mut other =
        ModbusClient::connect(&endpoint(addr, ModbusFraming::RtuOverTcp, 0x11), &context()).await.unwrap();
    assert!(matches!(other.read_registers(holding(107, 3)).await, Err(DeviceFault::Timeout { .. })));
    playing.await.unwrap();
}

#[tokio::test]
async fn an_answer_with_a_wrong_crc_is_no_value() {
    let (addr, _playing) =
        play(vec![vec![("01 03 0000 0002 C40B", AT_ONCE, "01 03 04 1234 FFFE 7EF6")]]).await;
    let mut client =
        ModbusClient::connect(&endpoint(addr, ModbusFraming::RtuOverTcp, 1), &context()).await.unwrap();
    assert!(client.read_registers(holding(0, 2)).await.is_err_and(|fault| fault.is_connection_loss()));
}

/// The late answer holds 1111; a later read gets 2222 and must not take 1111 for it.
#[tokio::test]
async fn a_late_answer_is_never_the_next_value() {
    for (framing, scripts) in [
        (
            ModbusFraming::Tcp,
            vec![
                vec![("0000 0000 0006 01 03 0000 0001", LATE, "0000 0000 0005 01 03 02 1111")],
                vec![("0000 0000 0006 01 03 0001 0001", AT_ONCE, "0000 0000 0005 01 03 02 2222")],
            ],
        ),
        (
            ModbusFraming::RtuOverTcp,
            vec![
                vec![("01 03 0000 0001 840A", LATE, "01 03 02 1111 7418")],
                vec![("01 03 0001 0001 D5CA", AT_ONCE, "01 03 02 2222 20FD")],
            ],
        ),
    ] {
        let (addr, playing) = play(scripts).await;
        let endpoint = endpoint(addr, framing, 1);
        let mut client = ModbusClient::connect(&endpoint, &context()).await.unwrap();
        let has_timed_out =
            matches!(client.read_registers(holding(0, 1)).await, Err(DeviceFault::Timeout { .. }));
        assert!(has_timed_out, "{framing:?}");
        // Let the late answer arrive, then read again on the same session, which is unusable.
        tokio::time::sleep(LATE).await;
        let is_closed = matches!(client.read_registers(holding(1, 1)).await, Err(DeviceFault::Closed { .. }));
        assert!(is_closed, "{framing:?}");
        let mut anew = ModbusClient::connect(&endpoint, &context()).await.unwrap();
        let again = anew.read_registers(holding(1, 1)).await;
        assert_eq!(again, Ok(RegisterData::Words(vec![0x2222])), "{framing:?}");
        playing.await.unwrap();
    }
}

#[tokio::test]
async fn an_abandoned_request_spends_the_session() {
    let (addr, _playing) = play(vec![vec![("01 03 0000 0001 840A", LATE, "01 03 02 1111 7418")]]).await;
    let mut client =
        ModbusClient::connect(&endpoint(addr, ModbusFraming::RtuOverTcp, 1), &context()).await.unwrap();
    let half_way =
        tokio::time::timeout(Duration::from_millis(10), client.read_registers(holding(0, 1))).await;
    assert!(half_way.is_err());
    assert!(matches!(client.read_registers(holding(0, 1)).await, Err(DeviceFault::Closed { .. })));
}

#[tokio::test]
async fn bytes_that_nobody_asked_for_are_noticed() {
    let (addr, _playing) = play(vec![vec![
        ("01 03 0000 0001 840A", AT_ONCE, "01 03 02 1111 7418"),
        ("", Duration::from_millis(20), "01 03 02 1111 7418"),
    ]])
    .await;
    let mut client =
        ModbusClient::connect(&endpoint(addr, ModbusFraming::RtuOverTcp, 1), &context()).await.unwrap();
    assert_eq!(client.read_registers(holding(0, 1)).await, Ok(RegisterData::Words(vec![0x1111])));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let fault = client.read_registers(holding(1, 1)).await.unwrap_err();
    assert!(fault.to_string().ends_with("bytes arrived that answer no request"), "{fault}");
}

#[tokio::test]
async fn answers_to_earlier_requests_are_skipped() {
    // Both copies in one packet, and another one in front of the next answer.
    let twice = "0000 0000 0005 01 03 02 1111 0000 0000 0005 01 03 02 1111";
    let late = "0000 0000 0005 01 03 02 1111 0001 0000 0005 01 03 02 2222";
    let (addr, playing) = play(vec![vec![
        ("0000 0000 0006 01 03 0000 0001", AT_ONCE, twice),
        ("0001 0000 0006 01 03 0001 0001", AT_ONCE, late),
    ]])
    .await;
    let mut client = ModbusClient::connect(&endpoint(addr, ModbusFraming::Tcp, 1), &context()).await.unwrap();
    assert_eq!(client.read_registers(holding(0, 1)).await, Ok(RegisterData::Words(vec![0x1111])));
    assert_eq!(client.read_registers(holding(1, 1)).await, Ok(RegisterData::Words(vec![0x2222])));
    playing.await.unwrap();
}

#[tokio::test]
async fn wrong_answers_end_the_session() {
    for (name, answer) in [
        ("too_few_words", "0000 0000 0005 01 03 02 1234"),
        ("too_many_words", "0000 0000 0009 01 03 06 1234 1234 1234"),
        ("odd_byte_count", "0000 0000 0006 01 03 03 1234 56"),
        ("truncated_body", "0000 0000 0004 01 03 04 12"),
        ("another_function", "0000 0000 0007 01 04 04 1234 5678"),
        ("another_transaction", "0009 0000 0007 01 03 04 1234 5678"),
        ("another_unit", "0000 0000 0007 02 03 04 1234 5678"),
        ("another_protocol", "0000 0001 0007 01 03 04 1234 5678"),
        ("no_length", "0000 0000 0000 01"),
        ("empty_body", "0000 0000 0001 01"),
    ] {
        let (addr, _playing) = play(vec![vec![("0000 0000 0006 01 03 0000 0002", AT_ONCE, answer)]]).await;
        let mut client =
            ModbusClient::connect(&endpoint(addr, ModbusFraming::Tcp, 1), &context()).await.unwrap();
        let fault = client.read_registers(holding(0, 2)).await.unwrap_err();
        assert!(fault.is_connection_loss(), "{name}: {fault}");
        let is_closed = matches!(client.read_registers(holding(0, 2)).await, Err(DeviceFault::Closed { .. }));
        assert!(is_closed, "{name}");
    }
}

#[tokio::test]
async fn a_device_that_is_gone_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let mut client = ModbusClient::connect(&endpoint(addr, ModbusFraming::Tcp, 1), &context()).await.unwrap();
    drop(listener.accept().await.unwrap());
    let closed = client.read_registers(holding(0, 1)).await.unwrap_err();
    assert_eq!(closed.to_string(), format!("connection to {addr} lost: closed by the device"));
    drop(listener);
    let refused =
        ModbusClient::connect(&endpoint(addr, ModbusFraming::Tcp, 1), &context()).await.err().unwrap();
    assert_eq!(refused.to_string(), format!("connection to {addr} failed: connection refused"));
}

/// A pseudo-random number, the same sequence in every run.
fn next(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// A valid answer with some bytes changed, cut off or added; over RTU framing sometimes with the matching checksum.
fn changed(answer: &[u8], is_rtu: bool, seed: &mut u64) -> Vec<u8> {
    let mut bytes = answer.to_vec();
    for _ in 0..next(seed) % 4 {
        let at = next(seed) as usize % bytes.len();
        bytes[at] = next(seed) as u8;
    }
    bytes.truncate(bytes.len() - next(seed) as usize % 3);
    bytes.extend((0..next(seed) % 3).map(|_| next(seed) as u8));
    if is_rtu && next(seed).is_multiple_of(2) && bytes.len() > 2 {
        let end = bytes.len() - 2;
        let crc = crc(&bytes[..end]);
        bytes[end..].copy_from_slice(&crc);
    }
    bytes
}

fn crc(bytes: &[u8]) -> [u8; 2] {
    let step = |crc: u16, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 };
    bytes.iter().fold(0xFFFF_u16, |crc, byte| (0..8).fold(crc ^ u16::from(*byte), step)).to_le_bytes()
}

#[tokio::test]
async fn whatever_is_answered_is_what_was_asked_for_or_a_fault() {
    const ROUNDS: usize = 300;
    let rows = [
        (ModbusFraming::Tcp, holding(0, 2), "0000 0000 0007 01 03 04 1234 FFFE", 12),
        (ModbusFraming::Tcp, span(ModbusSpace::Coil, 0, 3), "0000 0000 0004 01 01 01 05", 12),
        (ModbusFraming::RtuOverTcp, holding(0, 2), "01 03 04 1234 FFFE 7EF5", 8),
        (ModbusFraming::RtuOverTcp, span(ModbusSpace::Discrete, 0, 3), "01 02 01 05 618B", 8),
    ];
    for (framing, range, answer, request) in rows {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let playing = tokio::spawn(async move {
            let mut seed = 0x9E37_79B9_7F4A_7C15;
            for _ in 0..ROUNDS {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.read_exact(&mut vec![0; request]).await.unwrap();
                let bytes = changed(&bytes(answer), framing == ModbusFraming::RtuOverTcp, &mut seed);
                let _ = stream.write_all(&bytes).await;
            }
        });
        let mut answered = 0;
        for _ in 0..ROUNDS {
            let endpoint = endpoint(addr, framing, 1);
            let mut client = ModbusClient::connect(&endpoint, &context()).await.unwrap();
            match client.read_registers(range).await {
                Ok(RegisterData::Words(words)) => assert_eq!(words.len(), usize::from(range.len)),
                Ok(RegisterData::Bits(bits)) => assert_eq!(bits.len(), usize::from(range.len)),
                Ok(other) => panic!("{other:?} is no answer to {range:?}"),
                Err(_) => continue,
            }
            answered += 1;
        }
        assert!((1..ROUNDS).contains(&answered), "{answered} of {ROUNDS} were read");
        playing.await.unwrap();
    }
}
