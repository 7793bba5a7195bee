//! Opening of a session, its requests, and its behaviour with late, wrong and refused answers.

use std::time::Duration;

use super::*;
use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::peer::Transport;
use crate::collect::registers::RegisterAddress;
use crate::collect::request_socket::script::{ScriptedResponse, play};

fn span(area: S7Area, start: u32, len: u16) -> RegisterRange {
    RegisterRange { space: RegisterSpace::from(area), start, len }
}

const BLOCK_1: S7Area = S7Area::DataBlock(1);

/// Requests and answers that open a session with PDUs of 240 bytes.
const CONNECT: (&str, ScriptedResponse) = (
    "03000016 11e00000000100 c1020100 c2020101 c0010a",
    ScriptedResponse::With("03000016 11d00001000100 c0010a c1020100 c2020101"),
);
const SETUP: &str = "03000019 02f080 3201000000010008 0000 f000 0001 0001 03c0";
const AGREED: ScriptedResponse =
    ScriptedResponse::With("0300001b 02f080 3203000000010008 0000 0000 f000 0001 0001 00f0");

/// A session whose first request after the opening is answered like this.
async fn session(request: &'static str, answer: ScriptedResponse) -> S7Client {
    let port = play(vec![CONNECT, (SETUP, AGREED), (request, answer)]).await;
    connect(port).await.unwrap()
}

async fn connect(port: u16) -> Result<S7Client, DeviceFault> {
    let peer = Peer {
        host: "127.0.0.1".to_owned(),
        port,
        transport: Transport::Tcp,
        timeout: Duration::from_millis(200),
        usage: ConnectionUsage::default(),
    };
    S7Client::connect(&peer, Tsaps { local: 0x0100, remote: 0x0101 }, &AllowedNetworks::default()).await
}

/// Reads DB1.DBB4 to DBB7.
const READ: &str = "0300001f 02f080 320100000002000e 0000 0401 120a1002 0004 0001 84 000020";

#[tokio::test]
async fn what_is_no_session_says_what_to_check() {
    for (name, script, expected) in [
        ("closed", vec![(CONNECT.0, ScriptedResponse::With(""))], CHECK_TSAP),
        ("refused", vec![(CONNECT.0, ScriptedResponse::With("0300000b 06800001000000"))], CHECK_TSAP),
        (
            "another protocol",
            vec![(CONNECT.0, ScriptedResponse::With("48545450 2f312e31"))],
            "no packet of ISO on TCP",
        ),
        ("silent", vec![(CONNECT.0, ScriptedResponse::After(300))], "did not answer within 0.2 s"),
        (
            "small PDUs",
            vec![
                CONNECT,
                (
                    SETUP,
                    ScriptedResponse::With("0300001b 02f080 3203000000010008 0000 0000 f000 0001 0001 0070"),
                ),
            ],
            "PDUs of 112 bytes",
        ),
    ] {
        let fault = connect(play(script).await).await.err().expect(name);
        assert!(fault.is_connection_loss() && fault.to_string().contains(expected), "{name}: {fault}");
    }
}

