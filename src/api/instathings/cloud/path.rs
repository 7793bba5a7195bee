//! The paths of the endpoints. As in the vendor's framework, fixed segments are spelled in any case, and a slash at the
//! end changes nothing.

/// An endpoint of the REST interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Token,
    Devices,
    Device,
    Data,
    Certificate,
    SubDevice,
    ControlSet,
    ControlStatus,
    ControlFetch,
    Logs,
    Protocol,
    Types,
    Type,
}

/// An endpoint with the parameters of its path, decoded, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub endpoint: Endpoint,
    pub params: Vec<String>,
}

/// Paths in lower case; a parameter is `:`.
const ROUTES: [(&str, Endpoint); 15] = [
    ("authentication/v1/oauth/token", Endpoint::Token),
    ("device/v1/devices", Endpoint::Devices),
    ("device/v1/devices/:", Endpoint::Device),
    ("device/v1/devices/:/data", Endpoint::Data),
    ("device/v1/devices/:/credentials/certificate", Endpoint::Certificate),
    ("devices/:/credentials/certificate", Endpoint::Certificate),
    ("device/v1/devices/:/subdevice/subdevices/:", Endpoint::SubDevice),
    ("devices/:/subdevice/subdevices/:", Endpoint::SubDevice),
    ("device/v1/control/:/set", Endpoint::ControlSet),
    ("device/v1/control/:/status", Endpoint::ControlStatus),
    ("device/v1/control/:/fetch", Endpoint::ControlFetch),
    ("device/v1/devices/:/:/logs", Endpoint::Logs),
    ("device/v1/protocols/:", Endpoint::Protocol),
    ("device/v1/types", Endpoint::Types),
    ("device/v1/types/:", Endpoint::Type),
];

/// First segments of the paths.
const PREFIXES: [&str; 3] = ["authentication", "device", "devices"];

impl Endpoint {
    /// The methods that the endpoint has.
    pub fn methods(self) -> &'static [&'static str] {
        match self {
            Endpoint::Token | Endpoint::ControlSet | Endpoint::ControlStatus => &["POST"],
            Endpoint::Devices => &["GET", "HEAD", "POST"],
            Endpoint::Device => &["GET", "HEAD", "PATCH", "DELETE"],
            // The documentation's example is a GET. It makes a new certificate too, so there is no HEAD.
            Endpoint::Certificate => &["POST", "GET"],
            Endpoint::SubDevice => &["DELETE"],
            Endpoint::Data
            | Endpoint::ControlFetch
            | Endpoint::Logs
            | Endpoint::Protocol
            | Endpoint::Types
            | Endpoint::Type => &["GET", "HEAD"],
        }
    }
}

impl Target {
    /// Returns a parameter of the path.
    pub fn param(&self, at: usize) -> &str {
        self.params.get(at).map_or("", String::as_str)
    }
}

/// Returns method and path of every endpoint, except HEAD. Variables are written as `{}`.
pub fn routes() -> Vec<(&'static str, String)> {
    let path = |pattern: &str| format!("/{}", pattern.replace(':', "{}"));
    let of = |(pattern, endpoint): &(&str, Endpoint)| {
        let path = path(pattern);
        let methods = endpoint.methods().iter().filter(|method| **method != "HEAD");
        methods.map(|method| (*method, path.clone())).collect::<Vec<_>>()
    };
    ROUTES.iter().flat_map(of).collect()
}

/// Whether a path belongs to the interface.
pub fn is_own(path: &str) -> bool {
    let first = path.split('/').nth(1).unwrap_or_default();
    PREFIXES.iter().any(|prefix| prefix.eq_ignore_ascii_case(first))
}

/// Whether a path is one of those that clients authenticate at, which need no token.
pub fn is_authentication(path: &str) -> bool {
    path.split('/').nth(1).is_some_and(|first| first.eq_ignore_ascii_case(PREFIXES[0]))
}

