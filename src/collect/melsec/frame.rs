//! Frames of SLMP / MC protocol 3E and 4E, binary and ASCII: commands to bytes, answers to values. Pure.
//!
//! SLMP reference manual (SH-080956), message formats and commands. In binary code numbers are low byte first; in ASCII
//! code the same numbers are hexadecimal text, high digit first. The two bytes of the subheader stand as written.

use super::code::{In, Out};
use super::device::{Device, Radix};

/// Which header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Without a serial number: answers are told apart by their order only.
    E3,
    /// With a serial number, which the device echoes.
    E4,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Binary,
    Ascii,
}

/// How devices are named: by subcommands 0000 and 0001, or 0002 and 0003.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Three bytes of number, one of code; also understood by iQ-R and iQ-F.
    Ql,
    /// Four bytes of number, two of code.
    Iqr,
}

/// Which CPU the request is for; the device echoes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    pub network: u8,
    pub pc: u8,
    pub module_io: u16,
    pub station: u8,
}

impl Route {
    /// The CPU that is connected to.
    pub const OWN: Route = Route { network: 0, pc: 0xFF, module_io: 0x03FF, station: 0 };
}

/// How frames are written on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    pub frame: Frame,
    pub encoding: Encoding,
    pub layout: Layout,
    pub route: Route,
    /// How long the device may work on a request, in 250 ms; 0 is for ever.
    pub timer: u16,
}

/// One device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub device: Device,
    pub number: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// 0401. A bit device gives 16 points a word, the lowest in bit 0.
    ReadWords(Head, u16),
    ReadBits(Head, u16),
    /// 1401.
    WriteWords(Head, Vec<u16>),
    WriteBits(Head, Vec<bool>),
    /// 0403: words, then double words.
    ReadRandom(Vec<Head>, Vec<Head>),
    /// 1402.
    WriteRandom(Vec<(Head, u16)>, Vec<(Head, u32)>),
    WriteRandomBits(Vec<(Head, bool)>),
    /// 0101.
    ReadModel,
}

/// What a device answered to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Words(Vec<u16>),
    Bits(Vec<bool>),
    Random(Vec<u16>, Vec<u32>),
    /// A write is done.
    Done,
    /// Name and code of the CPU, as it was sent.
    Model(Vec<u8>),
    /// An end code other than 0000.
    Refused(u16),
}

/// Why bytes are not the answer to the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("the answer is cut short")]
    Short,
    #[error("the answer is not hexadecimal text")]
    NotHexadecimal,
    #[error("the answer does not begin as one: other frame or code than the device's setting?")]
    Subheader,
    #[error("the answer belongs to another request")]
    Serial,
    #[error("the answer comes from another station")]
    Route,
    #[error("the answer does not hold what was asked for")]
    Content,
}

impl Format {
    /// The whole request. Counts are the caller's to keep within the protocol's limits.
    pub fn encode(&self, serial: u16, command: &Command) -> Vec<u8> {
        let mut body = Out::new(self.encoding);
        body.u16(self.timer);
        body.command(self.layout, command);
        let mut frame = Out::new(self.encoding);
        match self.frame {
            Frame::E3 => frame.as_written(0x5000),
            Frame::E4 => {
                frame.as_written(0x5400);
                frame.u16(serial);
                frame.u16(0);
            }
        }
        frame.route(self.route);
        // A request is far shorter than this can say.
        frame.u16(u16::try_from(body.bytes.len()).unwrap_or(u16::MAX));
        frame.bytes.append(&mut body.bytes);
        frame.bytes
    }

    /// Bytes of an answer up to and with its length.
    pub fn header_len(&self) -> usize {
        let bytes = match self.frame {
            Frame::E3 => 9,
            Frame::E4 => 13,
        };
        match self.encoding {
            Encoding::Binary => bytes,
            Encoding::Ascii => 2 * bytes,
        }
    }

    /// How many bytes follow a header of `header_len`, if it can begin the answer to the request of this serial number.
    pub fn body_len(&self, serial: u16, header: &[u8]) -> Result<usize, Broken> {
        let mut text = In::new(self.encoding, header);
        let subheader = match self.frame {
            Frame::E3 => 0xD000,
            Frame::E4 => 0xD400,
        };
        if text.as_written()? != subheader {
            return Err(Broken::Subheader);
        }
        if self.frame == Frame::E4 {
            let echoed = text.u16()?;
            text.u16()?;
            if echoed != serial {
                return Err(Broken::Serial);
            }
        }
        if text.route()? != self.route {
            return Err(Broken::Route);
        }
        text.u16().map(usize::from)
    }

