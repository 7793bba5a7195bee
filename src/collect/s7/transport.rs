//! ISO on TCP: packets (TPKT, RFC 1006) and the transport protocol in them (COTP class 0, RFC 905). Pure.

#![warn(missing_docs)]

use super::frame::S7FrameError;

/// Bytes of a packet before its contents.
pub const PACKET_HEADER_LEN: usize = 4;
const VERSION: u8 = 3;
/// The longest contents that are believed: the largest PDU and its transport header, with room to spare.
const MAX_CONTENTS: usize = 4096;

const CONNECT_REQUEST: u8 = 0xE0;
const CONNECT_CONFIRM: u8 = 0xD0;
const DISCONNECT_REQUEST: u8 = 0x80;
const DATA: u8 = 0xF0;
/// The last or only part of a PDU.
const END_OF_DATA: u8 = 0x80;
/// Parameters of a connect request.
const TPDU_SIZE: u8 = 0xC0;
const CALLING_TSAP: u8 = 0xC1;
const CALLED_TSAP: u8 = 0xC2;
/// 1024 bytes, as a power of two: the largest PDU fits.
const WANTED_TPDU_SIZE: u8 = 10;

/// The two ends of a connection. The CPU takes resource, rack and slot from the remote one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tsaps {
    /// TSAP of this client.
    pub local: u16,
    /// TSAP of the CPU.
    pub remote: u16,
}

/// Answer to a connect request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectResponse {
    /// The connection is open.
    Confirmed,
    /// The CPU does not want it: wrong TSAP, or no connection is free.
    Refused,
}

/// Encodes the packet that asks for a connection.
pub fn connect_request(tsaps: Tsaps) -> Vec<u8> {
    let [local, local_low] = tsaps.local.to_be_bytes();
    let [remote, remote_low] = tsaps.remote.to_be_bytes();
    // Destination reference 0, source reference 1, class 0.
    let mut contents = vec![17, CONNECT_REQUEST, 0, 0, 0, 1, 0];
    contents.extend([CALLING_TSAP, 2, local, local_low]);
    contents.extend([CALLED_TSAP, 2, remote, remote_low]);
    contents.extend([TPDU_SIZE, 1, WANTED_TPDU_SIZE]);
    packet(&contents)
}

/// Parses the contents of the packet that answers a connect request.
pub fn parse_connect_response(contents: &[u8]) -> Result<ConnectResponse, S7FrameError> {
    match contents {
        [_, CONNECT_CONFIRM, ..] => Ok(ConnectResponse::Confirmed),
        [_, DISCONNECT_REQUEST, ..] => Ok(ConnectResponse::Refused),
        _ => Err(S7FrameError::Transport),
    }
}

/// Encodes the packet that carries a PDU.
pub fn data_packet(pdu: &[u8]) -> Vec<u8> {
    packet(&[&[2, DATA, END_OF_DATA], pdu].concat())
}

/// Returns the PDU in the contents of a packet.
pub fn parse_data(contents: &[u8]) -> Result<&[u8], S7FrameError> {
    match contents {
        [2, DATA, flags, pdu @ ..] if flags & END_OF_DATA != 0 => Ok(pdu),
        [2, DATA, ..] => Err(S7FrameError::Parts),
        _ => Err(S7FrameError::Transport),
    }
}

/// Number of bytes after the header of a packet.
pub fn contents_len(header: &[u8]) -> Result<usize, S7FrameError> {
    let [version, _, high, low] = header else { return Err(S7FrameError::Short) };
    let len = usize::from(u16::from_be_bytes([*high, *low])).checked_sub(PACKET_HEADER_LEN);
    let len = len.filter(|len| *version == VERSION && (1..=MAX_CONTENTS).contains(len));
    len.ok_or(S7FrameError::Packet)
}

fn packet(contents: &[u8]) -> Vec<u8> {
    // Requests are far shorter than this length can express.
    let len = u16::try_from(PACKET_HEADER_LEN + contents.len()).unwrap_or(u16::MAX);
    [&[VERSION, 0], &len.to_be_bytes()[..], contents].concat()
}
