//! OPC UA among the collected protocols.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::browse;
use super::client::OpcuaClient;
use super::endpoint::{self, OpcuaEndpoint};
use super::node::{InvalidNodeId, NodePath};
use super::source::OpcuaSource;
use crate::collect::address::{DeviceAddress, invalid_register_message};
use crate::collect::client::{ConnectContext, DeviceClient, DeviceEndpoint, foreign_address, is_equal};
use crate::collect::fault::DeviceFault;
use crate::collect::point::{DevicePoint, PointData, PointWrite};
use crate::collect::protocol::{DeviceProtocol, SourceContext};
use crate::collect::source::{DeviceSource, GroupedSource};
use crate::domain::Result;
use crate::domain::address_space::BrowseTree;
use crate::domain::device::{DeviceSpec, Protocol};

/// OPC UA over TCP (`opc.tcp://`).
pub struct Opcua;

impl DeviceProtocol for Opcua {
    fn protocol(&self) -> Protocol {
        Protocol::Opcua
    }

    fn source(&'static self, device: &DeviceSpec, context: SourceContext) -> Result<Box<dyn DeviceSource>> {
        Ok(Box::new(GroupedSource::new(OpcuaSource::new(device, context)?)))
    }

    fn check_polling(&self, device: &DeviceSpec) -> Result<()> {
        endpoint::uses_subscription(device).map(drop)
    }

    fn endpoint(&self, device: &DeviceSpec) -> Result<Arc<dyn DeviceEndpoint>> {
        Ok(Arc::new(OpcuaEndpoint::from_spec(device)?))
    }

    fn parse_address(&self, _: &DeviceSpec, text: &str) -> Result<DeviceAddress, String> {
        let node = text.parse().map(DeviceAddress::Node);
        node.map_err(|bad: InvalidNodeId| invalid_register_message(text, format_args!("{bad}.")))
    }

    fn browse_root(&self) -> Option<&'static str> {
        Some(browse::OBJECTS)
    }
}

#[async_trait]
impl DeviceEndpoint for OpcuaEndpoint {
    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn is_same(&self, other: &dyn DeviceEndpoint) -> bool {
        is_equal(self, other)
    }

    async fn connect(&self, context: &ConnectContext) -> Result<Box<dyn DeviceClient>, DeviceFault> {
        Ok(Box::new(OpcuaClient::connect(self, context).await?))
    }
}

#[async_trait]
impl DeviceClient for OpcuaClient {
    fn is_open(&self) -> bool {
        self.session.is_open()
    }

    fn has_sent(&self) -> bool {
        self.has_sent
    }

    fn has_answered(&self) -> bool {
        self.has_answered
    }

    async fn read(&mut self, point: &DevicePoint) -> Result<PointData, DeviceFault> {
        let DevicePoint::Node(node, _) = point else { return Err(foreign_address()) };
        let value = self.read_value(node).await?;
        Ok(PointData::Node(node.clone(), Box::new(value)))
    }

    async fn write(&mut self, change: &PointWrite) -> Result<(), DeviceFault> {
        let PointWrite::Node(node, value) = change else { return Err(foreign_address()) };
        self.write_value(node, value).await
    }

    async fn browse(&mut self, node: &str, depth: usize) -> Result<BrowseTree, DeviceFault> {
        let path: Result<NodePath, InvalidNodeId> = node.parse();
        let path = path.map_err(|bad| DeviceFault::Unsupported { field: "node", words: bad.to_string() })?;
        browse::browse(self, &path, depth).await
    }

    async fn close(self: Box<Self>) {
        OpcuaClient::close(*self).await;
    }
}
