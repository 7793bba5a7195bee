//! MQTT endpoint: a broker's address, login and session settings, from a device's settings. Pure.

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::Url;

use crate::collect::settings::ProtocolSettings;
use crate::domain::device::DeviceSpec;
use crate::domain::http_request::check_json_pointer;
use crate::domain::mqtt::filter::TopicFilter;
use crate::domain::{Error, Result};

const PORT: u16 = 1883;
const TLS_PORT: u16 = 8883;
const HOST_FORM: &str =
    "Write a host name, an address, HOST:PORT, mqtt://HOST[:PORT] or mqtts://HOST[:PORT].";
/// Short enough that a broker that is gone is noticed within a minute.
const DEFAULT_KEEP_ALIVE_S: u16 = 30;
/// The standard wants longer ones to be possible, not to be accepted by brokers.
const MAX_CLIENT_ID_BYTES: usize = 256;

/// Name and password at the broker. `Debug` prints no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub username: String,
    /// `None` when it is empty.
    pub password: Option<String>,
}

/// Address, login and session of a broker, from a device's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MqttEndpoint {
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    pub uses_tls: bool,
    /// Name of a PEM file in `pki/mqtt/` with the authorities to trust; `None` for the public ones.
    pub ca_file: Option<String>,
    pub login: Option<Login>,
    pub client_id: String,
    /// Whether the broker drops the session with the connection. Devices never want this.
    pub is_temporary: bool,
    /// Longest silence from our side; zero for none.
    pub keep_alive: Duration,
    /// For each step of connecting and for each request.
    pub timeout: Duration,
}

/// Settings of a device's subscriptions besides the filters of its streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionSettings {
    /// Subscribed to in place of each stream's own filter.
    pub filter: Option<TopicFilter>,
    /// Whether the broker repeats messages until they are acknowledged (QoS 1).
    pub is_acknowledged: bool,
    /// JSON pointer to the time in every payload.
    pub time_pointer: Option<Box<str>>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}

impl MqttEndpoint {
    /// Builds the endpoint from a device's settings.
    ///
    /// # Errors
    /// `Invalid` that names the wrong setting.
    pub fn from_spec(spec: &DeviceSpec) -> Result<MqttEndpoint> {
        let address = parse_host(&spec.host)?;
        let port = match (address.port, spec.port) {
            (Some(in_url), Some(port)) if in_url != port => {
                return Err(Error::field("port", format!("Conflicts with port {in_url} in host.")));
            }
            (in_url, port) => in_url.or(port).unwrap_or(if address.uses_tls { TLS_PORT } else { PORT }),
        };
        let timeout = Duration::try_from_secs_f64(spec.timeout_s)
            .map_err(|_| Error::field("timeout", "A valid number is required."))?;
        let ca_file = ca_file(&spec.metadata)?;
        if ca_file.is_some() && !address.uses_tls {
            return Err(Error::field("ca_file", "Works with mqtts://HOST only."));
        }
        let keep_alive = ProtocolSettings(&spec.metadata).number("keep_alive", u16::MAX.into())?;
        let client_id = text(&spec.metadata, "client_id")?;
        if client_id.is_some_and(|id| id.is_empty() || id.len() > MAX_CLIENT_ID_BYTES || id.contains('\0')) {
            return Err(Error::field("client_id", "Must have 1 to 256 bytes."));
        }
        Ok(MqttEndpoint {
            client_id: client_id.map_or_else(|| default_client_id(spec), str::to_owned),
            host: address.host,
            port,
            uses_tls: address.uses_tls,
            ca_file,
            login: login(spec)?,
            is_temporary: false,
            keep_alive: Duration::from_secs(keep_alive.unwrap_or(DEFAULT_KEEP_ALIVE_S).into()),
            timeout,
        })
    }

    /// Returns host and port, as in fault messages.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// How the payloads of a device are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadFormat {
    /// Text or JSON.
    Plain,
    /// Sparkplug B.
    Sparkplug,
}

impl PayloadFormat {
    /// Parses `format` of a device.
    ///
    /// # Errors
    /// `Invalid` for that setting.
    pub fn from_metadata(metadata: &Map<String, Value>) -> Result<PayloadFormat> {
        let formats = [("json", PayloadFormat::Plain), ("sparkplug", PayloadFormat::Sparkplug)];
        ProtocolSettings(metadata).choice("format", &formats)
    }
}

