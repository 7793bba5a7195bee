//! Codec for frames of SLMP / MC protocol 3E and 4E, binary and ASCII. Pure.
//!
//! SLMP reference manual (SH-080956), message formats and commands. In binary code numbers are low byte first; in
//! ASCII code the same numbers are hexadecimal text, high digit first. The two bytes of the subheader have the same
//! order in both.

#![warn(missing_docs)]

use super::device::{MelsecDevice, Radix};
use super::encoding::{MelsecReader, MelsecWriter};
use super::format::{DeviceLayout, Encoding, FrameVersion, MelsecFormat, MelsecFrameError, Route};

/// A device number: the first of a run, or a single one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadDevice {
    /// Device code, such as D or X.
    pub device: MelsecDevice,
    /// Number within the device, counted in its points.
    pub number: u32,
}

/// A command, with its number in the manual. Counts are of points: words, or bits where the name says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MelsecCommand {
    /// 0401. A bit device gives 16 points a word, the lowest in bit 0.
    ReadWords(HeadDevice, u16),
    /// 0401 in units of bits: one value a point.
    ReadBits(HeadDevice, u16),
    /// 1401.
    WriteWords(HeadDevice, Vec<u16>),
    /// 1401 in units of bits.
    WriteBits(HeadDevice, Vec<bool>),
    /// 0403: words, then double words.
    ReadRandom(Vec<HeadDevice>, Vec<HeadDevice>),
    /// 1402.
    WriteRandom(Vec<(HeadDevice, u16)>, Vec<(HeadDevice, u32)>),
    /// 1402 in units of bits.
    WriteRandomBits(Vec<(HeadDevice, bool)>),
    /// 0101.
    ReadModel,
}

/// A device's response to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MelsecResponse {
    /// Values of `ReadWords`, as many as requested.
    Words(Vec<u16>),
    /// Values of `ReadBits`, as many as requested.
    Bits(Vec<bool>),
    /// Values of `ReadRandom`: words, then double words.
    Random(Vec<u16>, Vec<u32>),
    /// Confirmation of a write.
    Done,
    /// Name and code of the CPU, as received.
    Model(Vec<u8>),
    /// An end code other than 0000.
    Refused(u16),
}

impl MelsecFormat {
    /// Encodes a request. The caller keeps counts within the protocol's limits.
    pub fn encode(&self, serial: u16, command: &MelsecCommand) -> Vec<u8> {
        let mut body = MelsecWriter::new(self.encoding);
        body.u16(self.timer);
        body.command(self.layout, command);
        let mut frame = MelsecWriter::new(self.encoding);
        match self.frame {
            FrameVersion::E3 => frame.u16_be(0x5000),
            FrameVersion::E4 => {
                frame.u16_be(0x5400);
                frame.u16(serial);
                frame.u16(0);
            }
        }
        frame.route(self.route);
        // A request is far shorter than this length can express.
        frame.u16(u16::try_from(body.bytes.len()).unwrap_or(u16::MAX));
        frame.bytes.append(&mut body.bytes);
        frame.bytes
    }

    /// Number of bytes of a response up to and including its length.
    pub fn header_len(&self) -> usize {
        let bytes = match self.frame {
            FrameVersion::E3 => 9,
            FrameVersion::E4 => 13,
        };
        match self.encoding {
            Encoding::Binary => bytes,
            Encoding::Ascii => 2 * bytes,
        }
    }

    /// Serial number of a response, by its header; `None` where it has none.
    pub fn serial(&self, header: &[u8]) -> Option<u16> {
        let mut text = MelsecReader::new(self.encoding, header);
        text.u16_be().ok()?;
        text.u16().ok().filter(|_| self.frame == FrameVersion::E4)
    }

    /// Number of bytes after a header of `header_len`. The header must be able to begin the response to the request
    /// with this serial number.
    pub fn body_len(&self, serial: u16, header: &[u8]) -> Result<usize, MelsecFrameError> {
        let mut text = MelsecReader::new(self.encoding, header);
        let subheader = match self.frame {
            FrameVersion::E3 => 0xD000,
            FrameVersion::E4 => 0xD400,
        };
        if text.u16_be()? != subheader {
            return Err(MelsecFrameError::Subheader);
        }
        if self.frame == FrameVersion::E4 {
            let echoed = text.u16()?;
            text.u16()?;
            if echoed != serial {
                return Err(MelsecFrameError::Serial);
            }
        }
        if text.route()? != self.route {
            return Err(MelsecFrameError::Route);
        }
        text.u16().map(usize::from)
    }

