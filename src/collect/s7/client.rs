//! S7 client: one session with one CPU.
//!
//! A bit is written by itself, so that the other bits of its byte are never touched. Ranges that the session's PDUs cannot
//! carry together are read in several requests.

use async_trait::async_trait;

use super::area::{MAX_ITEMS, S7Area};
use super::error_code::{NO_SUCH_OBJECT, item_refused, refused};
use super::frame::{
    self, ITEM_BYTES, ITEM_HEADER_BYTES, MAX_PDU, MIN_PDU, READ_REQUEST_BYTES, READ_RESPONSE_BYTES, S7Item,
    S7Request, S7Response,
};
use super::transport::{self, ConnectResponse, PACKET_HEADER_LEN, Tsaps};
use crate::collect::client::{DeviceClient, RangeOutcomes};
use crate::collect::fault::DeviceFault;
use crate::collect::networks::AllowedNetworks;
use crate::collect::peer::Peer;
use crate::collect::registers::{RegisterData, RegisterRange, RegisterSpace, RegisterWrite};
use crate::collect::request_number::RequestNumber;
use crate::collect::request_socket::{RequestSocket, ResponseFraming};

/// A session with one CPU, which carries one request at a time.
pub struct S7Client {
    socket: RequestSocket,
    reference: RequestNumber,
    /// Bytes of the longest PDU.
    pdu: u16,
}

/// A packet of ISO on TCP.
pub(super) struct PacketFraming;

impl ResponseFraming for PacketFraming {
    fn header_len(&self) -> usize {
        PACKET_HEADER_LEN
    }

    fn body_len(&self, header: &[u8]) -> Result<usize, String> {
        transport::contents_len(header).map_err(|broken| broken.to_string())
    }
}

/// A packet that answers the request with this reference, or an earlier one.
struct ResponsePacketFraming {
    reference: RequestNumber,
}

impl ResponseFraming for ResponsePacketFraming {
    fn header_len(&self) -> usize {
        PacketFraming.header_len()
    }

    fn body_len(&self, header: &[u8]) -> Result<usize, String> {
        PacketFraming.body_len(header)
    }

    fn is_numbered(&self) -> bool {
        true
    }

    /// The connection itself was confirmed before the first request with a reference.
    fn is_earlier(&self, packet: &[u8]) -> bool {
        let contents = packet.get(PACKET_HEADER_LEN..).unwrap_or_default();
        if transport::parse_connect_response(contents) == Ok(ConnectResponse::Confirmed) {
            return true;
        }
        let reference = transport::parse_data(contents).ok().and_then(frame::reference);
        reference.is_some_and(|reference| self.reference.is_earlier(reference))
    }
}

impl S7Client {
    /// Connects and agrees on the length of PDUs, all within the timeout, which the pauses before the two requests do not
    /// count in.
    pub async fn connect(
        peer: &Peer,
        tsaps: Tsaps,
        networks: &AllowedNetworks,
    ) -> Result<S7Client, DeviceFault> {
        let pauses = peer.usage.pause_after_connect + peer.usage.pause_between_requests;
        let opening = tokio::time::timeout(peer.timeout + pauses, async {
            let socket = RequestSocket::connect(peer, networks).await?;
            let mut client = S7Client { socket, reference: RequestNumber::default(), pdu: MIN_PDU };
            client.open(peer, tsaps).await.map(|()| client)
        });
        match opening.await {
            // A CPU closes the connection when it has no such TSAP.
            Ok(Err(DeviceFault::Closed { address, reason })) => {
                Err(DeviceFault::Unreachable { address, reason: format!("{reason} ({CHECK_TSAP})") })
            }
            Ok(opened) => opened,
            Err(_) => Err(peer.no_answer()),
        }
    }

    /// Opens the session on a connection that is made.
    async fn open(&mut self, peer: &Peer, tsaps: Tsaps) -> Result<(), DeviceFault> {
        let contents = self.exchange(&transport::connect_request(tsaps), &PacketFraming).await?;
        match transport::parse_connect_response(&contents) {
            Ok(ConnectResponse::Confirmed) => {}
            Ok(ConnectResponse::Refused) => {
                let reason = format!("the CPU refuses the connection ({CHECK_TSAP})");
                return Err(DeviceFault::Unreachable { address: peer.address(), reason });
            }
            Err(broken) => return Err(self.socket.malformed(broken.to_string())),
        }
        match self.call(&S7Request::Setup(MAX_PDU)).await? {
            S7Response::Setup(pdu) if (MIN_PDU..=MAX_PDU).contains(&pdu) => self.pdu = pdu,
            S7Response::Setup(pdu) => {
                let reason = format!("the CPU offers PDUs of {pdu} bytes in place of {MIN_PDU} to {MAX_PDU}");
                return Err(self.socket.malformed(reason));
            }
            _ => return Err(self.unexpected()),
        }
        Ok(())
    }

    /// Sends a packet and returns the contents of the one that answers it.
    async fn exchange(
        &mut self,
        packet: &[u8],
        framing: &impl ResponseFraming,
    ) -> Result<Vec<u8>, DeviceFault> {
        let mut answer = self.socket.request(packet, framing).await?;
        answer.drain(..PACKET_HEADER_LEN);
        Ok(answer)
    }

