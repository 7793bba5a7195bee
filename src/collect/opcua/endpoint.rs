//! OPC UA endpoint: a server's address and security, from a device's settings. Pure.

use std::fmt;
use std::time::Duration;

use opcua::crypto::SecurityPolicy;
use opcua::types::MessageSecurityMode;
use serde_json::{Map, Value};
use url::{Host, Url};

use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::named_enum::named_enum;
use crate::domain::{Error, Result};

const SCHEME: &str = "opc.tcp";
const HOST_FORM: &str = "Write a host name, an address, HOST:PORT, or opc.tcp://HOST[:PORT][/PATH].";

named_enum! {
    /// Message security policy. The two older policies are broken and not offered.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum OpcuaSecurityPolicy {
        #[default]
        None = "None",
        Basic256Sha256 = "Basic256Sha256",
        Aes128Sha256RsaOaep = "Aes128_Sha256_RsaOaep",
        Aes256Sha256RsaPss = "Aes256_Sha256_RsaPss",
    }
}

named_enum! {
    /// Message security mode: whether messages are signed or also encrypted.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum OpcuaSecurityMode {
        None = "None",
        Sign = "Sign",
        SignAndEncrypt = "SignAndEncrypt",
    }
}

/// User identity at login. `Debug` prints no password.
#[derive(Clone, PartialEq, Eq)]
pub enum UserIdentity {
    Anonymous,
    User {
        name: String,
        password: String,
    },
    /// Name of a certificate and its key in `pki/users/`.
    Certificate(String),
}

/// Address, security and login of a server, from a device's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpcuaEndpoint {
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// With its leading slash, exactly as the device has it: servers compare it. Empty when the device has none or a
    /// slash alone.
    pub path: String,
    pub policy: OpcuaSecurityPolicy,
    /// `None` exactly when the policy is `None`.
    pub mode: OpcuaSecurityMode,
    pub identity: UserIdentity,
    /// For each step of connecting and for each request.
    pub timeout: Duration,
}

impl fmt::Debug for UserIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserIdentity::Anonymous => f.write_str("Anonymous"),
            UserIdentity::User { name, .. } => {
                f.debug_struct("User").field("name", name).finish_non_exhaustive()
            }
            UserIdentity::Certificate(name) => f.debug_tuple("Certificate").field(name).finish(),
        }
    }
}

impl OpcuaSecurityPolicy {
    /// The policy of a setting, which has its name with or without the underscores.
    fn of_setting(name: &str) -> Option<OpcuaSecurityPolicy> {
        let plain = |name: &str| name.replace('_', "");
        OpcuaSecurityPolicy::ALL.into_iter().find(|one| one.name() == name || plain(one.name()) == name)
    }

    pub(super) fn to_opcua(self) -> SecurityPolicy {
        match self {
            OpcuaSecurityPolicy::None => SecurityPolicy::None,
            OpcuaSecurityPolicy::Basic256Sha256 => SecurityPolicy::Basic256Sha256,
            OpcuaSecurityPolicy::Aes128Sha256RsaOaep => SecurityPolicy::Aes128Sha256RsaOaep,
            OpcuaSecurityPolicy::Aes256Sha256RsaPss => SecurityPolicy::Aes256Sha256RsaPss,
        }
    }
}

impl OpcuaSecurityMode {
    pub(super) fn to_opcua(self) -> MessageSecurityMode {
        match self {
            OpcuaSecurityMode::None => MessageSecurityMode::None,
            OpcuaSecurityMode::Sign => MessageSecurityMode::Sign,
            OpcuaSecurityMode::SignAndEncrypt => MessageSecurityMode::SignAndEncrypt,
        }
    }
}

impl OpcuaEndpoint {
    /// Builds the endpoint from a device's settings; the error names the wrong setting.
    pub fn from_spec(spec: &DeviceSpec) -> Result<OpcuaEndpoint> {
        let (host, url_port, path) = parse_host(&spec.host)?;
        let port = match (url_port, spec.port) {
            (Some(in_url), Some(port)) if in_url != port => {
                return Err(Error::field("port", format!("Conflicts with port {in_url} in host.")));
            }
            (in_url, port) => in_url.or(port).or(Protocol::Opcua.default_port()),
        };
        let port = port.ok_or_else(|| Error::field("port", "This field is required."))?;
        let timeout = Duration::try_from_secs_f64(spec.timeout_s)
            .map_err(|_| Error::field("timeout", "A valid number is required."))?;
        let (policy, mode) = security(&spec.metadata)?;
        let identity = identity(spec)?;
        Ok(OpcuaEndpoint { host, port, path, policy, mode, identity, timeout })
    }

