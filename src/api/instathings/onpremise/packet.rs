//! Engine.IO 3 packets with the socket.io 2 packets in them: what clients send, parsed, and the texts that the server
//! sends.
//!
//! The server ignores what clients emit, so events, acknowledgements and binary attachments are recognised but not read.

use serde_json::json;

/// Maximum length of a namespace, bytes: the server repeats it in its answer.
const MAX_NAMESPACE_BYTES: usize = 1024;

/// Answer to a ping.
pub const PONG: &str = "3";
/// Answer to the probe of an upgrade.
pub const PROBE_PONG: &str = "3probe";
/// Ends a poll that has nothing to deliver.
pub const NOOP: &str = "6";
/// Ends the session.
pub const CLOSE: &str = "1";
/// The client is connected to the namespace `/`.
pub const CONNECTED: &str = "40";
/// Begins an event; its name and its argument follow as a JSON array.
pub const EVENT_PREFIX: &str = "42";

/// A packet of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientPacket {
    Close,
    Ping {
        is_probe: bool,
    },
    Upgrade,
    /// Asks for a namespace.
    Connect(String),
    /// Leaves a namespace.
    Disconnect(String),
    /// Anything that a server has no use for.
    Ignored,
}

/// A packet that no client of the protocol sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedPacket;

impl ClientPacket {
    /// Parses a packet that was sent as text.
    ///
    /// # Errors
    /// An empty packet, a type that does not exist, a namespace that is too long.
    pub fn parse_text(text: &str) -> Result<ClientPacket, MalformedPacket> {
        let (kind, data) = text.split_at_checked(1).ok_or(MalformedPacket)?;
        match kind {
            "0" | "3" | "6" => Ok(ClientPacket::Ignored),
            "1" => Ok(ClientPacket::Close),
            "2" => Ok(ClientPacket::Ping { is_probe: data == "probe" }),
            "4" => parse_message(data),
            "5" => Ok(ClientPacket::Upgrade),
            // Binary data in base64.
            "b" => match data.bytes().next() {
                Some(b'0'..=b'6') => Ok(ClientPacket::Ignored),
                _ => Err(MalformedPacket),
            },
            _ => Err(MalformedPacket),
        }
    }

    /// Parses a packet that was sent as bytes, which only attachments of events are.
    ///
    /// # Errors
    /// An empty packet, a type that does not exist.
    pub fn parse_binary(bytes: &[u8]) -> Result<ClientPacket, MalformedPacket> {
        match bytes.first() {
            Some(0..=6) => Ok(ClientPacket::Ignored),
            _ => Err(MalformedPacket),
        }
    }
}

/// Parses a socket.io packet. The vendor's library ignores those that it cannot read, so this does too.
fn parse_message(data: &str) -> Result<ClientPacket, MalformedPacket> {
    let Some((kind, rest)) = data.split_at_checked(1) else { return Ok(ClientPacket::Ignored) };
    let packet: fn(String) -> ClientPacket = match kind {
        "0" => ClientPacket::Connect,
        "1" => ClientPacket::Disconnect,
        _ => return Ok(ClientPacket::Ignored),
    };
    let namespace = if rest.starts_with('/') { rest } else { "/" };
    let namespace = namespace.split([',', '?']).next().unwrap_or(namespace);
    if namespace.len() > MAX_NAMESPACE_BYTES {
        return Err(MalformedPacket);
    }
    Ok(packet(namespace.to_owned()))
}

/// Returns the packet that opens a session.
pub fn open(session: &str, upgrades: &[&str], ping_interval_ms: u64, ping_timeout_ms: u64) -> String {
    // Written by hand, so that the members have the order of the vendor's library.
    let (session, upgrades) = (json!(session), json!(upgrades));
    format!(
        r#"0{{"sid":{session},"upgrades":{upgrades},"pingInterval":{ping_interval_ms},"pingTimeout":{ping_timeout_ms}}}"#
    )
}

/// Returns the answer to a client that asks for a namespace other than `/`.
pub fn invalid_namespace(namespace: &str) -> String {
    format!("44{namespace},\"Invalid namespace\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_clients() {
        use ClientPacket::{Close, Connect, Disconnect, Ignored, Ping, Upgrade};
        let long = format!("40/{}", "x".repeat(MAX_NAMESPACE_BYTES));
        let rows: [(&str, Result<ClientPacket, MalformedPacket>); 22] = [
            ("", Err(MalformedPacket)),
            ("7", Err(MalformedPacket)),
            ("é", Err(MalformedPacket)),
            ("b", Err(MalformedPacket)),
            ("b7AAA=", Err(MalformedPacket)),
            (&long, Err(MalformedPacket)),
            ("1", Ok(Close)),
            ("2", Ok(Ping { is_probe: false })),
            ("2probe", Ok(Ping { is_probe: true })),
            ("2x", Ok(Ping { is_probe: false })),
            ("5", Ok(Upgrade)),
            ("0{}", Ok(Ignored)),
            ("b4AAA=", Ok(Ignored)),
            ("4", Ok(Ignored)),
            ("49", Ok(Ignored)),
            (r#"42["x",1]"#, Ok(Ignored)),
            (r#"451-["x",{"_placeholder":true,"num":0}]"#, Ok(Ignored)),
            ("40", Ok(Connect("/".to_owned()))),
            ("40/admin", Ok(Connect("/admin".to_owned()))),
            ("40/admin?token=1,", Ok(Connect("/admin".to_owned()))),
            ("41", Ok(Disconnect("/".to_owned()))),
            ("41/admin,", Ok(Disconnect("/admin".to_owned()))),
        ];
        for (text, expected) in rows {
            assert_eq!(ClientPacket::parse_text(text), expected, "{text}");
        }
        for (bytes, expected) in [
            (&[][..], Err(MalformedPacket)),
            (&[7, 1][..], Err(MalformedPacket)),
            (&[4, 0xff][..], Ok(Ignored)),
        ] {
            assert_eq!(ClientPacket::parse_binary(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn packets_of_the_server() {
        let expected = r#"0{"sid":"s","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}"#;
        assert_eq!(open("s", &["websocket"], 25_000, 5_000), expected);
        assert_eq!(invalid_namespace("/x"), r#"44/x,"Invalid namespace""#);
    }
}
