//! Settings of the frames of SLMP / MC protocol, and what can be wrong with an answer.
//!
//! SLMP reference manual (SH-080956), message formats.

#![warn(missing_docs)]

/// Header format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameVersion {
    /// Without a serial number: responses can be matched by their order only.
    E3,
    /// With a serial number, which the device echoes.
    E4,
}

/// Data code of the connection, as set in the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Numbers as bytes, low byte first.
    Binary,
    /// Numbers as hexadecimal text, high digit first; frames are twice as long.
    Ascii,
}

/// Format of device names: subcommands 0000 and 0001, or 0002 and 0003.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceLayout {
    /// Three bytes of number, one of code; iQ-R and iQ-F understand it too.
    Ql,
    /// Four bytes of number, two of code.
    Iqr,
}

/// The CPU that a request is for; the device echoes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Network number; 0 is the network of the connection.
    pub network: u8,
    /// PC number; 0xFF is the CPU of the connection.
    pub pc: u8,
    /// Number of the requested module I/O; 0x03FF is the CPU itself.
    pub module_io: u16,
    /// Multidrop station number; 0 is the CPU itself.
    pub station: u8,
}

impl Route {
    /// The CPU at the other end of the connection.
    pub const OWN: Route = Route { network: 0, pc: 0xFF, module_io: 0x03FF, station: 0 };
}

/// Frame settings of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MelsecFormat {
    /// Header format.
    pub frame: FrameVersion,
    /// Data code.
    pub encoding: Encoding,
    /// Format of device names in commands.
    pub layout: DeviceLayout,
    /// The CPU that requests go to.
    pub route: Route,
    /// Time that the device may work on a request, in units of 250 ms; 0 means no limit.
    pub timer: u16,
}

/// Why bytes are not the answer to the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MelsecFrameError {
    /// The bytes end before the frame does.
    #[error("the answer is cut short")]
    Short,
    /// A byte of an ASCII frame is no hexadecimal digit.
    #[error("the answer is not hexadecimal text")]
    NotHexadecimal,
    /// The first two bytes are not those of a response in this frame version.
    #[error("the answer has an invalid header: other frame or code than the device's setting?")]
    Subheader,
    /// The serial number of a 4E frame is that of another request.
    #[error("the answer belongs to another request")]
    Serial,
    /// The echoed route is not the one that the request named.
    #[error("the answer comes from another station")]
    Route,
    /// The values are not those that the command asked for, or bytes are left over.
    #[error("the answer does not hold what was asked for")]
    Content,
}
