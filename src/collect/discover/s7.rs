//! The request that finds an S7 CPU: a connection of ISO on TCP (RFC 1006), class 0, which is refused or confirmed. No
//! request of S7 follows.

use crate::collect::client::ConnectContext;
use crate::collect::fault::DeviceFault;
use crate::collect::request_socket::{Peer, RequestSocket, ResponseFraming};

/// TPKT header (RFC 1006, section 6), then a connection request (ISO 8073, section 13.3) with a PDU of 1024 bytes, our TSAP
/// 01.00 and the CPU's 01.02: a programming device asks rack 0, slot 2.
const CONNECTION_REQUEST: [u8; 22] = [
    0x03, 0x00, 0x00, 0x16, 0x11, 0xE0, 0x00, 0x00, 0x00, 0x01, 0x00, 0xC0, 0x01, 0x0A, 0xC1, 0x02, 0x01,
    0x00, 0xC2, 0x02, 0x01, 0x02,
];
const TPKT_VERSION: u8 = 3;
const TPKT_LEN: usize = 4;
/// The longest answer: both TSAPs and the size.
const MAX_ANSWER_BYTES: usize = 64;
const CONNECTION_CONFIRM: u8 = 0xD0;
const DISCONNECT_REQUEST: u8 = 0x80;

/// Length of an answer by its TPKT header.
struct TpktFraming;

impl ResponseFraming for TpktFraming {
    fn header_len(&self) -> usize {
        TPKT_LEN
    }

    fn body_len(&self, header: &[u8]) -> Result<usize, String> {
        let &[TPKT_VERSION, _, high, low] = header else { return Err("it is no TPKT".to_owned()) };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let body = len.checked_sub(TPKT_LEN).filter(|body| (2..=MAX_ANSWER_BYTES).contains(body));
        body.ok_or_else(|| "its length is not that of an answer".to_owned())
    }
}

/// Asks for a connection; whether it is granted, in words.
pub async fn identify(peer: Peer, context: &ConnectContext) -> Result<String, DeviceFault> {
    let mut socket = RequestSocket::connect(&peer, &context.networks).await?;
    let frame = socket.request(&CONNECTION_REQUEST, &TpktFraming).await?;
    parse(&frame).map(str::to_owned).map_err(|why| socket.malformed(why.to_owned()))
}

/// Parses an answer with its TPKT header.
pub(super) fn parse(frame: &[u8]) -> Result<&'static str, &'static str> {
    match frame.get(TPKT_LEN + 1).map(|code| code & 0xF0) {
        Some(CONNECTION_CONFIRM) => Ok("ISO on TCP: connections to rack 0, slot 2"),
        Some(DISCONNECT_REQUEST) => Ok("ISO on TCP: no connections to rack 0, slot 2"),
        _ => Err("the answer neither grants nor refuses a connection"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_grant_or_refuse_or_are_none() {
        let confirm = hex::decode("0300001611d00001443100c0010ac1020100c2020102").unwrap();
        let refusal = hex::decode("0300000b06800001000000").unwrap();
        assert!(parse(&confirm).unwrap().contains("connections to rack 0"));
        assert!(parse(&refusal).unwrap().contains("no connections"));
        for cut in 0..6 {
            assert!(parse(&confirm[..cut]).is_err(), "{cut}");
        }
        for (header, body) in [
            ("03000016", Some(18)),
            ("03000006", Some(2)),
            ("03000005", None),
            ("03000003", None),
            ("0300ffff", None),
            ("48545450", None),
        ] {
            assert_eq!(TpktFraming.body_len(&hex::decode(header).unwrap()).ok(), body, "{header}");
        }
    }
}
