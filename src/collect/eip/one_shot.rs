//! One-off read or browse of a controller from its address alone, without a device or stream; nothing is stored.
//!
//! `eip://HOST[:PORT]/TAG?slot=0`, and as a further parameter `routing=direct`. Defaults are those of a device: port
//! 44818, slot 0 of the backplane.

use std::time::Duration;

use url::Url;

use super::browse::{self, CONTROLLER};
use super::client::EipClient;
use super::endpoint::{EipEndpoint, ROUTING, SLOT};
use super::tag::{InvalidTagPath, TagPath};
use crate::collect::device_value::DeviceValue;
use crate::collect::networks::AllowedNetworks;
use crate::domain::address_space::BrowseTree;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::{Error, Result};

const FORM: &str =
    "write eip://HOST[:PORT]/TAG?slot=0, for example eip://127.0.0.1:44818/Program:Main.speed?slot=0";

/// Result of a one-off read.
#[derive(Debug, Clone, PartialEq)]
pub struct TagRead {
    pub tag: TagPath,
    /// The controller's type of the value.
    pub data_type: &'static str,
    pub value: DeviceValue,
    /// The value as received.
    pub raw: Vec<u8>,
}

/// Reads one tag; every step may take `timeout`.
pub async fn read(address: &str, timeout: Duration) -> Result<TagRead> {
    let (endpoint, path) = parse(address, timeout)?;
    let tag: TagPath = path.parse().map_err(|error: InvalidTagPath| Error::invalid(error.to_string()))?;
    let mut client = EipClient::connect(&endpoint, &AllowedNetworks::default()).await?;
    let data = client.read_tag(&tag).await?;
    client.close().await;
    let value = data.sample(tag.bit(), None).map_err(Error::invalid)?;
    Ok(TagRead { tag, data_type: data.data_type.name(), value, raw: data.raw })
}

/// Browses `depth` levels below the controller, or below the program or tag of the address.
pub async fn browse(address: &str, depth: usize, timeout: Duration) -> Result<BrowseTree> {
    let (endpoint, path) = parse(address, timeout)?;
    let node = if path.is_empty() { CONTROLLER } else { &path };
    if node != CONTROLLER {
        let _: TagPath = node.parse().map_err(|error: InvalidTagPath| Error::invalid(error.to_string()))?;
    }
    let mut client = EipClient::connect(&endpoint, &AllowedNetworks::default()).await?;
    let tree = browse::browse(&mut client, node, depth).await?;
    client.close().await;
    Ok(tree)
}

/// The endpoint of an address, and the text after the slash.
fn parse(address: &str, timeout: Duration) -> Result<(EipEndpoint, String)> {
    let url = Url::parse(address)
        .map_err(|error| Error::invalid(format!("`{address}` is no address ({error}): {FORM}")))?;
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| Error::invalid(format!("`{address}` names no host: {FORM}")))?;
    if url.port() == Some(0) {
        return Err(Error::invalid(format!("port 0 cannot be connected to: {FORM}")));
    }
    let mut device = DeviceSpec::new("", Protocol::Eip);
    device.host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    (device.port, device.timeout_s) = (url.port(), timeout.as_secs_f64());
    for (key, setting) in url.query_pairs() {
        let setting = match &*key {
            SLOT => setting.parse::<u64>().map_or_else(|_| setting.into(), serde_json::Value::from),
            ROUTING => setting.into(),
            _ => return Err(Error::invalid(format!("parameter `{key}` is not one of {SLOT}, {ROUTING}"))),
        };
        device.metadata.insert(key.into_owned(), setting);
    }
    let path = url.path().trim_start_matches('/');
    // Brackets may be escaped, as the rules for URLs want it.
    let path = path.replace("%5B", "[").replace("%5b", "[").replace("%5D", "]").replace("%5d", "]");
    Ok((EipEndpoint::from_spec(&device)?, path.replace("%3A", ":").replace("%3a", ":").replace("%2C", ",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::eip::endpoint::MessageRoute;

    const TIMEOUT: Duration = Duration::from_secs(2);

    #[test]
    fn an_address_is_settings_and_a_tag() {
        for (address, host, route, path) in [
            (
                "eip://plc/Program:Main.speed?slot=3",
                "plc:44818",
                MessageRoute::Backplane(3),
                "Program:Main.speed",
            ),
            ("eip://[::1]:2222/axes[2,1].x", "[::1]:2222", MessageRoute::Backplane(0), "axes[2,1].x"),
            ("eip://plc/a%5B2%5D?routing=direct", "plc:44818", MessageRoute::Direct, "a[2]"),
            ("eip://plc", "plc:44818", MessageRoute::Backplane(0), ""),
        ] {
            let (endpoint, seen) = parse(address, TIMEOUT).unwrap();
            assert_eq!(
                (endpoint.peer.address().as_str(), endpoint.route, seen.as_str()),
                (host, route, path)
            );
            assert_eq!(endpoint.peer.timeout, TIMEOUT);
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        for (address, why) in [
            ("eip:///speed", "names no host"),
            ("eip://plc:0/speed", "port 0"),
            ("eip://plc/speed?slots=1", "parameter `slots` is not one of slot, routing"),
            ("eip://plc/speed?slot=256", "slot: 256 is not a whole number from 0 to 255."),
            ("eip://plc/speed?slot=a", "slot: \"a\" is not a whole number"),
            ("eip://plc/speed?routing=x", "routing: \"x\" is not one of backplane, direct."),
        ] {
            let error = parse(address, TIMEOUT).unwrap_err().full_message();
            assert!(error.contains(why), "{address}: {error}");
        }
    }

    #[tokio::test]
    async fn a_tag_that_cannot_be_is_refused_before_connecting() {
        let error = read("eip://192.0.2.1/a..b", TIMEOUT).await.unwrap_err();
        assert!(error.message.contains("`a..b` is no tag"), "{error:?}");
    }
}
