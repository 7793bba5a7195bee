//! Encapsulation of EtherNet/IP: the header of 24 bytes, the session, and unconnected messages in it. Pure.
//!
//! CIP volume 2, chapter 2. Numbers are low byte first. The sender context of a request comes back with its reply, so
//! that a late reply is never taken for the next one: one with an earlier context is skipped.

#![warn(missing_docs)]

use crate::collect::request_socket::ResponseFraming;

/// Bytes of the header.
pub const HEADER_LEN: usize = 24;
/// No reply to an unconnected message is longer: the message itself has 504 bytes at most.
const MAX_BODY_BYTES: usize = 1024;
/// Types of the items of an unconnected message: no address, then the message.
const NULL_ADDRESS: u16 = 0x0000;
const UNCONNECTED_DATA: u16 = 0x00B2;

/// Statuses after which there is no session: unknown command, unknown session, wrong length, other version.
const ENDS_SESSION: [u32; 4] = [0x01, 0x64, 0x65, 0x69];
/// Offset of the status in the header.
const STATUS_AT: usize = 8;

/// Command of an encapsulated message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncapsulationCommand {
    /// 0065: opens a session.
    RegisterSession,
    /// 0066: ends it; the device closes the connection without a reply.
    UnregisterSession,
    /// 006F: carries an unconnected message.
    SendRrData,
}

impl EncapsulationCommand {
    fn number(self) -> u16 {
        match self {
            EncapsulationCommand::RegisterSession => 0x65,
            EncapsulationCommand::UnregisterSession => 0x66,
            EncapsulationCommand::SendRrData => 0x6F,
        }
    }

    /// Data of the command around a message, which the two commands of a session do not have.
    fn body(self, message: &[u8]) -> Vec<u8> {
        match self {
            // Protocol version 1, no options.
            EncapsulationCommand::RegisterSession => vec![1, 0, 0, 0],
            EncapsulationCommand::UnregisterSession => Vec::new(),
            EncapsulationCommand::SendRrData => {
                // Interface handle 0 is CIP. The timeout is that of the message itself, or of this client.
                let mut body = vec![0; 6];
                body.extend(2_u16.to_le_bytes());
                body.extend(NULL_ADDRESS.to_le_bytes());
                body.extend([0, 0]);
                body.extend(UNCONNECTED_DATA.to_le_bytes());
                // A message has 504 bytes at most.
                body.extend(u16::try_from(message.len()).unwrap_or(u16::MAX).to_le_bytes());
                body.extend_from_slice(message);
                body
            }
        }
    }
}

/// One request and the header that its reply must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncapsulatedRequest {
    /// Command, which the reply repeats.
    pub command: EncapsulationCommand,
    /// Session handle from the device; 0 before there is one.
    pub session: u32,
    /// Sender context, which the reply repeats.
    pub context: u64,
}

/// Why bytes are not the reply to a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than the format says.
    #[error("the answer is cut short")]
    Short,
    /// More bytes than a reply can have.
    #[error("the answer says that it has {0} bytes")]
    TooLong(usize),
    /// Another command, session or sender context.
    #[error("the answer is to another request")]
    OtherRequest,
    /// The device refused at the level of the encapsulation, which leaves no session.
    #[error("{} (encapsulation status {:04X})", encapsulation_status(*.0), .0)]
    Status(u32),
    /// The device refused this message at the level of the encapsulation; the session is in order.
    #[error("the device refused the message (encapsulation status {0:04X})")]
    Refused(u32),
    /// The items are not those of an unconnected message.
    #[error("the answer holds no unconnected message")]
    Items,
}

fn encapsulation_status(status: u32) -> &'static str {
    match status {
        0x01 => "the device does not know the command",
        0x02 => "the device has no memory left for a session",
        0x03 => "the device found the data of the command wrong",
        0x64 => "the device does not know the session",
        0x65 => "the device found the length wrong",
        0x69 => "the device speaks another version of the encapsulation protocol",
        _ => "the device refused the command",
    }
}

