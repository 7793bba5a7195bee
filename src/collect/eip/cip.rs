//! Messages of CIP: requests to objects and tags, their replies, several in one, and the way through a backplane. Pure.
//!
//! CIP volume 1, chapter 2-4 (message router), 3-5.5.4 (Unconnected Send) and appendix A-4.10 (Multiple Service
//! Packet); 1756-PM020 for the services of tags.

#![warn(missing_docs)]

/// Most bytes of an unconnected message, for requests and replies alike (1756-PM020, "Multiple Service Packet").
pub const MAX_MESSAGE_BYTES: usize = 504;

/// Services, by their numbers.
pub mod service {
    /// Several requests in one.
    pub const MULTIPLE: u8 = 0x0A;
    /// Value of a tag, with its type.
    pub const READ_TAG: u8 = 0x4C;
    /// New value of a tag.
    pub const WRITE_TAG: u8 = 0x4D;
    /// Single bits of an integer, in one scan of the controller.
    pub const READ_MODIFY_WRITE_TAG: u8 = 0x4E;
    /// Part of a value that does not fit into one reply.
    pub const READ_TAG_FRAGMENTED: u8 = 0x52;
    /// Sends a message on through a port of the device.
    pub const UNCONNECTED_SEND: u8 = 0x52;
    /// Names and types of tags, from an instance on.
    pub const GET_INSTANCE_ATTRIBUTE_LIST: u8 = 0x55;
}

/// A reply has this bit in its service.
const REPLY: u8 = 0x80;
/// Path of the message router, class 2, instance 1.
const MESSAGE_ROUTER: [u8; 4] = [0x20, 0x02, 0x24, 0x01];
/// Path of the connection manager, class 6, instance 1.
const CONNECTION_MANAGER: [u8; 4] = [0x20, 0x06, 0x24, 0x01];
/// Port of the backplane.
const BACKPLANE: u8 = 1;

/// A request to the object or tag of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CipRequest {
    /// Number of the service.
    pub service: u8,
    /// Segments, padded to words; at most 510 bytes.
    pub path: Vec<u8>,
    /// Data of the service.
    pub data: Vec<u8>,
}

/// A reply, without the service that it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CipReply {
    /// General status; 0 is success.
    pub status: u8,
    /// First word of the extended status, where there is one.
    pub extended: Option<u16>,
    /// Data of the reply; some statuses come with data too.
    pub data: Vec<u8>,
    /// Whether the connection manager answered in place of the object.
    pub is_from_route: bool,
}

/// Why bytes are no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CipError {
    /// Fewer bytes than the format says.
    #[error("the answer is cut short")]
    Short,
    /// The reply is to another service.
    #[error("the answer is to another service ({0:02X})")]
    OtherService(u8),
    /// Another number of replies than of requests.
    #[error("the answer has not one reply for each request")]
    Count,
    /// Replies that are not where the answer says.
    #[error("the answer says that a reply is where none can be")]
    Offset,
}

impl CipRequest {
    /// Bytes of the request as a message.
    pub fn encode(&self) -> Vec<u8> {
        let words = u8::try_from(self.path.len() / 2).unwrap_or(u8::MAX);
        let mut bytes = vec![self.service, words];
        bytes.extend_from_slice(&self.path);
        bytes.extend_from_slice(&self.data);
        bytes
    }

    /// Reads the value of a tag: one element.
    pub fn read_tag(path: Vec<u8>) -> CipRequest {
        CipRequest { service: service::READ_TAG, path, data: 1_u16.to_le_bytes().to_vec() }
    }

    /// Reads the value of a tag from a byte on.
    pub fn read_tag_fragment(path: Vec<u8>, offset: u32) -> CipRequest {
        let data = [&1_u16.to_le_bytes()[..], &offset.to_le_bytes()].concat();
        CipRequest { service: service::READ_TAG_FRAGMENTED, path, data }
    }

    /// Writes the value of a tag, with its type before it.
    pub fn write_tag(path: Vec<u8>, data_type: &[u8], value: &[u8]) -> CipRequest {
        let data = [data_type, &1_u16.to_le_bytes(), value].concat();
        CipRequest { service: service::WRITE_TAG, path, data }
    }

    /// Sets the bits of `set` in a tag, and clears those that are not in `keep`. Both are as long as the value.
    pub fn read_modify_write_tag(path: Vec<u8>, set: &[u8], keep: &[u8]) -> CipRequest {
        let size = u16::try_from(set.len()).unwrap_or(u16::MAX);
        let data = [&size.to_le_bytes()[..], set, keep].concat();
        CipRequest { service: service::READ_MODIFY_WRITE_TAG, path, data }
    }

