//! One connection of the simulated controller: its session, and the class 3 connections in it.

use super::connection_manager::{self, CONNECTION_ID};
use super::router;
use super::tag_memory::TagMemory;

const REGISTER_SESSION: u16 = 0x65;
const UNREGISTER_SESSION: u16 = 0x66;
const LIST_SERVICES: u16 = 0x04;
const LIST_IDENTITY: u16 = 0x63;
const SEND_RR_DATA: u16 = 0x6F;
const SEND_UNIT_DATA: u16 = 0x70;
/// Encapsulation statuses.
const UNKNOWN_COMMAND: u32 = 0x01;
const INVALID_SESSION: u32 = 0x64;
const WRONG_DATA: u32 = 0x03;

/// Every connection has this session: a handle has a meaning on its own connection only.
const SESSION: u32 = 0x0042_5300;
/// Items of a message.
const UNCONNECTED_DATA: u16 = 0xB2;
const CONNECTED_ADDRESS: u16 = 0xA1;
const CONNECTED_DATA: u16 = 0xB1;

/// State of one TCP connection.
#[derive(Default)]
pub struct EipConnection {
    has_session: bool,
    /// Id that the client gave its side of the class 3 connection.
    originator_id: Option<u32>,
}

impl EipConnection {
    /// The whole reply; `None` where the connection ends.
    pub fn answer(&mut self, memory: &mut TagMemory, header: &[u8; 24], body: &[u8]) -> Option<Vec<u8>> {
        let command = u16::from_le_bytes([header[0], header[1]]);
        let session = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let context = &header[12..20];
        let is_known = self.has_session && session == SESSION;
        let answered = match command {
            REGISTER_SESSION if body == [1, 0, 0, 0] => {
                self.has_session = true;
                Ok(body.to_vec())
            }
            REGISTER_SESSION => Err(WRONG_DATA),
            UNREGISTER_SESSION => return None,
            LIST_SERVICES => Ok(services()),
            LIST_IDENTITY => Ok(identity_item()),
            SEND_RR_DATA | SEND_UNIT_DATA if !is_known => Err(INVALID_SESSION),
            SEND_RR_DATA => self.unconnected(memory, body).ok_or(WRONG_DATA),
            SEND_UNIT_DATA => self.connected(memory, body).ok_or(WRONG_DATA),
            _ => Err(UNKNOWN_COMMAND),
        };
        let (status, data) = match answered {
            Ok(data) => (0, data),
            Err(status) => (status, Vec::new()),
        };
        let session = if self.has_session { SESSION } else { session };
        let mut frame = command.to_le_bytes().to_vec();
        frame.extend((data.len() as u16).to_le_bytes());
        frame.extend(session.to_le_bytes());
        frame.extend(u32::to_le_bytes(status));
        frame.extend(context);
        frame.extend([0; 4]);
        frame.extend(data);
        Some(frame)
    }

    /// Answers a message without a connection.
    fn unconnected(&mut self, memory: &mut TagMemory, body: &[u8]) -> Option<Vec<u8>> {
        let items = items(body)?;
        let [(0, _), (UNCONNECTED_DATA, message), ..] = items[..] else { return None };
        let reply = connection_manager::answer_unconnected(&mut self.originator_id, memory, message);
        Some(with_items(&[(0, Vec::new()), (UNCONNECTED_DATA, reply)]))
    }

    /// Answers a message on the class 3 connection: a sequence number is before it.
    fn connected(&mut self, memory: &mut TagMemory, body: &[u8]) -> Option<Vec<u8>> {
        let items = items(body)?;
        let [(CONNECTED_ADDRESS, address), (CONNECTED_DATA, data), ..] = items[..] else { return None };
        let originator = self.originator_id.filter(|_| address == CONNECTION_ID.to_le_bytes())?;
        let (sequence, message) = data.split_at_checked(2)?;
        let reply = [sequence, &router::answer(memory, message)].concat();
        Some(with_items(&[(CONNECTED_ADDRESS, originator.to_le_bytes().to_vec()), (CONNECTED_DATA, reply)]))
    }
}

/// The items after interface handle and timeout.
fn items(body: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let word = |bytes: &[u8], at: usize| Some(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    let count = word(body, 6)?;
    let (mut items, mut rest) = (Vec::new(), body.get(8..)?);
    for _ in 0..count {
        let (kind, len) = (word(rest, 0)?, usize::from(word(rest, 2)?));
        items.push((kind, rest.get(4..4 + len)?));
        rest = &rest[4 + len..];
    }
    Some(items)
}

fn with_items(items: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = vec![0; 6];
    body.extend((items.len() as u16).to_le_bytes());
    for (kind, data) in items {
        body.extend(kind.to_le_bytes());
        body.extend((data.len() as u16).to_le_bytes());
        body.extend(data);
    }
    body
}

/// One service: encapsulation of CIP over TCP.
fn services() -> Vec<u8> {
    let mut item = vec![1, 0, 0x20, 0];
    item.extend(b"Communications\0\0");
    [&[1, 0, 0, 1, item.len() as u8, 0][..], &item].concat()
}

/// The identity of the controller as an item, with an address of zeros: a client knows what it connected to.
fn identity_item() -> Vec<u8> {
    let item = [&[1, 0, 0, 2][..], &[0; 14], &router::identity(), &[0xFF]].concat();
    [&[1, 0, 0x0C, 0, item.len() as u8, 0][..], &item].concat()
}