/// Returns the endpoint of a path; `None` when there is none, or a parameter is empty or cannot be decoded.
pub fn find(path: &str) -> Option<Target> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let segments: Vec<&str> = path.split('/').collect();
    let (endpoint, params) = ROUTES.iter().find_map(|(pattern, endpoint)| {
        let pattern: Vec<&str> = pattern.split('/').collect();
        params(&pattern, &segments).map(|params| (*endpoint, params))
    })?;
    let params = params.into_iter().map(decode).collect::<Option<Vec<_>>>()?;
    Some(Target { endpoint, params })
}

fn params<'a>(pattern: &[&str], segments: &[&'a str]) -> Option<Vec<&'a str>> {
    if pattern.len() != segments.len() {
        return None;
    }
    let mut params = Vec::new();
    for (expected, segment) in pattern.iter().zip(segments) {
        match *expected {
            ":" if segment.is_empty() => return None,
            ":" => params.push(*segment),
            expected if expected.eq_ignore_ascii_case(segment) => {}
            _ => return None,
        }
    }
    Some(params)
}

fn decode(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    type ExpectedEndpoint<'a> = Option<(Endpoint, &'a [&'a str])>;

    #[test]
    fn paths_are_found_in_any_case_with_their_parameters() {
        let rows: [(&str, ExpectedEndpoint<'_>); 21] = [
            ("/authentication/v1/oauth/token", Some((Endpoint::Token, &[]))),
            ("/Authentication/V1/OAuth/Token/", Some((Endpoint::Token, &[]))),
            ("/device/v1/devices", Some((Endpoint::Devices, &[]))),
            ("/device/v1/devices/", Some((Endpoint::Devices, &[]))),
            ("/device/v1/devices/aBc", Some((Endpoint::Device, &["aBc"]))),
            ("/DEVICE/V1/DEVICES/aBc/DATA", Some((Endpoint::Data, &["aBc"]))),
            ("/devices/a/credentials/certificate", Some((Endpoint::Certificate, &["a"]))),
            ("/device/v1/devices/a/credentials/certificate", Some((Endpoint::Certificate, &["a"]))),
            ("/devices/p/subDevice/subDevices/c", Some((Endpoint::SubDevice, &["p", "c"]))),
            ("/device/v1/devices/p/subdevice/SUBDEVICES/c", Some((Endpoint::SubDevice, &["p", "c"]))),
            ("/device/v1/control/a/set", Some((Endpoint::ControlSet, &["a"]))),
            ("/device/v1/control/a/status", Some((Endpoint::ControlStatus, &["a"]))),
            ("/device/v1/control/IVdtfGYi/fetch", Some((Endpoint::ControlFetch, &["IVdtfGYi"]))),
            ("/device/v1/devices/a/gate/logs", Some((Endpoint::Logs, &["a", "gate"]))),
            ("/device/v1/protocols/vRy6GTde", Some((Endpoint::Protocol, &["vRy6GTde"]))),
            ("/device/v1/types/x", Some((Endpoint::Type, &["x"]))),
            ("/device/v1/devices/%41%2Fb", Some((Endpoint::Device, &["A/b"]))),
            ("/device/v1/devices//data", None),
            ("/device/v1/devices/%ff", None),
            ("/device/v1/devices/%4", None),
            ("/device/v2/devices", None),
        ];
        for (path, expected) in rows {
            let expected = expected.map(|(endpoint, params)| Target {
                endpoint,
                params: params.iter().map(|param| (*param).to_owned()).collect(),
            });
            assert_eq!(find(path), expected, "{path}");
        }
    }

    #[test]
    fn first_segments_are_those_of_the_interface() {
        for (path, own, authentication) in [
            ("/device/v1/types", true, false),
            ("/Devices", true, false),
            ("/authentication/x", true, true),
            ("/api/device", false, false),
            ("/devicesx", false, false),
            ("/", false, false),
        ] {
            assert_eq!((is_own(path), is_authentication(path)), (own, authentication), "{path}");
        }
    }
}
