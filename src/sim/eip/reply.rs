//! Replies of the simulated controller: statuses, and how a reply is written.

/// Bytes that a message may have, requests and replies alike.
pub const MAX_MESSAGE_BYTES: usize = 504;
// General statuses: CIP volume 1, appendix B-1.
/// Path destination unknown: no such tag, program or member.
pub const PATH_UNKNOWN: u8 = 0x05;
/// Partial transfer: the reply holds the beginning, because the rest has no place in it.
pub const PARTIAL: u8 = 0x06;
/// Connection failure: a message cannot be sent on; the extended status says why.
pub const CONNECTION_FAILURE: u8 = 0x01;
/// Path segment error: the request cannot be parsed.
pub const PATH_WRONG: u8 = 0x04;
/// Service not supported by the object or tag of the path.
pub const NO_SUCH_SERVICE: u8 = 0x08;
/// Reply data too large: the replies to several requests do not fit in one message.
pub const REPLY_TOO_LARGE: u8 = 0x11;
/// Not enough data: the request is shorter than its service or its element count needs.
pub const TOO_FEW_DATA: u8 = 0x13;
/// Too much data: a write has more bytes than its element count.
pub const TOO_MANY_DATA: u8 = 0x15;
/// Embedded service error: some of several requests failed; each reply has its own status.
pub const EMBEDDED_ERROR: u8 = 0x1E;
/// General error, of which only the extended status says what happened.
pub const EXTENDED: u8 = 0xFF;
// Extended statuses: 1756-PM020, "CIP service error codes", and CIP volume 1, table 3-5.29, for connections.
/// Access beyond the end of the tag, with `EXTENDED`.
pub const BEYOND_END: u16 = 0x2105;
/// Type that is not the tag's, or that has no bits to modify, with `EXTENDED`.
pub const OTHER_TYPE: u16 = 0x2107;
/// Link address not valid: any slot but 0, with `CONNECTION_FAILURE`.
pub const NO_SUCH_SLOT: u16 = 0x0312;

/// Data of a reply with its status, or the status of a refusal.
pub type Outcome = Result<(u8, Vec<u8>), (u8, Option<u16>)>;

/// The reply to a service as a message.
pub fn reply(service: u8, outcome: Outcome) -> Vec<u8> {
    let (status, extended, data) = match outcome {
        Ok((status, data)) => (status, None, data),
        Err((status, extended)) => (status, extended, Vec::new()),
    };
    let mut message = vec![service | 0x80, 0, status, u8::from(extended.is_some())];
    message.extend(extended.into_iter().flat_map(u16::to_le_bytes));
    message.extend(data);
    message
}
