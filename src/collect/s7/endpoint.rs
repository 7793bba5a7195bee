//! Settings of the connection to an S7 CPU.

use std::time::Duration;

use async_trait::async_trait;

use super::client::S7Client;
use super::transport::Tsaps;
use crate::collect::client::ConnectContext;
use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::fault::DeviceFault;
use crate::collect::peer::{Peer, Transport};
use crate::collect::registers::protocol::RegisterEndpoint;
use crate::collect::settings::ProtocolSettings;
use crate::domain::Result;
use crate::domain::device::DeviceSpec;

/// Highest rack: three bits of the TSAP.
pub const MAX_RACK: u64 = 7;
/// Highest slot: five bits of the TSAP.
pub const MAX_SLOT: u64 = 31;
/// Slot of the CPU of an S7-1200 or S7-1500; that of an S7-300 is 2.
const DEFAULT_SLOT: u16 = 1;
/// TSAP of a programming device, which CPUs accept from everybody.
const DEFAULT_LOCAL_TSAP: u16 = 0x0100;

/// Address and protocol settings of a CPU.
#[derive(Debug, Clone, PartialEq)]
pub struct S7Endpoint {
    pub peer: Peer,
    pub tsaps: Tsaps,
}

#[async_trait]
impl RegisterEndpoint for S7Endpoint {
    type Client = S7Client;

    fn from_spec(spec: &DeviceSpec) -> Result<S7Endpoint> {
        let settings = ProtocolSettings(&spec.metadata);
        let rack: u16 = settings.number("rack", MAX_RACK)?.unwrap_or_default();
        let slot: u16 = settings.number("slot", MAX_SLOT)?.unwrap_or(DEFAULT_SLOT);
        // The first byte of the TSAP is the resource of the CPU that the connection takes.
        let connection: u16 = settings.choice("connection", &[("pg", 1), ("op", 2), ("basic", 3)])?;
        let of_place = connection << 8 | rack << 5 | slot;
        let tsaps = Tsaps {
            local: settings.number("local_tsap", 0xFFFF)?.unwrap_or(DEFAULT_LOCAL_TSAP),
            remote: settings.number("remote_tsap", 0xFFFF)?.unwrap_or(of_place),
        };
        Ok(S7Endpoint { peer: Peer::from_spec(spec, Transport::Tcp)?, tsaps })
    }

    fn timeout(&self) -> Duration {
        self.peer.timeout
    }

    fn usage(&self) -> ConnectionUsage {
        self.peer.usage
    }

    async fn connect(&self, context: &ConnectContext) -> Result<S7Client, DeviceFault> {
        S7Client::connect(&self.peer, self.tsaps, &context.networks).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::domain::device::Protocol;

    fn endpoint(settings: &[(&str, Json)]) -> Result<S7Endpoint> {
        let mut spec = DeviceSpec::new("plc", Protocol::S7);
        spec.metadata = settings.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        S7Endpoint::from_spec(&spec)
    }

    #[test]
    fn settings_are_checked() {
        assert_eq!(endpoint(&[]).unwrap().peer.port, 102);
        let tsaps = |settings: &[_]| endpoint(settings).map(|endpoint| endpoint.tsaps);
        for (settings, local, remote) in [
            (vec![], 0x0100, 0x0101),
            (vec![("rack", json!(0)), ("slot", json!(2))], 0x0100, 0x0102),
            (vec![("rack", json!(2)), ("slot", json!(3)), ("connection", json!("basic"))], 0x0100, 0x0343),
            (vec![("connection", json!("op")), ("local_tsap", json!(0x0200))], 0x0200, 0x0201),
            (vec![("remote_tsap", json!(0x1000)), ("slot", json!(9))], 0x0100, 0x1000),
        ] {
            assert_eq!(tsaps(&settings).unwrap(), Tsaps { local, remote }, "{settings:?}");
        }
        for (name, value) in [
            ("rack", json!(8)),
            ("slot", json!(32)),
            ("slot", json!("2")),
            ("connection", json!("s7")),
            ("remote_tsap", json!(65_536)),
        ] {
            let error = tsaps(&[(name, value.clone())]).unwrap_err();
            assert_eq!(error.fields[0].field, name, "{value}");
        }
    }
}