impl EncapsulatedRequest {
    /// The whole frame; `message` is empty except for `SendRrData`.
    pub fn encode(&self, message: &[u8]) -> Vec<u8> {
        let body = self.command.body(message);
        let mut frame = Vec::with_capacity(HEADER_LEN + body.len());
        frame.extend(self.command.number().to_le_bytes());
        frame.extend(u16::try_from(body.len()).unwrap_or(u16::MAX).to_le_bytes());
        frame.extend(self.session.to_le_bytes());
        frame.extend([0; 4]);
        frame.extend(self.context.to_le_bytes());
        frame.extend([0; 4]);
        frame.extend(body);
        frame
    }

    /// Number of bytes after a header, which must be able to begin the reply to this request.
    pub fn body_len(&self, header: &[u8]) -> Result<usize, FrameError> {
        let mut fields = FieldCursor(header);
        let (command, len) = (fields.u16()?, usize::from(fields.u16()?));
        let (session, status, context) = (fields.u32()?, fields.u32()?, fields.u64()?);
        if command != self.command.number() || context != self.context {
            return Err(FrameError::OtherRequest);
        }
        if status != 0 && (self.command != EncapsulationCommand::SendRrData || ENDS_SESSION.contains(&status))
        {
            return Err(FrameError::Status(status));
        }
        // The session of a registration is what the reply tells.
        if self.command != EncapsulationCommand::RegisterSession && session != self.session {
            return Err(FrameError::OtherRequest);
        }
        if len > MAX_BODY_BYTES { Err(FrameError::TooLong(len)) } else { Ok(len) }
    }

    /// Number of bytes after the header of a reply to an earlier request, which comes late or again. `None` for any other.
    fn earlier_body_len(&self, header: &[u8]) -> Option<usize> {
        let mut fields = FieldCursor(header);
        let (_command, len) = (fields.u16().ok()?, usize::from(fields.u16().ok()?));
        let (_session, _status, context) = (fields.u32().ok()?, fields.u32().ok()?, fields.u64().ok()?);
        // Contexts count from 1 on.
        ((1..self.context).contains(&context) && len <= MAX_BODY_BYTES).then_some(len)
    }
}

impl ResponseFraming for EncapsulatedRequest {
    fn header_len(&self) -> usize {
        HEADER_LEN
    }

    fn body_len(&self, header: &[u8]) -> Result<usize, String> {
        if let Some(len) = self.earlier_body_len(header) {
            return Ok(len);
        }
        EncapsulatedRequest::body_len(self, header).map_err(|broken| broken.to_string())
    }

    fn is_numbered(&self) -> bool {
        true
    }

    fn is_earlier(&self, frame: &[u8]) -> bool {
        self.earlier_body_len(frame).is_some()
    }
}

/// Session handle of the reply to a registration.
///
/// # Errors
/// `Short` for a frame that is cut, `OtherRequest` for one without a handle.
pub fn session_of(frame: &[u8]) -> Result<u32, FrameError> {
    let mut fields = FieldCursor(frame);
    fields.u32()?;
    let session = fields.u32()?;
    if session == 0 { Err(FrameError::OtherRequest) } else { Ok(session) }
}

/// The message in the reply to an unconnected message.
///
/// # Errors
/// `Refused` for a message that the device did not take, `Short` or `Items` for a frame that holds none.
pub fn message_of(frame: &[u8]) -> Result<&[u8], FrameError> {
    match FieldCursor(frame.get(STATUS_AT..).ok_or(FrameError::Short)?).u32()? {
        0 => {}
        status => return Err(FrameError::Refused(status)),
    }
    let mut fields = FieldCursor(frame.get(HEADER_LEN..).ok_or(FrameError::Short)?);
    // Interface handle and timeout.
    fields.u32()?;
    fields.u16()?;
    let items = fields.u16()?;
    let (address, address_len) = (fields.u16()?, fields.u16()?);
    let (kind, len) = (fields.u16()?, usize::from(fields.u16()?));
    if items < 2 || address != NULL_ADDRESS || address_len != 0 || kind != UNCONNECTED_DATA {
        return Err(FrameError::Items);
    }
    // Items of the device's own addresses may follow.
    fields.0.get(..len).ok_or(FrameError::Short)
}

/// Reads numbers, low byte first.
struct FieldCursor<'a>(&'a [u8]);

impl FieldCursor<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (bytes, rest) = self.0.split_first_chunk::<N>().ok_or(FrameError::Short)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn u16(&mut self) -> Result<u16, FrameError> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, FrameError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, FrameError> {
        self.take().map(u64::from_le_bytes)
    }
}