    /// Parses the bytes after the header as the response to a command.
    pub fn parse(&self, command: &MelsecCommand, body: &[u8]) -> Result<MelsecResponse, MelsecFrameError> {
        let mut text = MelsecReader::new(self.encoding, body);
        let end_code = text.u16()?;
        if end_code != 0 {
            return Ok(MelsecResponse::Refused(end_code));
        }
        let answer = match command {
            MelsecCommand::ReadWords(_, points) => {
                MelsecResponse::Words(text.many(usize::from(*points), MelsecReader::u16)?)
            }
            MelsecCommand::ReadBits(_, points) => MelsecResponse::Bits(text.bits(usize::from(*points))?),
            MelsecCommand::ReadRandom(words, dwords) => MelsecResponse::Random(
                text.many(words.len(), MelsecReader::u16)?,
                text.many(dwords.len(), MelsecReader::u32)?,
            ),
            MelsecCommand::WriteWords(..)
            | MelsecCommand::WriteBits(..)
            | MelsecCommand::WriteRandom(..)
            | MelsecCommand::WriteRandomBits(..) => MelsecResponse::Done,
            MelsecCommand::ReadModel => MelsecResponse::Model(text.take(text.rest.len())?.to_vec()),
        };
        if text.rest.is_empty() { Ok(answer) } else { Err(MelsecFrameError::Content) }
    }
}

impl MelsecWriter {
    fn route(&mut self, route: Route) {
        self.u8(route.network);
        self.u8(route.pc);
        self.u16(route.module_io);
        self.u8(route.station);
    }

    fn head(&mut self, layout: DeviceLayout, head: HeadDevice) {
        let HeadDevice { device, number } = head;
        let (name_len, number_len) = match layout {
            DeviceLayout::Ql => (2, 3),
            DeviceLayout::Iqr => (4, 4),
        };
        match self.encoding {
            Encoding::Binary => {
                self.number(number, number_len);
                self.number(device.code().into(), name_len / 2);
            }
            Encoding::Ascii => {
                let name = if layout == DeviceLayout::Ql { device.ascii() } else { device.name() };
                self.text(&format!("{name:*<name_len$}"));
                let digits = 2 * number_len;
                self.text(&match device.ascii_radix() {
                    Radix::Decimal => format!("{number:0digits$}"),
                    Radix::Octal | Radix::Hexadecimal => format!("{number:0digits$X}"),
                });
            }
        }
    }

    fn command(&mut self, layout: DeviceLayout, command: &MelsecCommand) {
        let is_bits = matches!(
            command,
            MelsecCommand::ReadBits(..) | MelsecCommand::WriteBits(..) | MelsecCommand::WriteRandomBits(_)
        );
        self.u16(code_of(command));
        self.u16(match (layout, command) {
            (_, MelsecCommand::ReadModel) => 0,
            (DeviceLayout::Ql, _) => u16::from(is_bits),
            (DeviceLayout::Iqr, _) => 2 + u16::from(is_bits),
        });
        match command {
            MelsecCommand::ReadWords(head, points) | MelsecCommand::ReadBits(head, points) => {
                self.head(layout, *head);
                self.u16(*points);
            }
            MelsecCommand::WriteWords(head, words) => {
                self.head(layout, *head);
                self.u16(count(words.len()));
                words.iter().for_each(|word| self.u16(*word));
            }
            MelsecCommand::WriteBits(head, bits) => {
                self.head(layout, *head);
                self.u16(count(bits.len()));
                self.bits(bits);
            }
            MelsecCommand::ReadRandom(words, dwords) => {
                self.counts(words.len(), dwords.len());
                words.iter().chain(dwords).for_each(|head| self.head(layout, *head));
            }
            MelsecCommand::WriteRandom(words, dwords) => self.scattered(layout, words, dwords),
            MelsecCommand::WriteRandomBits(bits) => {
                self.u8(small(bits.len()));
                for (head, on) in bits {
                    self.head(layout, *head);
                    // In the layout of iQ-R each takes a word.
                    self.number(u32::from(*on), if layout == DeviceLayout::Ql { 1 } else { 2 });
                }
            }
            MelsecCommand::ReadModel => {}
        }
    }

    fn scattered(&mut self, layout: DeviceLayout, words: &[(HeadDevice, u16)], dwords: &[(HeadDevice, u32)]) {
        self.counts(words.len(), dwords.len());
        for (head, word) in words {
            self.head(layout, *head);
            self.u16(*word);
        }
        for (head, dword) in dwords {
            self.head(layout, *head);
            self.number(*dword, 4);
        }
    }

    fn counts(&mut self, words: usize, dwords: usize) {
        self.u8(small(words));
        self.u8(small(dwords));
    }
}

fn code_of(command: &MelsecCommand) -> u16 {
    match command {
        MelsecCommand::ReadWords(..) | MelsecCommand::ReadBits(..) => 0x0401,
        MelsecCommand::WriteWords(..) | MelsecCommand::WriteBits(..) => 0x1401,
        MelsecCommand::ReadRandom(..) => 0x0403,
        MelsecCommand::WriteRandom(..) | MelsecCommand::WriteRandomBits(_) => 0x1402,
        MelsecCommand::ReadModel => 0x0101,
    }
}

/// Counts within the protocol's limits always fit; the device refuses a larger one.
fn count(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

fn small(len: usize) -> u8 {
    u8::try_from(len).unwrap_or(u8::MAX)
}

impl MelsecReader<'_> {
    fn route(&mut self) -> Result<Route, MelsecFrameError> {
        let (network, pc) = (self.number(1)? as u8, self.number(1)? as u8);
        Ok(Route { network, pc, module_io: self.u16()?, station: self.number(1)? as u8 })
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
