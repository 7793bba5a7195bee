//! Replies of the simulated controller: statuses, and how a reply is written.

/// Bytes that a message may have, requests and replies alike.
pub const MAX_MESSAGE_BYTES: usize = 504;
/// General statuses.
pub const PATH_UNKNOWN: u8 = 0x05;
pub const PARTIAL: u8 = 0x06;
pub const CONNECTION_FAILURE: u8 = 0x01;
pub const PATH_WRONG: u8 = 0x04;
pub const NO_SUCH_SERVICE: u8 = 0x08;
pub const REPLY_TOO_LARGE: u8 = 0x11;
pub const TOO_FEW_DATA: u8 = 0x13;
pub const TOO_MANY_DATA: u8 = 0x15;
pub const EMBEDDED_ERROR: u8 = 0x1E;
pub const EXTENDED: u8 = 0xFF;
/// Extended statuses of `EXTENDED`, and of a connection that cannot be made.
pub const BEYOND_END: u16 = 0x2105;
pub const OTHER_TYPE: u16 = 0x2107;
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
