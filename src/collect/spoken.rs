//! The protocols by which single places of a device are read and written: the one list of them.

use crate::domain::device::Protocol;

/// A protocol with a grammar of places and a client here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    Modbus,
    Melsec,
    Fenet,
    Opcua,
}

impl Spoken {
    /// `None` for protocols of devices that have no places of their own, or that nobody speaks to here.
    pub fn of(protocol: Protocol) -> Option<Spoken> {
        match protocol {
            Protocol::Modbus => Some(Spoken::Modbus),
            Protocol::Melsec => Some(Spoken::Melsec),
            Protocol::Fenet => Some(Spoken::Fenet),
            Protocol::Opcua => Some(Spoken::Opcua),
            Protocol::Http
            | Protocol::Ai
            | Protocol::Virtual
            | Protocol::File
            | Protocol::Mqtt
            | Protocol::Vnc
            | Protocol::V4l2 => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_with_registers_is_spoken() {
        for protocol in Protocol::ALL {
            assert_eq!(Spoken::of(protocol).is_some(), protocol.has_registers(), "{protocol}");
        }
    }
}