    /// Several requests in one (Multiple Service Packet).
    pub fn multiple(requests: &[CipRequest]) -> CipRequest {
        let count = u16::try_from(requests.len()).unwrap_or(u16::MAX);
        let mut offset = 2 + 2 * usize::from(count);
        let (mut data, mut messages) = (count.to_le_bytes().to_vec(), Vec::new());
        for request in requests {
            let message = request.encode();
            data.extend(u16::try_from(offset).unwrap_or(u16::MAX).to_le_bytes());
            offset += message.len();
            messages.extend(message);
        }
        data.extend(messages);
        CipRequest { service: service::MULTIPLE, path: MESSAGE_ROUTER.to_vec(), data }
    }

    /// The request as a message to the module in a slot of the device's backplane (Unconnected Send). The device gives
    /// the module `timeout_ms` to answer.
    pub fn routed(&self, slot: u8, timeout_ms: u64) -> CipRequest {
        let message = self.encode();
        let (tick, ticks) = ticks(timeout_ms);
        let mut data = vec![tick, ticks];
        data.extend(u16::try_from(message.len()).unwrap_or(u16::MAX).to_le_bytes());
        data.extend(&message);
        if message.len() % 2 == 1 {
            data.push(0);
        }
        // One word of route, a reserved byte, the port and the slot.
        data.extend([1, 0, BACKPLANE, slot]);
        CipRequest { service: service::UNCONNECTED_SEND, path: CONNECTION_MANAGER.to_vec(), data }
    }
}

/// Bytes that `CipRequest::routed` adds to a message.
pub const ROUTE_BYTES: usize = 2 + CONNECTION_MANAGER.len() + 4 + 1 + 4;
/// Bytes that `CipRequest::multiple` adds to its messages, besides two for each.
pub const MULTIPLE_BYTES: usize = 2 + MESSAGE_ROUTER.len() + 2;
/// Bytes that a reply to several requests has besides the replies and two for each.
pub const MULTIPLE_REPLY_BYTES: usize = 4 + 2;

/// A timeout as the power of two of a tick in milliseconds, and the number of ticks.
fn ticks(timeout_ms: u64) -> (u8, u8) {
    let exponent =
        (0..15).find(|exponent| timeout_ms.div_ceil(1 << exponent) <= u64::from(u8::MAX)).unwrap_or(15);
    let ticks = timeout_ms.div_ceil(1 << exponent).clamp(1, u64::from(u8::MAX));
    (exponent, u8::try_from(ticks).unwrap_or(u8::MAX))
}

impl CipReply {
    /// Parses the reply to `service`. If the request went through a route, the connection manager may answer.
    ///
    /// # Errors
    /// The bytes are no reply to this service.
    pub fn parse(message: &[u8], service: u8, is_routed: bool) -> Result<CipReply, CipError> {
        let [replied, _, status, words, rest @ ..] = message else { return Err(CipError::Short) };
        // Fragments of a tag have the number of the Unconnected Send too; then it makes no difference who answers.
        let is_from_route =
            is_routed && *replied == service::UNCONNECTED_SEND | REPLY && *replied != service | REPLY;
        if *replied != service | REPLY && !is_from_route {
            return Err(CipError::OtherService(*replied));
        }
        let (extended, data) = rest.split_at_checked(2 * usize::from(*words)).ok_or(CipError::Short)?;
        let extended = extended.first_chunk().map(|word| u16::from_le_bytes(*word));
        Ok(CipReply { status: *status, extended, data: data.to_vec(), is_from_route })
    }

    /// The replies in the data of a reply to several requests, each to `service`.
    ///
    /// # Errors
    /// The data holds not exactly `count` replies.
    pub fn split(&self, count: usize, service: u8) -> Result<Vec<CipReply>, CipError> {
        let number = |at: usize| {
            let word = self.data.get(at..).and_then(<[u8]>::first_chunk).ok_or(CipError::Short)?;
            Ok(usize::from(u16::from_le_bytes(*word)))
        };
        if number(0)? != count {
            return Err(CipError::Count);
        }
        let mut replies = Vec::with_capacity(count);
        for index in 0..count {
            let start = number(2 + 2 * index)?;
            let end = if index + 1 < count { number(4 + 2 * index)? } else { self.data.len() };
            let message = self.data.get(start..end).filter(|_| start >= 2 + 2 * count);
            replies.push(CipReply::parse(message.ok_or(CipError::Offset)?, service, false)?);
        }
        Ok(replies)
    }
}
