//! One-off read or browse of a server from its address alone, without a device or stream; nothing is stored.
//!
//! `opc.tcp://HOST[:PORT][/PATH]?node=ns%3D2%3Bs%3DTemp`, and as further parameters the settings of a device:
//! `security_policy`, `security_mode`, `username`, `password`, `user_certificate`. Defaults: port 4840, no security,
//! anonymous login.

use std::time::Duration;

use opcua::types::{BinaryEncodable, ContextOwned};
use url::Url;

use super::browse;
use super::client::OpcuaClient;
use super::endpoint::OpcuaEndpoint;
use super::node::NodePath;
use super::status;
use crate::collect::client::ConnectContext;
use crate::collect::device_value::DeviceValue;
use crate::domain::address_space::BrowseTree;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::{Error, Micros, Result};

const FORM: &str = "write opc.tcp://HOST[:PORT][/PATH]?node=NODE, for example \
                    opc.tcp://127.0.0.1:4840/?node=ns%3D2%3Bs%3DTemp";
const PARAMETERS: [&str; 6] =
    ["node", "security_policy", "security_mode", "username", "password", "user_certificate"];

/// Result of a one-off read.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeRead {
    pub node: NodePath,
    /// The server's data type of the value.
    pub data_type: String,
    pub value: DeviceValue,
    pub status: String,
    pub source_time: Option<Micros>,
    pub server_time: Option<Micros>,
    /// The value as received, in OPC UA's binary encoding.
    pub raw: Vec<u8>,
}

/// Reads one node; every step may take `timeout`.
pub async fn read(address: &str, timeout: Duration, means: &ConnectContext) -> Result<NodeRead> {
    let (endpoint, node) = parse(address, timeout)?;
    let node = node.ok_or_else(|| Error::invalid(format!("`{address}` names no node: {FORM}")))?;
    let mut client = OpcuaClient::connect(&endpoint, means).await?;
    let value = client.read_value(&node).await?;
    let sample = status::sample(&value).map_err(Error::invalid)?;
    let content = value.value.as_ref();
    let data_type = status::data_type(&value).unwrap_or_default();
    let context = ContextOwned::default();
    let raw = content.map_or_else(Vec::new, |content| content.encode_to_vec(&context.context()));
    client.close().await;
    Ok(NodeRead {
        node,
        data_type,
        value: sample.value,
        status: value.status.map_or_else(|| "Good".to_owned(), |status| status.to_string()),
        source_time: sample.source_time,
        server_time: value.server_timestamp.and_then(status::micros),
        raw,
    })
}

/// Browses `depth` levels below a node, by default the Objects folder.
pub async fn browse(
    address: &str,
    depth: usize,
    timeout: Duration,
    means: &ConnectContext,
) -> Result<BrowseTree> {
    let (endpoint, node) = parse(address, timeout)?;
    let node = node.map_or_else(|| browse::OBJECTS.parse().map_err(|_| Error::internal("no node")), Ok)?;
    let mut client = OpcuaClient::connect(&endpoint, means).await?;
    let tree = browse::browse(&mut client, &node, depth).await?;
    client.close().await;
    Ok(tree)
}

fn parse(address: &str, timeout: Duration) -> Result<(OpcuaEndpoint, Option<NodePath>)> {
    let url = Url::parse(address)
        .map_err(|error| Error::invalid(format!("`{address}` is no address ({error}): {FORM}")))?;
    let mut device = DeviceSpec::new("", Protocol::Opcua);
    device.timeout_s = timeout.as_secs_f64();
    let mut node = None;
    for (key, setting) in url.query_pairs() {
        let setting = setting.into_owned();
        match &*key {
            "node" => node = Some(setting.parse().map_err(|error| Error::invalid(format!("{error}")))?),
            "username" => device.username = setting,
            "password" => device.password = setting,
            known if PARAMETERS.contains(&known) => {
                drop(device.metadata.insert(known.to_owned(), setting.into()))
            }
            _ => {
                let valid = PARAMETERS.join(", ");
                return Err(Error::invalid(format!("parameter `{key}` is not one of {valid}")));
            }
        }
    }
    let mut bare = url;
    bare.set_query(None);
    device.host = bare.to_string();
    Ok((OpcuaEndpoint::from_spec(&device)?, node))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(2);

    #[test]
    fn an_address_is_settings_and_a_node() {
        let (endpoint, node) =
            parse("opc.tcp://kiln:4841/UA?node=ns%3D2%3Bs%3DTemp%202&username=op", TIMEOUT).unwrap();
        assert_eq!((endpoint.url(), endpoint.timeout), ("opc.tcp://kiln:4841/UA".to_owned(), TIMEOUT));
        assert_eq!(node.unwrap().to_string(), "ns=2;s=Temp 2");
        let (endpoint, node) = parse("opc.tcp://[::1]?security_policy=Basic256Sha256", TIMEOUT).unwrap();
        assert_eq!((endpoint.url().as_str(), node), ("opc.tcp://[::1]:4840", None));
        assert_eq!((endpoint.policy.name(), endpoint.mode.name()), ("Basic256Sha256", "SignAndEncrypt"));
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        for (address, why) in [
            ("opc.tcp://", "Write a host name"),
            ("opc.tcp://h?node=Temp", "`Temp` is no node id"),
            ("opc.tcp://h?nodes=i%3D85", "parameter `nodes` is not one of node, security_policy"),
            ("opc.tcp://h?security_policy=Basic128", "\"Basic128\" is not one of None, Basic256Sha256"),
        ] {
            let error = parse(address, TIMEOUT).unwrap_err();
            let words = format!("{error} {:?}", error.fields);
            assert!(words.contains(&why.replace('"', "\\\"")) || words.contains(why), "{address}: {words}");
        }
    }
}