#[tokio::test]
async fn answers_that_raise_a_doubt_end_the_session() {
    for (name, answer, expected) in [
        (
            "in_order",
            ScriptedResponse::With("0300001d 02f080 3203000000020002 0008 0000 0401 ff040020 42f6e979"),
            None,
        ),
        ("late", ScriptedResponse::After(300), Some("did not answer within 0.2 s")),
        ("closed", ScriptedResponse::With(""), Some("closed by the device")),
        (
            "other_reference",
            ScriptedResponse::With("0300001d 02f080 3203000000030002 0008 0000 0401 ff040020 42f6e979"),
            Some("another request"),
        ),
        (
            "fewer_bytes",
            ScriptedResponse::With("0300001b 02f080 3203000000020002 0006 0000 0401 ff040010 42f6"),
            Some("does not hold what was asked for"),
        ),
        (
            "in_parts",
            ScriptedResponse::With("0300001d 02f000 3203000000020002 0008 0000 0401 ff040020 42f6e979"),
            Some("several parts"),
        ),
    ] {
        let mut client = session(READ, answer).await;
        let read = client.read_registers(span(BLOCK_1, 4, 4)).await;
        match expected {
            None => assert_eq!(read, Ok(RegisterData::Bytes(vec![0x42, 0xF6, 0xE9, 0x79])), "{name}"),
            Some(words) => {
                let fault = read.unwrap_err();
                assert!(fault.is_connection_loss() && fault.to_string().contains(words), "{name}: {fault}");
                assert!(!client.is_open(), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn refusals_leave_the_session_in_order() {
    for (answer, expected) in [
        (
            "03000019 02f080 3203000000020002 0004 0000 0401 05000000",
            "beyond the end of the area or data block (return code 05)",
        ),
        (
            "03000019 02f080 3203000000020002 0004 0000 0401 0a000000",
            "the CPU has no such area or data block, or only with optimized access (return code 0A)",
        ),
        (
            "03000013 02f080 3202000000020000 0000 8104",
            "the CPU does not offer this function: is PUT/GET permitted? (error code 8104)",
        ),
    ] {
        let mut client = session(READ, ScriptedResponse::With(answer)).await;
        let fault = client.read_registers(span(BLOCK_1, 4, 4)).await.unwrap_err();
        assert_eq!(fault.to_string(), expected);
        assert!(client.is_open() && !fault.is_connection_loss());
    }
}

#[tokio::test]
async fn a_refused_range_spoils_no_other() {
    let request = "03000037 02f080 3201000000020026 0000 0403 120a1002 0002 0001 84 000020 120a1002 0001 0007 84 000000 \
                   120a101d 0001 0000 1d 000005";
    let answer = "03000025 02f080 3203000000020002 0010 0000 0403 ff040010 0102 0a000000 ff090002 0305";
    let mut client = session(request, ScriptedResponse::With(answer)).await;
    let spans = [span(BLOCK_1, 4, 2), span(S7Area::DataBlock(7), 0, 1), span(S7Area::Timers, 5, 1)];
    let all = client.read_scattered(&spans).await.unwrap();
    let expected = [
        Ok(RegisterData::Bytes(vec![1, 2])),
        Err(item_refused(NO_SUCH_OBJECT)),
        Ok(RegisterData::Words(vec![0x0305])),
    ];
    assert_eq!(all, expected);
}

#[tokio::test]
async fn a_bit_is_written_by_itself() {
    let cell = RegisterAddress { space: RegisterSpace::from(BLOCK_1), offset: 20 };
    let request = "03000024 02f080 320100000002000e 0005 0501 120a1001 0001 0001 84 0000a6 0003 0001 01";
    let written = ScriptedResponse::With("03000016 02f080 3203000000020002 0001 0000 0501 ff");
    let mut client = session(request, written).await;
    let change = RegisterWrite::Masked { cell, mask: 0x40, bits: 0x40 };
    assert_eq!(client.write_registers(&change).await, Ok(()));
    let two_bits = RegisterWrite::Masked { cell, mask: 0x41, bits: 0x40 };
    assert_eq!(client.write_registers(&two_bits).await, Err(item_refused(NO_SUCH_OBJECT)));
}

#[test]
fn ranges_are_split_as_the_pdu_demands() {
    let bytes = |count| S7Item { area: BLOCK_1, start: 0, count };
    let lens = |items: &[S7Item], pdu| split(items, pdu).iter().map(|one| one.len()).collect::<Vec<_>>();
    assert_eq!(lens(&[bytes(222)], 240), [1], "the longest range fits into the smallest PDU");
    assert_eq!(lens(&[bytes(110), bytes(108)], 240), [2]);
    assert_eq!(lens(&[bytes(110), bytes(109)], 240), [1, 1], "with its fill byte it does not fit");
    assert_eq!(lens(&[bytes(2); 40], 240), [19, 19, 2], "the request is full");
    assert_eq!(lens(&[bytes(2); 40], 960), [20, 20], "the CPU takes 20 items");
    assert_eq!(lens(&[bytes(222); 4], 960), [4]);
    let timers = S7Item { area: S7Area::Timers, start: 0, count: 111 };
    assert_eq!(lens(&[timers, timers], 240), [1, 1]);
    assert_eq!(lens(&[], 240), [0; 0]);
}

#[tokio::test]
async fn answers_to_earlier_requests_are_skipped() {
    let twice = |answer: ScriptedResponse| {
        let ScriptedResponse::With(answer) = answer else { unreachable!("it is an answer") };
        ScriptedResponse::With(format!("{answer}{answer}").leak())
    };
    let again = "0300001f 02f080 320100000003000e 0000 0401 120a1002 0004 0001 84 000020";
    let answer = |reference: u8, value: &str| -> ScriptedResponse {
        let head = format!("0300001d 02f080 32030000 00{reference:02x} 0002 0008 0000 0401 ff040020");
        ScriptedResponse::With(format!("{head} {value}").leak())
    };
    let script = vec![
        (CONNECT.0, twice(CONNECT.1)),
        (SETUP, twice(AGREED)),
        (READ, twice(answer(2, "00000001"))),
        (again, answer(3, "00000002")),
    ];
    let mut client = connect(play(script).await).await.unwrap();
    for value in [1, 2] {
        let read = client.read_registers(span(BLOCK_1, 4, 4)).await;
        assert_eq!(read, Ok(RegisterData::Bytes(vec![0, 0, 0, value])));
    }
}
