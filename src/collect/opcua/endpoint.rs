//! Where a server is and how it is spoken to, from a device's settings. Pure.

use std::fmt;
use std::time::Duration;

use opcua::crypto::SecurityPolicy;
use opcua::types::MessageSecurityMode;
use serde_json::{Map, Value};
use url::{Host, Url};

use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::{Error, Result};

const SCHEME: &str = "opc.tcp";
const HOST_FORM: &str = "Write a host name, an address, HOST:PORT, or opc.tcp://HOST[:PORT][/PATH].";

/// How messages are protected. The two older policies are broken and not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    #[default]
    None,
    Basic256Sha256,
    Aes128Sha256RsaOaep,
    Aes256Sha256RsaPss,
}

/// What of that protection is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    None,
    Sign,
    SignAndEncrypt,
}

/// Who we are to the server. `Debug` says no password.
#[derive(Clone, PartialEq, Eq)]
pub enum Identity {
    Anonymous,
    User {
        name: String,
        password: String,
    },
    /// The name of a certificate and its key in `pki/users/`.
    Certificate(String),
}

/// A server as a device names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// With its leading slash, to the last character as the device names it: servers compare it. Empty when the device
    /// names none, which a slash alone is too.
    pub path: String,
    pub policy: Policy,
    /// `None` exactly when the policy is.
    pub mode: Mode,
    pub identity: Identity,
    /// For each step of connecting and for each request.
    pub timeout: Duration,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Anonymous => f.write_str("Anonymous"),
            Identity::User { name, .. } => f.debug_struct("User").field("name", name).finish_non_exhaustive(),
            Identity::Certificate(name) => f.debug_tuple("Certificate").field(name).finish(),
        }
    }
}

impl Policy {
    pub const ALL: [Policy; 4] =
        [Policy::None, Policy::Basic256Sha256, Policy::Aes128Sha256RsaOaep, Policy::Aes256Sha256RsaPss];

    /// As the standard names it (OPC UA part 7).
    pub fn name(self) -> &'static str {
        match self {
            Policy::None => "None",
            Policy::Basic256Sha256 => "Basic256Sha256",
            Policy::Aes128Sha256RsaOaep => "Aes128_Sha256_RsaOaep",
            Policy::Aes256Sha256RsaPss => "Aes256_Sha256_RsaPss",
        }
    }

    /// The policy of this name, with or without the underscores.
    fn named(name: &str) -> Option<Policy> {
        let plain = |name: &str| name.replace('_', "");
        Policy::ALL.into_iter().find(|one| one.name() == name || plain(one.name()) == name)
    }

    pub(super) fn wire(self) -> SecurityPolicy {
        match self {
            Policy::None => SecurityPolicy::None,
            Policy::Basic256Sha256 => SecurityPolicy::Basic256Sha256,
            Policy::Aes128Sha256RsaOaep => SecurityPolicy::Aes128Sha256RsaOaep,
            Policy::Aes256Sha256RsaPss => SecurityPolicy::Aes256Sha256RsaPss,
        }
    }
}

impl Mode {
    pub const ALL: [Mode; 3] = [Mode::None, Mode::Sign, Mode::SignAndEncrypt];

    fn named(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|one| one.name() == name)
    }

    pub fn name(self) -> &'static str {
        match self {
            Mode::None => "None",
            Mode::Sign => "Sign",
            Mode::SignAndEncrypt => "SignAndEncrypt",
        }
    }

    pub(super) fn wire(self) -> MessageSecurityMode {
        match self {
            Mode::None => MessageSecurityMode::None,
            Mode::Sign => MessageSecurityMode::Sign,
            Mode::SignAndEncrypt => MessageSecurityMode::SignAndEncrypt,
        }
    }
}

impl Endpoint {
    /// From a device's settings; the error names the setting.
    pub fn of(spec: &DeviceSpec) -> Result<Endpoint> {
        let (host, url_port, path) = place(&spec.host)?;
        let port = match (url_port, spec.port) {
            (Some(in_url), Some(port)) if in_url != port => {
                return Err(Error::field("port", format!("The address in host names port {in_url}.")));
            }
            (in_url, port) => in_url.or(port).or(Protocol::Opcua.default_port()),
        };
        let port = port.ok_or_else(|| Error::field("port", "This field is required."))?;
        let timeout = Duration::try_from_secs_f64(spec.timeout_s)
            .map_err(|_| Error::field("timeout", "A valid number is required."))?;
        let (policy, mode) = security(&spec.metadata)?;
        let identity = identity(spec)?;
        Ok(Endpoint { host, port, path, policy, mode, identity, timeout })
    }

