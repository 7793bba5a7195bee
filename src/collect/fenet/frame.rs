//! Codec for frames of the XGT dedicated protocol. Pure.
//!
//! XGT FEnet manual, frame structure: a header of 20 bytes, then the instruction; numbers are low byte first.

#![warn(missing_docs)]

use super::space::VariableSize;

/// Company id in every frame. Old GLOFA modules answer with another one.
const COMPANY: &[u8; 10] = b"LSIS-XGT\0\0";
const OLD_COMPANY: &[u8; 10] = b"LGIS-GLOFA";
/// Length of the header of every frame, bytes.
pub const HEADER_LEN: usize = 20;
const FROM_CLIENT: u8 = 0x33;
const FROM_PLC: u8 = 0x11;

const READ: u16 = 0x54;
const WRITE: u16 = 0x58;
/// The instruction of a response is that of its request plus one.
const RESPONSE_OFFSET: u16 = 1;
const CONTINUOUS: u16 = 0x14;

/// Frame settings of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FenetFormat {
    /// Code of the CPU series.
    pub cpu: u8,
    /// Base in the high half, slot in the low.
    pub position: u8,
    /// Whether answers echo the invoke id; some servers answer 0.
    pub echoes_invoke_id: bool,
}

/// A command, with its variables by name, such as `%DW100`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FenetCommand {
    /// At most 16 variables, all of one size.
    Read(VariableSize, Vec<String>),
    /// Start variable and number of bytes.
    ReadBytes(String, u16),
    /// Variables, each with the bytes of its value.
    Write(VariableSize, Vec<(String, Vec<u8>)>),
    /// Start variable and the bytes to write from there on.
    WriteBytes(String, Vec<u8>),
}

/// A device's response to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FenetResponse {
    /// The bytes of each variable.
    Blocks(Vec<Vec<u8>>),
    /// Confirmation of a write.
    Done,
    /// An error code.
    Refused(u16),
}

/// Why bytes are not the answer to the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FenetFrameError {
    /// The bytes end before the frame does.
    #[error("the answer is cut short")]
    Short,
    /// The company id is unknown, or the frame does not come from a PLC.
    #[error("the answer has an invalid header")]
    Header,
    /// The header's last byte is neither 0 nor the sum of the bytes before it.
    #[error("the answer's checksum is wrong")]
    Checksum,
    /// The invoke id is that of another request.
    #[error("the answer belongs to another request")]
    Invoke,
    /// The instruction, the number of blocks or a length does not match the command, or bytes are left over.
    #[error("the answer does not hold what was asked for")]
    Content,
}

impl FenetFormat {
    /// Encodes a request. The caller keeps counts within the protocol's limits.
    pub fn encode(&self, invoke: u16, command: &FenetCommand) -> Vec<u8> {
        let body = encode_body(command);
        let mut frame = COMPANY.to_vec();
        frame.extend([0, 0, self.cpu, FROM_CLIENT]);
        frame.extend(invoke.to_le_bytes());
        frame.extend(count(body.len()).to_le_bytes());
        frame.push(self.position);
        frame.push(checksum(&frame));
        frame.extend(body);
        frame
    }

    /// Number of bytes after a header of `HEADER_LEN`. The header must be able to begin the response to the request
    /// with this invoke id.
    pub fn body_len(&self, invoke: u16, header: &[u8]) -> Result<usize, FenetFrameError> {
        let mut rest = FenetReader(header);
        let company = rest.take(COMPANY.len())?;
        let info = rest.take(4)?;
        let (echoed, len) = (rest.u16()?, rest.u16()?);
        let summed = header.get(..HEADER_LEN - 1).ok_or(FenetFrameError::Short)?;
        let sum = *header.get(HEADER_LEN - 1).ok_or(FenetFrameError::Short)?;
        let is_ours = company == COMPANY || company == OLD_COMPANY;
        if !is_ours || info.get(3) != Some(&FROM_PLC) {
            return Err(FenetFrameError::Header);
        }
        // The manuals also call this byte reserved: 0 means no checksum.
        if sum != 0 && sum != checksum(summed) {
            return Err(FenetFrameError::Checksum);
        }
        if echoed == invoke || (!self.echoes_invoke_id && echoed == 0) {
            Ok(len.into())
        } else {
            Err(FenetFrameError::Invoke)
        }
    }
}

