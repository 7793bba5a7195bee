//! Frames of the XGT dedicated protocol: commands to bytes, answers to values. Pure.
//!
//! XGT FEnet manual, frame structure: a header of 20 bytes, then the instruction; numbers are low byte first.

use super::address::Size;

/// Of every frame. Old GLOFA modules answer with another.
const COMPANY: &[u8; 10] = b"LSIS-XGT\0\0";
const OLD_COMPANY: &[u8; 10] = b"LGIS-GLOFA";
pub const HEADER_LEN: usize = 20;
const FROM_CLIENT: u8 = 0x33;
const FROM_PLC: u8 = 0x11;

const READ: u16 = 0x54;
const WRITE: u16 = 0x58;
/// An answer's instruction is its request's and one.
const ANSWER: u16 = 1;
const CONTINUOUS: u16 = 0x14;

/// How frames are written on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// The series of the CPU, as its code.
    pub cpu: u8,
    /// Base in the high half, slot in the low.
    pub position: u8,
    /// Whether answers echo the invoke id; some servers answer 0.
    pub echoes_invoke_id: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// At most 16 variables, all of one size.
    Read(Size, Vec<String>),
    /// From a variable of bytes on so many.
    ReadBytes(String, u16),
    /// Each with the bytes of its value.
    Write(Size, Vec<(String, Vec<u8>)>),
    WriteBytes(String, Vec<u8>),
}

/// What a device answered to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The bytes of each variable.
    Blocks(Vec<Vec<u8>>),
    /// A write is done.
    Done,
    /// An error code.
    Refused(u16),
}

/// Why bytes are not the answer to the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("the answer is cut short")]
    Short,
    #[error("the answer does not begin as one")]
    Header,
    #[error("the answer's checksum is wrong")]
    Checksum,
    #[error("the answer belongs to another request")]
    Invoke,
    #[error("the answer does not hold what was asked for")]
    Content,
}

impl Format {
    /// The whole request. Counts are the caller's to keep within the protocol's limits.
    pub fn encode(&self, invoke: u16, command: &Command) -> Vec<u8> {
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

    /// How many bytes follow a header of `HEADER_LEN`, if it can begin the answer to the request of this invoke id.
    pub fn body_len(&self, invoke: u16, header: &[u8]) -> Result<usize, Broken> {
        let mut rest = In(header);
        let company = rest.take(COMPANY.len())?;
        let info = rest.take(4)?;
        let (echoed, len) = (rest.u16()?, rest.u16()?);
        let summed = header.get(..HEADER_LEN - 1).ok_or(Broken::Short)?;
        let sum = *header.get(HEADER_LEN - 1).ok_or(Broken::Short)?;
        let is_ours = company == COMPANY || company == OLD_COMPANY;
        if !is_ours || info.get(3) != Some(&FROM_PLC) {
            return Err(Broken::Header);
        }
        // The manuals call the byte reserved as well: 0 is no checksum.
        if sum != 0 && sum != checksum(summed) {
            return Err(Broken::Checksum);
        }
        if echoed == invoke || (!self.echoes_invoke_id && echoed == 0) {
            Ok(len.into())
        } else {
            Err(Broken::Invoke)
        }
    }
}

/// What follows the header, as the answer to a command.
pub fn parse(command: &Command, body: &[u8]) -> Result<Answer, Broken> {
    let (instruction, data_type) = kind_of(command);
    let mut rest = In(body);
    if (rest.u16()?, rest.u16()?) != (instruction + ANSWER, data_type) {
        return Err(Broken::Content);
    }
    rest.u16()?;
    if rest.u16()? != 0 {
        // Older modules send one byte of the code.
        let code = rest.0.iter().take(2).rev().fold(0, |code, byte| code << 8 | u16::from(*byte));
        return Ok(Answer::Refused(code));
    }
    let blocks = usize::from(rest.u16()?);
    let answer = match command {
        Command::Read(size, names) if blocks == names.len() => {
            Answer::Blocks((0..blocks).map(|_| rest.block(size.width() as usize)).collect::<Result<_, _>>()?)
        }
        Command::ReadBytes(_, len) if blocks == 1 => Answer::Blocks(vec![rest.block(usize::from(*len))?]),
        Command::Write(_, variables) if blocks == variables.len() => Answer::Done,
        Command::WriteBytes(..) if blocks == 1 => Answer::Done,
        Command::Read(..) | Command::ReadBytes(..) | Command::Write(..) | Command::WriteBytes(..) => {
            return Err(Broken::Content);
        }
    };
    if rest.0.is_empty() { Ok(answer) } else { Err(Broken::Content) }
}

/// Instruction and data type.
fn kind_of(command: &Command) -> (u16, u16) {
    match command {
        Command::Read(size, _) => (READ, data_type(*size)),
        Command::ReadBytes(..) => (READ, CONTINUOUS),
        Command::Write(size, _) => (WRITE, data_type(*size)),
        Command::WriteBytes(..) => (WRITE, CONTINUOUS),
    }
}

fn data_type(size: Size) -> u16 {
    match size {
        Size::Bit => 0,
        Size::Byte => 1,
        Size::Word => 2,
        Size::Double => 3,
        Size::Long => 4,
    }
}

fn encode_body(command: &Command) -> Vec<u8> {
    let (instruction, data_type) = kind_of(command);
    let mut body = Vec::new();
    let mut put = |number: u16| body.extend(number.to_le_bytes());
    put(instruction);
    put(data_type);
    put(0);
    match command {
        Command::Read(_, names) => {
            put(count(names.len()));
            names.iter().for_each(|name| with_length(&mut body, name.as_bytes()));
        }
        Command::ReadBytes(name, len) => {
            put(1);
            with_length(&mut body, name.as_bytes());
            body.extend(len.to_le_bytes());
        }
        Command::Write(_, variables) => {
            put(count(variables.len()));
            variables.iter().for_each(|(name, _)| with_length(&mut body, name.as_bytes()));
            variables.iter().for_each(|(_, value)| with_length(&mut body, value));
        }
        Command::WriteBytes(name, value) => {
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

/// Lengths within the protocol's limits always fit; one beyond them the device refuses.
fn count(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// What is left of an answer.
struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Broken::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, Broken> {
        Ok(self.take(2)?.iter().rev().fold(0, |number, byte| number << 8 | u16::from(*byte)))
    }

    /// Bytes with their length before them, which must be this.
    fn block(&mut self, len: usize) -> Result<Vec<u8>, Broken> {
        if usize::from(self.u16()?) != len {
            return Err(Broken::Content);
        }
        self.take(len).map(<[u8]>::to_vec)
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