impl SubscriptionSettings {
    /// Parses `topic_filter`, `qos` and `time_pointer` of a device.
    ///
    /// # Errors
    /// `Invalid` that names the wrong setting.
    pub fn from_metadata(metadata: &Map<String, Value>) -> Result<SubscriptionSettings> {
        let filter = text(metadata, "topic_filter")?.map(|text| {
            TopicFilter::parse(text).map_err(|why| Error::field("topic_filter", format!("`{text}`: {why}.")))
        });
        let qos = ProtocolSettings(metadata).number::<u8>("qos", 1)?;
        Ok(SubscriptionSettings {
            filter: filter.transpose()?,
            is_acknowledged: qos != Some(0),
            time_pointer: time_pointer(metadata)?,
        })
    }
}

/// Parses the setting `time_pointer` of a device or a stream.
///
/// # Errors
/// `Invalid` for that setting.
pub fn time_pointer(metadata: &Map<String, Value>) -> Result<Option<Box<str>>> {
    const NAME: &str = "time_pointer";
    let Some(pointer) = text(metadata, NAME)? else { return Ok(None) };
    let checked = check_json_pointer(pointer).map(|()| Some(Box::from(pointer)));
    checked.map_err(|_| Error::field(NAME, format!("`{pointer}` is no JSON pointer such as /time.")))
}

struct BrokerAddress {
    host: String,
    port: Option<u16>,
    uses_tls: bool,
}

/// Parses a device's host setting.
fn parse_host(text: &str) -> Result<BrokerAddress> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field("host", "This field is required."));
    }
    let wrong = || Error::field("host", HOST_FORM);
    // An IPv6 address may stand without its brackets, as for other protocols.
    let is_bare_v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
    let (scheme, rest) = text.split_once("://").unwrap_or(("mqtt", text));
    let uses_tls = match scheme {
        "mqtt" => false,
        "mqtts" => true,
        _ => return Err(wrong()),
    };
    let rest = if is_bare_v6 { format!("[{rest}]") } else { rest.to_owned() };
    // A scheme that the standard for URLs does not know has no default port that the parser would leave out.
    let url = Url::parse(&format!("mqtt://{rest}")).map_err(|_| wrong())?;
    let has_more = !url.username().is_empty()
        || url.password().is_some()
        || !matches!(url.path(), "" | "/")
        || url.query().is_some()
        || url.fragment().is_some();
    let host = url.host_str().filter(|host| !host.is_empty() && !has_more && url.port() != Some(0));
    let host = host.ok_or_else(wrong)?.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(BrokerAddress { host, port: url.port(), uses_tls })
}

fn login(spec: &DeviceSpec) -> Result<Option<Login>> {
    let password = Some(spec.password.clone()).filter(|password| !password.is_empty());
    match (spec.username.is_empty(), &password) {
        (true, None) => Ok(None),
        // MQTT 3.1.1, section 3.1.2.9.
        (true, Some(_)) => Err(Error::field("username", "Is required with a password.")),
        (false, _) => Ok(Some(Login { username: spec.username.clone(), password })),
    }
}

/// Client id that is the same after every start, and another one for another device. 22 characters: every broker takes 23.
fn default_client_id(spec: &DeviceSpec) -> String {
    let mut digest = Sha256::new();
    for part in [&*spec.name, &spec.host, &spec.username] {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    format!("basalt{}", hex::encode(&digest.finalize()[..8]))
}

/// Parses `ca_file`. The name becomes part of a path, so it must not lead out of the folder.
fn ca_file(metadata: &Map<String, Value>) -> Result<Option<String>> {
    let Some(name) = text(metadata, "ca_file")? else { return Ok(None) };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name = (1..=100).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_plain);
    let words = "The name of a PEM file in pki/mqtt: letters, digits, `-`, `_` and `.` inside.";
    if is_name { Ok(Some(name.to_owned())) } else { Err(Error::field("ca_file", words)) }
}

/// A setting that is a text; `None` where it is absent or null.
pub(super) fn text<'a>(metadata: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>> {
    let Some(setting) = metadata.get(name).filter(|setting| !setting.is_null()) else { return Ok(None) };
    setting.as_str().map(Some).ok_or_else(|| Error::field(name, format!("{setting} is not a text.")))
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