    async fn call(&mut self, request: &S7Request) -> Result<S7Response, DeviceFault> {
        let reference = self.reference.advance();
        let packet = transport::data_packet(&frame::encode(reference, request));
        let contents = self.exchange(&packet, &ResponsePacketFraming { reference: self.reference }).await?;
        let parsed = transport::parse_data(&contents).and_then(|pdu| frame::parse(reference, request, pdu));
        match parsed {
            Ok(S7Response::Refused(code)) => Err(refused(code)),
            Ok(answer) => Ok(answer),
            Err(broken) => Err(self.socket.malformed(broken.to_string())),
        }
    }

    /// Reads ranges that fit into one PDU.
    async fn read_items(&mut self, items: Vec<S7Item>) -> Result<RangeOutcomes, DeviceFault> {
        let areas: Vec<S7Area> = items.iter().map(|item| item.area).collect();
        let S7Response::Read(all) = self.call(&S7Request::Read(items)).await? else {
            return Err(self.unexpected());
        };
        let answered = areas.into_iter().zip(all);
        Ok(answered.map(|(area, one)| one.map(|bytes| data(area, bytes)).map_err(item_refused)).collect())
    }

    fn unexpected(&mut self) -> DeviceFault {
        self.socket.malformed("the answer does not hold what was asked for".to_owned())
    }
}

const CHECK_TSAP: &str = "are rack, slot and connection right, and is a connection free?";

#[async_trait]
impl DeviceClient for S7Client {
    fn is_open(&self) -> bool {
        self.socket.is_open()
    }

    fn has_sent(&self) -> bool {
        self.socket.has_sent()
    }

    fn has_answered(&self) -> bool {
        self.socket.has_answered()
    }

    async fn read_registers(&mut self, span: RegisterRange) -> Result<RegisterData, DeviceFault> {
        let outcome = self.read_items(vec![item(span)?]).await?.pop();
        outcome.unwrap_or_else(|| Err(self.unexpected()))
    }

    async fn read_scattered(&mut self, spans: &[RegisterRange]) -> Result<RangeOutcomes, DeviceFault> {
        let items: Vec<S7Item> = spans.iter().map(|span| item(*span)).collect::<Result<_, _>>()?;
        let mut all = Vec::with_capacity(items.len());
        for request in split(&items, self.pdu) {
            all.append(&mut self.read_items(request.to_vec()).await?);
        }
        Ok(all)
    }

    async fn write_registers(&mut self, change: &RegisterWrite) -> Result<(), DeviceFault> {
        let request = match change {
            RegisterWrite::Bytes(cell, bytes) => {
                S7Request::WriteBytes(area(cell.space)?, cell.offset, bytes.clone())
            }
            RegisterWrite::Masked { cell, mask, bits } if mask.is_power_of_two() && *mask < 0x100 => {
                let bit = u8::try_from(mask.trailing_zeros()).unwrap_or_default();
                S7Request::WriteBit(area(cell.space)?, cell.offset, bit, bits & mask != 0)
            }
            RegisterWrite::Masked { .. } | RegisterWrite::Bits(..) | RegisterWrite::Words(..) => {
                return Err(item_refused(NO_SUCH_OBJECT));
            }
        };
        match self.call(&request).await? {
            S7Response::Written(outcome) => outcome.map_err(item_refused),
            _ => Err(self.unexpected()),
        }
    }
}

/// Splits items into as few requests as PDUs of this length carry, in their order.
fn split(items: &[S7Item], pdu: u16) -> Vec<&[S7Item]> {
    let pdu = usize::from(pdu);
    let (mut requests, mut first, mut answer) = (Vec::new(), 0, READ_RESPONSE_BYTES);
    for (index, item) in items.iter().enumerate() {
        let bytes = usize::from(item.count) * usize::from(item.area.cell_bytes());
        let needed = ITEM_HEADER_BYTES + bytes.next_multiple_of(2);
        let count = index - first;
        let is_full = count == usize::from(MAX_ITEMS)
            || READ_REQUEST_BYTES + (count + 1) * ITEM_BYTES > pdu
            || answer + needed > pdu;
        if is_full && count > 0 {
            requests.push(&items[first..index]);
            (first, answer) = (index, READ_RESPONSE_BYTES);
        }
        answer += needed;
    }
    if first < items.len() {
        requests.push(&items[first..]);
    }
    requests
}

fn item(span: RegisterRange) -> Result<S7Item, DeviceFault> {
    Ok(S7Item { area: area(span.space)?, start: span.start, count: span.len })
}

fn area(space: RegisterSpace) -> Result<S7Area, DeviceFault> {
    S7Area::from_register_space(space).ok_or_else(|| item_refused(NO_SUCH_OBJECT))
}

/// Converts bytes to the unit of the area.
fn data(area: S7Area, bytes: Vec<u8>) -> RegisterData {
    if !area.has_words() {
        return RegisterData::Bytes(bytes);
    }
    let words = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    RegisterData::Words(words.collect())
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