/// Invoke id in a header.
pub fn invoke_id(header: &[u8]) -> Option<u16> {
    let mut rest = FenetReader(header);
    rest.take(COMPANY.len() + 4).ok()?;
    rest.u16().ok()
}

/// Parses the bytes after the header as the response to a command.
pub fn parse(command: &FenetCommand, body: &[u8]) -> Result<FenetResponse, FenetFrameError> {
    let (instruction, data_type) = kind_of(command);
    let mut rest = FenetReader(body);
    if (rest.u16()?, rest.u16()?) != (instruction + RESPONSE_OFFSET, data_type) {
        return Err(FenetFrameError::Content);
    }
    rest.u16()?;
    if rest.u16()? != 0 {
        // Older modules send only one byte of the code.
        let code = rest.0.iter().take(2).rev().fold(0, |code, byte| code << 8 | u16::from(*byte));
        return Ok(FenetResponse::Refused(code));
    }
    let blocks = usize::from(rest.u16()?);
    let answer = match command {
        FenetCommand::Read(size, names) if blocks == names.len() => FenetResponse::Blocks(
            (0..blocks).map(|_| rest.block(size.width() as usize)).collect::<Result<_, _>>()?,
        ),
        FenetCommand::ReadBytes(_, len) if blocks == 1 => {
            FenetResponse::Blocks(vec![rest.block(usize::from(*len))?])
        }
        FenetCommand::Write(_, variables) if blocks == variables.len() => FenetResponse::Done,
        FenetCommand::WriteBytes(..) if blocks == 1 => FenetResponse::Done,
        FenetCommand::Read(..)
        | FenetCommand::ReadBytes(..)
        | FenetCommand::Write(..)
        | FenetCommand::WriteBytes(..) => {
            return Err(FenetFrameError::Content);
        }
    };
    if rest.0.is_empty() { Ok(answer) } else { Err(FenetFrameError::Content) }
}

/// Instruction and data type.
fn kind_of(command: &FenetCommand) -> (u16, u16) {
    match command {
        FenetCommand::Read(size, _) => (READ, data_type(*size)),
        FenetCommand::ReadBytes(..) => (READ, CONTINUOUS),
        FenetCommand::Write(size, _) => (WRITE, data_type(*size)),
        FenetCommand::WriteBytes(..) => (WRITE, CONTINUOUS),
    }
}

fn data_type(size: VariableSize) -> u16 {
    match size {
        VariableSize::Bit => 0,
        VariableSize::Byte => 1,
        VariableSize::Word => 2,
        VariableSize::Double => 3,
        VariableSize::Long => 4,
    }
}

fn encode_body(command: &FenetCommand) -> Vec<u8> {
    let (instruction, data_type) = kind_of(command);
    let mut body = Vec::new();
    let mut put = |number: u16| body.extend(number.to_le_bytes());
    put(instruction);
    put(data_type);
    put(0);
    match command {
        FenetCommand::Read(_, names) => {
            put(count(names.len()));
            names.iter().for_each(|name| with_length(&mut body, name.as_bytes()));
        }
        FenetCommand::ReadBytes(name, len) => {
            put(1);
            with_length(&mut body, name.as_bytes());
            body.extend(len.to_le_bytes());
        }
        FenetCommand::Write(_, variables) => {
            put(count(variables.len()));
            variables.iter().for_each(|(name, _)| with_length(&mut body, name.as_bytes()));
            variables.iter().for_each(|(_, value)| with_length(&mut body, value));
        }
        FenetCommand::WriteBytes(name, value) => {
            put(1);
            with_length(&mut body, name.as_bytes());
            with_length(&mut body, value);
        }
    }
    body
}

fn with_length(body: &mut Vec<u8>, bytes: &[u8]) {
    body.extend(count(bytes.len()).to_le_bytes());
    body.extend(bytes);
}

/// Counts within the protocol's limits always fit; the device refuses a larger one.
fn count(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// The unread rest of a response.
struct FenetReader<'a>(&'a [u8]);

impl<'a> FenetReader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], FenetFrameError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(FenetFrameError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, FenetFrameError> {
        Ok(self.take(2)?.iter().rev().fold(0, |number, byte| number << 8 | u16::from(*byte)))
    }

    /// Reads bytes after their length, which must be `len`.
    fn block(&mut self, len: usize) -> Result<Vec<u8>, FenetFrameError> {
        if usize::from(self.u16()?) != len {
            return Err(FenetFrameError::Content);
        }
        self.take(len).map(<[u8]>::to_vec)
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
