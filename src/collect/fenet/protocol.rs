//! FEnet among the collected protocols.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::address::FenetAddress;
use super::client::{FenetClient, FenetEndpoint};
use crate::collect::address::DeviceAddress;
use crate::collect::client::{ConnectContext, DeviceClient, DeviceEndpoint, is_equal};
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::{DeviceProtocol, SettingValues, SourceContext, UrlSetting};
use crate::collect::registers::source::{self, RegisterSource};
use crate::collect::source::DeviceSource;
use crate::domain::Result;
use crate::domain::device::{DeviceSpec, Protocol};

/// The XGT dedicated protocol over TCP.
pub struct Fenet;

impl DeviceProtocol for Fenet {
    fn protocol(&self) -> Protocol {
        Protocol::Fenet
    }

    fn source(&self, device: &DeviceSpec, context: SourceContext) -> Result<Box<dyn DeviceSource>> {
        RegisterSource::boxed(&Fenet, device, context)
    }

    fn check_polling(&self, device: &DeviceSpec) -> Result<()> {
        source::max_gap(device).map(drop)
    }

    fn endpoint(&self, device: &DeviceSpec) -> Result<Arc<dyn DeviceEndpoint>> {
        Ok(Arc::new(FenetEndpoint::from_spec(device)?))
    }

    fn parse_address(&self, _: &DeviceSpec, text: &str) -> Result<DeviceAddress, String> {
        let address: FenetAddress = text.parse().map_err(|invalid| format!("{invalid}"))?;
        Ok(address.into())
    }

    fn url_settings(&self) -> Option<&'static [UrlSetting]> {
        Some(&[
            ("cpu", SettingValues::OneOf(&["XGK", "XGI", "XGR", "XGB", "XGB-IEC"])),
            ("base", SettingValues::UpTo(15)),
            ("echoes_invoke_id", SettingValues::Boolean),
        ])
    }
}

#[async_trait]
impl DeviceEndpoint for FenetEndpoint {
    fn timeout(&self) -> Duration {
        self.peer.timeout
    }

    fn is_same(&self, other: &dyn DeviceEndpoint) -> bool {
        is_equal(self, other)
    }

    async fn connect(&self, context: &ConnectContext) -> Result<Box<dyn DeviceClient>, DeviceFault> {
        Ok(Box::new(FenetClient::connect(self, &context.networks).await?))
    }
}
