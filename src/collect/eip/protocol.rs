//! EtherNet/IP among the collected protocols.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::browse::{self, CONTROLLER};
use super::client::EipClient;
use super::endpoint::EipEndpoint;
use super::source::EipSource;
use super::tag::InvalidTagPath;
use crate::collect::address::{DeviceAddress, invalid_register_message};
use crate::collect::client::{ConnectContext, DeviceClient, DeviceEndpoint, foreign_address, is_equal};
use crate::collect::connection_usage::ConnectionUsage;
use crate::collect::fault::DeviceFault;
use crate::collect::point::{DevicePoint, PointData, PointWrite};
use crate::collect::protocol::{DeviceProtocol, SourceContext};
use crate::collect::source::{DeviceSource, GroupedSource};
use crate::domain::Result;
use crate::domain::address_space::BrowseTree;
use crate::domain::device::{DeviceSpec, Protocol};

/// EtherNet/IP with the tags of Logix controllers.
pub struct Eip;

impl DeviceProtocol for Eip {
    fn protocol(&self) -> Protocol {
        Protocol::Eip
    }

    fn source(&'static self, device: &DeviceSpec, context: SourceContext) -> Result<Box<dyn DeviceSource>> {
        Ok(Box::new(GroupedSource::new(EipSource::new(device, context)?)))
    }

    fn endpoint(&self, device: &DeviceSpec) -> Result<Arc<dyn DeviceEndpoint>> {
        Ok(Arc::new(EipEndpoint::from_spec(device)?))
    }

    fn parse_address(&self, _: &DeviceSpec, text: &str) -> Result<DeviceAddress, String> {
        let tag = text.parse().map(DeviceAddress::Tag);
        tag.map_err(|bad: InvalidTagPath| invalid_register_message(text, format_args!("{bad}.")))
    }

    fn browse_root(&self) -> Option<&'static str> {
        Some(CONTROLLER)
    }
}

#[async_trait]
impl DeviceEndpoint for EipEndpoint {
    fn timeout(&self) -> Duration {
        self.peer.timeout
    }

    fn usage(&self) -> ConnectionUsage {
        self.peer.usage
    }

    fn is_same(&self, other: &dyn DeviceEndpoint) -> bool {
        is_equal(self, other)
    }

    async fn connect(&self, context: &ConnectContext) -> Result<Box<dyn DeviceClient>, DeviceFault> {
        Ok(Box::new(EipClient::connect(self, &context.networks).await?))
    }
}

#[async_trait]
impl DeviceClient for EipClient {
    fn is_open(&self) -> bool {
        EipClient::is_open(self)
    }

    fn has_sent(&self) -> bool {
        EipClient::has_sent(self)
    }

    fn has_answered(&self) -> bool {
        EipClient::has_answered(self)
    }

    async fn read(&mut self, point: &DevicePoint) -> Result<PointData, DeviceFault> {
        let DevicePoint::Tag(path, _) = point else { return Err(foreign_address()) };
        let data = self.read_tag(path).await?;
        Ok(PointData::Tag(path.clone(), data))
    }

    async fn write(&mut self, change: &PointWrite) -> Result<(), DeviceFault> {
        let PointWrite::Tag(path, value) = change else { return Err(foreign_address()) };
        self.write_tag(path, value).await
    }

    async fn browse(&mut self, node: &str, depth: usize) -> Result<BrowseTree, DeviceFault> {
        browse::browse(self, node, depth).await
    }

    async fn close(self: Box<Self>) {
        EipClient::close(*self).await;
    }
}
