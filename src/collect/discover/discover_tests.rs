//! Discovery among services that answer, refuse, speak something else, or are silent.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::collect::modbus::fake::FakeDevice;
use crate::collect::test_harness::context;
use crate::collect::{eip, s7};

/// An answer to ListIdentity: header, one item, a name with a line break.
const IDENTITY: &[u8] = b"\x63\0\x2c\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x0c\0\x26\0\
    \x01\0\0\x02\xaf\x12\x0a\0\x04\x09\0\0\0\0\0\0\0\0\x01\0\x0e\0\x36\0\x14\x0b\x60\x31\xd9\x04\x0c\0\
    \x05L61\r\n\x03";

/// A server that answers everything that it receives with the same bytes, and its port.
async fn parrot(answer: &'static [u8]) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 256];
            while stream.read(&mut request).await.is_ok_and(|count| count > 0) {
                if stream.write_all(answer).await.is_err() {
                    break;
                }
            }
        }
    });
    (port, serving)
}

async fn found_at(port: u16, is_asked: fn(&Probe) -> bool) -> Vec<(Protocol, String)> {
    let options = DiscoverOptions {
        probes: PROBES.iter().filter(|probe| is_asked(probe)).map(|probe| (probe, port)).collect(),
        timeout: Duration::from_millis(300),
        concurrency: 2,
    };
    let targets = Targets::parse("127.0.0.1").await.unwrap();
    let found = discover(&targets, &options, &context()).await;
    assert!(found.iter().all(|service| service.port == port && service.address.is_loopback()));
    found.into_iter().map(|service| (service.protocol, service.answer)).collect()
}

#[tokio::test]
async fn a_device_is_found_by_its_answer_and_by_its_refusal() {
    let fake = FakeDevice::start().await;
    let (port, is_modbus) = (fake.addr.port(), |probe: &Probe| probe.protocol == Protocol::Modbus);
    assert_eq!(
        found_at(port, is_modbus).await,
        [(
            Protocol::Modbus,
            "unit 1: illegal data address: the device has no such register (exception 2)".to_owned()
        )]
    );
    fake.set(3, 0, &[7]);
    assert_eq!(found_at(port, is_modbus).await, [(Protocol::Modbus, "unit 1 has hr:0".to_owned())]);
}

#[tokio::test]
async fn only_the_protocol_that_is_spoken_is_found() {
    for (name, answer, expected) in [
        (
            "s7",
            &b"\x03\0\0\x16\x11\xd0\0\x01\0\x44\x31\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02"[..],
            Some(Protocol::S7),
        ),
        ("eip", IDENTITY, Some(Protocol::Eip)),
        ("mqtt", &b"\x20\x02\0\x05"[..], Some(Protocol::Mqtt)),
        ("http", &b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"[..], None),
        ("ssh", &b"SSH-2.0-OpenSSH_9.6\r\n"[..], None),
        ("nothing", &b""[..], None),
        ("zeros", &[0; 300][..], None),
    ] {
        let (port, serving) = parrot(answer).await;
        let found = found_at(port, |_| true).await;
        serving.abort();
        assert_eq!(found.first().map(|(protocol, _)| *protocol), expected, "{name}: {found:?}");
        assert!(found.len() <= 1, "{name}: {found:?}");
    }
}

#[tokio::test]
async fn where_nobody_listens_nothing_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    assert_eq!(found_at(port, |_| true).await, []);
}

#[test]
fn a_devices_text_is_one_line_of_bounded_length() {
    assert_eq!(one_line(" a\r\nb\u{1b}[31m "), "a  b [31m");
    assert_eq!(one_line(&"é".repeat(500)).chars().count(), MAX_ANSWER_CHARS);
}

#[test]
fn every_protocol_is_asked_once_and_at_its_own_port() {
    for probe in &PROBES {
        assert_eq!(PROBES.iter().filter(|other| other.protocol == probe.protocol).count(), 1);
        let default_port = probe.protocol.default_port();
        assert_eq!(default_port.unwrap_or(probe.default_port), probe.default_port, "{}", probe.protocol);
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_described_within_bounds_or_refused(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400),
        at in 0..IDENTITY.len(),
        byte: u8,
        end in 0..IDENTITY.len(),
    ) {
        let mut changed = IDENTITY.to_vec();
        changed[at] = byte;
        changed.truncate(end);
        for body in [&bytes[..], changed.get(24..).unwrap_or_default()] {
            let _ = s7::transport::parse_connect_response(body);
            if let Some(identity) = eip::identify::parse(body) {
                let shown = one_line(&identity);
                assert!(shown.chars().count() <= MAX_ANSWER_CHARS && !shown.contains(char::is_control), "{shown:?}");
            }
        }
    }
}