    /// `opc.tcp://HOST:PORT`, then the path.
    pub fn url(&self) -> String {
        format!("{SCHEME}://{}{}", self.address(), self.path)
    }

    /// Host and port, as faults name them.
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Whether values come by subscription rather than by polling.
pub fn subscribes(spec: &DeviceSpec) -> Result<bool> {
    let Some(setting) = setting(&spec.metadata, "use_subscription") else { return Ok(false) };
    setting.as_bool().ok_or_else(|| Error::field("use_subscription", "Must be a valid boolean."))
}

/// Host, port and path of what a device calls its host.
fn place(host: &str) -> Result<(String, Option<u16>, String)> {
    let host = host.trim();
    if !host.contains("://") {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_address =
            Host::parse(&if bare.contains(':') { format!("[{bare}]") } else { bare.to_owned() }).is_ok();
        // What is no address by itself may be HOST:PORT, which is read as a URL is.
        return match is_address {
            true => Ok((bare.to_owned(), None, String::new())),
            false if host.contains(':') && !host.contains(['/', '@']) => {
                of_url(&format!("{SCHEME}://{host}"))
            }
            false => Err(Error::field("host", HOST_FORM)),
        };
    }
    of_url(host)
}

fn of_url(given: &str) -> Result<(String, Option<u16>, String)> {
    let url = Url::parse(given).ok().filter(|url| url.scheme() == SCHEME && url.username().is_empty());
    let url = url.filter(|url| url.query().is_none() && url.fragment().is_none());
    let named = url.as_ref().and_then(|url| url.host_str().filter(|host| !host.is_empty()));
    let (Some(url), Some(named)) = (&url, named) else { return Err(Error::field("host", HOST_FORM)) };
    let path = if url.path() == "/" { "" } else { url.path() };
    Ok((named.trim_start_matches('[').trim_end_matches(']').to_owned(), url.port(), path.to_owned()))
}

fn security(metadata: &Map<String, Value>) -> Result<(Policy, Mode)> {
    let policy = choice(metadata, "security_policy", Policy::named, Policy::ALL.map(Policy::name))?;
    let policy = policy.unwrap_or_default();
    let mode = choice(metadata, "security_mode", Mode::named, Mode::ALL.map(Mode::name))?;
    match (policy, mode) {
        (Policy::None, None | Some(Mode::None)) => Ok((policy, Mode::None)),
        (Policy::None, Some(_)) => {
            Err(Error::field("security_mode", "Must be None while security_policy is None."))
        }
        (_, Some(Mode::None)) => {
            Err(Error::field("security_mode", "Must be Sign or SignAndEncrypt with this security_policy."))
        }
        (_, mode) => Ok((policy, mode.unwrap_or(Mode::SignAndEncrypt))),
    }
}

fn identity(spec: &DeviceSpec) -> Result<Identity> {
    match setting(&spec.metadata, "user_certificate") {
        None if spec.username.is_empty() => Ok(Identity::Anonymous),
        None => Ok(Identity::User { name: spec.username.clone(), password: spec.password.clone() }),
        Some(_) if !spec.username.is_empty() => {
            Err(Error::field("user_certificate", "Either a username or a certificate."))
        }
        Some(name) => match name.as_str().filter(|name| is_file_name(name)) {
            Some(name) => Ok(Identity::Certificate(name.to_owned())),
            None => Err(Error::field(
                "user_certificate",
                "The name of a certificate in pki/users: letters, digits, `-`, `_` and `.` inside.",
            )),
        },
    }
}

/// It becomes part of a path: nothing that leads elsewhere.
fn is_file_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=100).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(is_plain)
}

/// A setting that is there and not null.
fn setting<'a>(metadata: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    metadata.get(key).filter(|setting| !setting.is_null())
}

fn choice<T, const N: usize>(
    metadata: &Map<String, Value>,
    key: &'static str,
    named: fn(&str) -> Option<T>,
    names: [&'static str; N],
) -> Result<Option<T>> {
    let Some(given) = setting(metadata, key) else { return Ok(None) };
    let chosen = given.as_str().and_then(named);
    chosen.map(Some).ok_or_else(|| Error::field(key, format!("{given} is not one of {}.", names.join(", "))))
}

#[cfg(test)]
#[path = "endpoint_tests.rs"]
mod tests;
