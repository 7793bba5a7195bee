//! The single list of protocols whose devices have individually addressable values.

use crate::domain::device::Protocol;

/// A protocol that has an address grammar and a client in this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressableProtocol {
    Modbus,
    Melsec,
    Fenet,
    Opcua,
}

impl AddressableProtocol {
    /// Returns `None` for protocols without addresses and for protocols that have no client here.
    pub fn from_protocol(protocol: Protocol) -> Option<AddressableProtocol> {
        match protocol {
            Protocol::Modbus => Some(AddressableProtocol::Modbus),
            Protocol::Melsec => Some(AddressableProtocol::Melsec),
            Protocol::Fenet => Some(AddressableProtocol::Fenet),
            Protocol::Opcua => Some(AddressableProtocol::Opcua),
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
            assert_eq!(
                AddressableProtocol::from_protocol(protocol).is_some(),
                protocol.has_registers(),
                "{protocol}"
            );
        }
    }
}
