//! The version of a request, which its media type says.

/// Media type of both versions, without parameters.
const PROTOBUF: &str = "application/x-protobuf";

/// Version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.0, message `prometheus.WriteRequest`.
    V1,
    /// 2.0, message `io.prometheus.write.v2.Request`.
    V2,
}

impl Version {
    /// Reads the value of `Content-Type`. Without the parameter `proto`, or without a value at all, it is 1.0: its senders
    /// are older than the parameter. `None` for every other message or media type.
    pub fn of_media_type(text: &str) -> Option<Version> {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        if !media.is_empty() && !media.eq_ignore_ascii_case(PROTOBUF) {
            return None;
        }
        let is_proto = |part: &&str| {
            part.split('=').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("proto"))
        };
        let Some(parameter) = parts.find(is_proto) else { return Some(Version::V1) };
        match parameter.split_once('=').map(|(_, message)| message.trim().trim_matches('"')) {
            Some("prometheus.WriteRequest") => Some(Version::V1),
            Some("io.prometheus.write.v2.Request") => Some(Version::V2),
            _ => None,
        }
    }
}