    /// What follows the header, as the answer to a command.
    pub fn parse(&self, command: &Command, body: &[u8]) -> Result<Answer, Broken> {
        let mut text = In::new(self.encoding, body);
        let end_code = text.u16()?;
        if end_code != 0 {
            return Ok(Answer::Refused(end_code));
        }
        let answer = match command {
            Command::ReadWords(_, points) => Answer::Words(text.many(usize::from(*points), In::u16)?),
            Command::ReadBits(_, points) => Answer::Bits(text.bits(usize::from(*points))?),
            Command::ReadRandom(words, dwords) => {
                Answer::Random(text.many(words.len(), In::u16)?, text.many(dwords.len(), In::u32)?)
            }
            Command::WriteWords(..)
            | Command::WriteBits(..)
            | Command::WriteRandom(..)
            | Command::WriteRandomBits(..) => Answer::Done,
            Command::ReadModel => Answer::Model(text.take(text.rest.len())?.to_vec()),
        };
        if text.rest.is_empty() { Ok(answer) } else { Err(Broken::Content) }
    }
}

impl Out {
    fn route(&mut self, route: Route) {
        self.u8(route.network);
        self.u8(route.pc);
        self.u16(route.module_io);
        self.u8(route.station);
    }

    fn head(&mut self, layout: Layout, head: Head) {
        let Head { device, number } = head;
        let (name_len, number_len) = match layout {
            Layout::Ql => (2, 3),
            Layout::Iqr => (4, 4),
        };
        match self.encoding {
            Encoding::Binary => {
                self.number(number, number_len);
                self.number(device.code().into(), name_len / 2);
            }
            Encoding::Ascii => {
                let name = if layout == Layout::Ql { device.ascii() } else { device.name() };
                self.text(&format!("{name:*<name_len$}"));
                let digits = 2 * number_len;
                self.text(&match device.ascii_radix() {
                    Radix::Decimal => format!("{number:0digits$}"),
                    Radix::Octal | Radix::Hexadecimal => format!("{number:0digits$X}"),
                });
            }
        }
    }

    fn command(&mut self, layout: Layout, command: &Command) {
        let is_bits =
            matches!(command, Command::ReadBits(..) | Command::WriteBits(..) | Command::WriteRandomBits(_));
        self.u16(code_of(command));
        self.u16(match (layout, command) {
            (_, Command::ReadModel) => 0,
            (Layout::Ql, _) => u16::from(is_bits),
            (Layout::Iqr, _) => 2 + u16::from(is_bits),
        });
        match command {
            Command::ReadWords(head, points) | Command::ReadBits(head, points) => {
                self.head(layout, *head);
                self.u16(*points);
            }
            Command::WriteWords(head, words) => {
                self.head(layout, *head);
                self.u16(count(words.len()));
                words.iter().for_each(|word| self.u16(*word));
            }
            Command::WriteBits(head, bits) => {
                self.head(layout, *head);
                self.u16(count(bits.len()));
                self.bits(bits);
            }
            Command::ReadRandom(words, dwords) => {
                self.counts(words.len(), dwords.len());
                words.iter().chain(dwords).for_each(|head| self.head(layout, *head));
            }
            Command::WriteRandom(words, dwords) => self.scattered(layout, words, dwords),
            Command::WriteRandomBits(bits) => {
                self.u8(small(bits.len()));
                for (head, on) in bits {
                    self.head(layout, *head);
                    // A word each in the layout of iQ-R.
                    self.number(u32::from(*on), if layout == Layout::Ql { 1 } else { 2 });
                }
            }
            Command::ReadModel => {}
        }
    }

    fn scattered(&mut self, layout: Layout, words: &[(Head, u16)], dwords: &[(Head, u32)]) {
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

fn code_of(command: &Command) -> u16 {
    match command {
        Command::ReadWords(..) | Command::ReadBits(..) => 0x0401,
        Command::WriteWords(..) | Command::WriteBits(..) => 0x1401,
        Command::ReadRandom(..) => 0x0403,
        Command::WriteRandom(..) | Command::WriteRandomBits(_) => 0x1402,
        Command::ReadModel => 0x0101,
    }
}

/// Counts within the protocol's limits always fit; one beyond them the device refuses.
fn count(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

fn small(len: usize) -> u8 {
    u8::try_from(len).unwrap_or(u8::MAX)
}

impl In<'_> {
    fn route(&mut self) -> Result<Route, Broken> {
        let (network, pc) = (self.number(1)? as u8, self.number(1)? as u8);
        Ok(Route { network, pc, module_io: self.u16()?, station: self.number(1)? as u8 })
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
