//! Modbus among the collected protocols.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::address::ModbusAddress;
use super::client::{ModbusClient, ModbusEndpoint};
use crate::collect::address::DeviceAddress;
use crate::collect::client::{ConnectContext, DeviceClient, DeviceEndpoint, is_equal};
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::{DeviceProtocol, SettingValues, SourceContext, UrlSetting};
use crate::collect::registers::source::{self, RegisterSource};
use crate::collect::source::DeviceSource;
use crate::domain::Result;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::ByteOrder;

/// Modbus TCP and RTU over TCP.
pub struct Modbus;

impl DeviceProtocol for Modbus {
    fn protocol(&self) -> Protocol {
        Protocol::Modbus
    }

    fn source(&self, device: &DeviceSpec, context: SourceContext) -> Result<Box<dyn DeviceSource>> {
        RegisterSource::boxed(&Modbus, device, context)
    }

    fn check_polling(&self, device: &DeviceSpec) -> Result<()> {
        source::max_gap(device).map(drop)
    }

    fn endpoint(&self, device: &DeviceSpec) -> Result<Arc<dyn DeviceEndpoint>> {
        Ok(Arc::new(ModbusEndpoint::from_spec(device)?))
    }

    fn parse_address(&self, _: &DeviceSpec, text: &str) -> Result<DeviceAddress, String> {
        let address: ModbusAddress = text.parse().map_err(|invalid| format!("{invalid}"))?;
        Ok(address.into())
    }

    fn url_settings(&self) -> Option<&'static [UrlSetting]> {
        Some(&[("framing", SettingValues::OneOf(&["tcp", "rtu_over_tcp"]))])
    }

    fn wire_order(&self) -> ByteOrder {
        ByteOrder::Big
    }
}

#[async_trait]
impl DeviceEndpoint for ModbusEndpoint {
    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn is_same(&self, other: &dyn DeviceEndpoint) -> bool {
        is_equal(self, other)
    }

    async fn connect(&self, context: &ConnectContext) -> Result<Box<dyn DeviceClient>, DeviceFault> {
        Ok(Box::new(ModbusClient::connect(self, &context.networks).await?))
    }
}
