//! MELSEC among the collected protocols.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::client::{self, MelsecClient, MelsecEndpoint};
use crate::collect::address::DeviceAddress;
use crate::collect::client::{ConnectContext, DeviceClient, DeviceEndpoint, is_equal};
use crate::collect::fault::DeviceFault;
use crate::collect::protocol::{DeviceProtocol, SettingValues, SourceContext, UrlSetting};
use crate::collect::registers::source::{self, RegisterSource};
use crate::collect::source::DeviceSource;
use crate::domain::Result;
use crate::domain::device::{DeviceSpec, Protocol};

/// SLMP, which is MC protocol 3E and 4E.
pub struct Melsec;

impl DeviceProtocol for Melsec {
    fn protocol(&self) -> Protocol {
        Protocol::Melsec
    }

    fn source(&self, device: &DeviceSpec, context: SourceContext) -> Result<Box<dyn DeviceSource>> {
        RegisterSource::boxed(&Melsec, device, context)
    }

    fn check_polling(&self, device: &DeviceSpec) -> Result<()> {
        source::max_gap(device).map(drop)
    }

    fn endpoint(&self, device: &DeviceSpec) -> Result<Arc<dyn DeviceEndpoint>> {
        Ok(Arc::new(MelsecEndpoint::from_spec(device)?))
    }

    fn parse_address(&self, device: &DeviceSpec, text: &str) -> Result<DeviceAddress, String> {
        client::parse_address(device, text).map(DeviceAddress::from)
    }

    fn url_settings(&self) -> Option<&'static [UrlSetting]> {
        Some(&[
            ("frame", SettingValues::OneOf(&["3E", "4E"])),
            ("encoding", SettingValues::OneOf(&["binary", "ascii"])),
            ("transport", SettingValues::OneOf(&["tcp", "udp"])),
            ("series", SettingValues::OneOf(&["q", "iqr"])),
            ("xy_radix", SettingValues::OneOf(&["hex", "oct"])),
            ("network", SettingValues::UpTo(0xFF)),
            ("pc", SettingValues::UpTo(0xFF)),
            ("module_io", SettingValues::UpTo(0xFFFF)),
        ])
    }
}

#[async_trait]
impl DeviceEndpoint for MelsecEndpoint {
    fn timeout(&self) -> Duration {
        self.peer.timeout
    }

    fn is_same(&self, other: &dyn DeviceEndpoint) -> bool {
        is_equal(self, other)
    }

    async fn connect(&self, context: &ConnectContext) -> Result<Box<dyn DeviceClient>, DeviceFault> {
        Ok(Box::new(MelsecClient::connect(self, &context.networks).await?))
    }
}