    /// Returns `opc.tcp://HOST:PORT` and the path.
    pub fn url(&self) -> String {
        format!("{SCHEME}://{}{}", self.address(), self.path)
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

/// Whether values arrive by subscription instead of polling.
pub fn uses_subscription(spec: &DeviceSpec) -> Result<bool> {
    let Some(setting) = setting(&spec.metadata, "use_subscription") else { return Ok(false) };
    setting.as_bool().ok_or_else(|| Error::field("use_subscription", "Must be a valid boolean."))
}

/// Parses a device's host setting into host, port and path.
fn parse_host(host: &str) -> Result<(String, Option<u16>, String)> {
    let host = host.trim();
    if !host.contains("://") {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_address =
            Host::parse(&if bare.contains(':') { format!("[{bare}]") } else { bare.to_owned() }).is_ok();
        // A host that is no plain address may be HOST:PORT, which is parsed like a URL.
        return match is_address {
            true => Ok((bare.to_owned(), None, String::new())),
            false if host.contains(':') && !host.contains(['/', '@']) => {
                parse_url(&format!("{SCHEME}://{host}"))
            }
            false => Err(Error::field("host", HOST_FORM)),
        };
    }
    parse_url(host)
}

fn parse_url(input: &str) -> Result<(String, Option<u16>, String)> {
    let url = Url::parse(input).ok().filter(|url| url.scheme() == SCHEME && url.username().is_empty());
    let url = url.filter(|url| url.query().is_none() && url.fragment().is_none());
    let named = url.as_ref().and_then(|url| url.host_str().filter(|host| !host.is_empty()));
    let (Some(url), Some(named)) = (&url, named) else { return Err(Error::field("host", HOST_FORM)) };
    let path = if url.path() == "/" { "" } else { url.path() };
    Ok((named.trim_start_matches('[').trim_end_matches(']').to_owned(), url.port(), path.to_owned()))
}

fn security(metadata: &Map<String, Value>) -> Result<(OpcuaSecurityPolicy, OpcuaSecurityMode)> {
    let policy = choice(
        metadata,
        "security_policy",
        OpcuaSecurityPolicy::of_setting,
        OpcuaSecurityPolicy::ALL.map(OpcuaSecurityPolicy::name),
    )?;
    let policy = policy.unwrap_or_default();
    let mode = choice(
        metadata,
        "security_mode",
        OpcuaSecurityMode::from_name,
        OpcuaSecurityMode::ALL.map(OpcuaSecurityMode::name),
    )?;
    match (policy, mode) {
        (OpcuaSecurityPolicy::None, None | Some(OpcuaSecurityMode::None)) => {
            Ok((policy, OpcuaSecurityMode::None))
        }
        (OpcuaSecurityPolicy::None, Some(_)) => {
            Err(Error::field("security_mode", "Must be None while security_policy is None."))
        }
        (_, Some(OpcuaSecurityMode::None)) => {
            Err(Error::field("security_mode", "Must be Sign or SignAndEncrypt with this security_policy."))
        }
        (_, mode) => Ok((policy, mode.unwrap_or(OpcuaSecurityMode::SignAndEncrypt))),
    }
}

fn identity(spec: &DeviceSpec) -> Result<UserIdentity> {
    match setting(&spec.metadata, "user_certificate") {
        None if spec.username.is_empty() => Ok(UserIdentity::Anonymous),
        None => Ok(UserIdentity::User { name: spec.username.clone(), password: spec.password.clone() }),
        Some(_) if !spec.username.is_empty() => {
            Err(Error::field("user_certificate", "Set username or user_certificate, not both."))
        }
        Some(name) => match name.as_str().filter(|name| is_file_name(name)) {
            Some(name) => Ok(UserIdentity::Certificate(name.to_owned())),
            None => Err(Error::field(
                "user_certificate",
                "The name of a certificate in pki/users: letters, digits, `-`, `_` and `.` inside.",
            )),
        },
    }
}

/// The name becomes part of a path, so it must not lead out of the folder.
fn is_file_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=100).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_plain)
}

/// Returns a setting that is present and not null.
fn setting<'a>(metadata: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    metadata.get(key).filter(|setting| !setting.is_null())
}

fn choice<T, const N: usize>(
    metadata: &Map<String, Value>,
    key: &'static str,
    named: fn(&str) -> Option<T>,
    names: [&'static str; N],
) -> Result<Option<T>> {
    let Some(value) = setting(metadata, key) else { return Ok(None) };
    let chosen = value.as_str().and_then(named);
    chosen.map(Some).ok_or_else(|| Error::field(key, format!("{value} is not one of {}.", names.join(", "))))
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
