//! An MQTT 3.1.1 client of the load, written by hand, because the cost of a client library would be measured too.
//!
//! It knows the packets that the load needs: CONNECT, SUBSCRIBE, PUBLISH, PINGREQ and their answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::domain::{Error, Result};

/// The longest packet that is read, bytes.
const MAX_PACKET_BYTES: usize = 1 << 20;
/// Seconds without a packet after which the broker may close: longer than a measurement.
const KEEP_ALIVE_S: u16 = 3600;

/// A packet of the broker.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet {
    ConnAck(u8),
    /// A message at QoS 0: topic and payload.
    Message(Bytes, Bytes),
    PubAck(u16),
    SubAck(u8),
    PingResp,
}

/// A connection after CONNECT was granted.
pub struct MqttConnection {
    socket: TcpStream,
    buffer: BytesMut,
}

fn failed(error: std::io::Error) -> Error {
    Error::unavailable("a connection to the broker failed").with_source(error)
}

fn unexpected(packet: &Packet) -> Error {
    Error::unavailable(format!("unexpected packet of the broker: {packet:?}"))
}

impl MqttConnection {
    /// Connects with a clean session, with a key as the password where there is one.
    pub async fn open(address: &str, client_id: &str, key: Option<&str>) -> Result<MqttConnection> {
        Self::open_from(None, address, client_id, key).await
    }

    /// Connects like [`Self::open`] from an address of this machine; `None` is the system's choice.
    pub async fn open_from(
        local: Option<Ipv4Addr>,
        address: &str,
        client_id: &str,
        key: Option<&str>,
    ) -> Result<MqttConnection> {
        let socket = match local {
            Some(local) => connect_from(local, address).await.map_err(failed)?,
            None => TcpStream::connect(address).await.map_err(failed)?,
        };
        socket.set_nodelay(true).map_err(failed)?;
        let mut connection = MqttConnection { socket, buffer: BytesMut::new() };
        connection.send(&connect(client_id, key)).await?;
        match connection.receive().await? {
            Packet::ConnAck(0) => Ok(connection),
            Packet::ConnAck(code) => Err(Error::unavailable(format!("the broker refused a client: {code}"))),
            other => Err(unexpected(&other)),
        }
    }

    /// Subscribes to one filter with QoS 0.
    pub async fn subscribe(&mut self, filter: &str) -> Result<()> {
        let mut body = vec![0, 1];
        put_text(&mut body, filter);
        body.push(0);
        self.send(&packet(0x82, &body)).await?;
        match self.receive().await? {
            Packet::SubAck(0) => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Sends PINGREQ and waits for its answer.
    pub async fn ping(&mut self) -> Result<()> {
        self.send(&[0xC0, 0]).await?;
        match self.receive().await? {
            Packet::PingResp => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Writes packets that are encoded already, and does not wait for an answer.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.socket.write_all(bytes).await.map_err(failed)
    }

    /// Returns the next packet. Nothing is lost when the future is dropped.
    pub async fn receive(&mut self) -> Result<Packet> {
        loop {
            if let Some(packet) = self.buffered()? {
                return Ok(packet);
            }
            if self.socket.read_buf(&mut self.buffer).await.map_err(failed)? == 0 {
                return Err(Error::unavailable("the broker closed a connection"));
            }
        }
    }

    /// Returns a packet that has been read already.
    pub fn buffered(&mut self) -> Result<Option<Packet>> {
        take_packet(&mut self.buffer)
    }
}

async fn connect_from(local: Ipv4Addr, address: &str) -> io::Result<TcpStream> {
    let remote: SocketAddr = address.parse().map_err(io::Error::other)?;
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((local, 0)))?;
    socket.connect(remote).await
}

fn connect(client_id: &str, key: Option<&str>) -> Vec<u8> {
    let mut body = b"\0\x04MQTT\x04".to_vec();
    // Clean session, and user name and password.
    body.push(if key.is_some() { 0xC2 } else { 0x02 });
    body.extend(KEEP_ALIVE_S.to_be_bytes());
    put_text(&mut body, client_id);
    if let Some(key) = key {
        put_text(&mut body, "bench");
        put_text(&mut body, key);
    }
    packet(0x10, &body)
}

/// Appends a PUBLISH with QoS 1.
pub fn put_publish(out: &mut Vec<u8>, topic: &str, id: u16, payload: &[u8]) {
    out.push(0x32);
    put_length(out, 2 + topic.len() + 2 + payload.len());
    put_text(out, topic);
    out.extend(id.to_be_bytes());
    out.extend(payload);
}

fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    put_length(&mut bytes, body.len());
    bytes.extend(body);
    bytes
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u16).to_be_bytes());
    out.extend(text.as_bytes());
}

fn put_length(out: &mut Vec<u8>, mut length: usize) {
    loop {
        let more = length >= 128;
        out.push((length % 128) as u8 | if more { 128 } else { 0 });
        length /= 128;
        if !more {
            return;
        }
    }
}

fn take_packet(buffer: &mut BytesMut) -> Result<Option<Packet>> {
    let malformed_error = || Error::unavailable("the broker sent bytes that are no packet this client knows");
    let (mut length, mut head) = (0_usize, 1);
    loop {
        let Some(byte) = buffer.get(head) else { return Ok(None) };
        length |= usize::from(byte & 127) << (7 * (head - 1));
        head += 1;
        if byte & 128 == 0 {
            break;
        }
        if head > 4 {
            return Err(malformed_error());
        }
    }
    if length > MAX_PACKET_BYTES {
        return Err(malformed_error());
    }
    if buffer.len() < head + length {
        return Ok(None);
    }
    let first = buffer[0];
    buffer.advance(head);
    let mut body = buffer.split_to(length).freeze();
    let parsed = match (first, &body[..]) {
        (0x20, [_, code]) => Packet::ConnAck(*code),
        (0x40, [high, low]) => Packet::PubAck(u16::from_be_bytes([*high, *low])),
        (0x90, [_, _, code]) => Packet::SubAck(*code),
        (0xD0, []) => Packet::PingResp,
        (0x30 | 0x31, [high, low, rest @ ..]) => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if rest.len() < length {
                return Err(malformed_error());
            }
            body.advance(2);
            let topic = body.split_to(length);
            Packet::Message(topic, body)
        }
        _ => return Err(malformed_error()),
    };
    Ok(Some(parsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_as_they_come() {
        let mut bytes = Vec::new();
        put_publish(&mut bytes, "a/b", 7, &[b'x'; 200]);
        assert_eq!(bytes[..10], [0x32, 0xCF, 0x01, 0, 3, b'a', b'/', b'b', 0, 7]);
        let all = [&[0x20, 2, 0, 0, 0x40, 2, 1, 2, 0x90, 3, 0, 1, 0x80, 0xD0, 0][..], b"\x30\x05\0\x01tok"]
            .concat();
        let (mut buffer, mut found) = (BytesMut::new(), Vec::new());
        for byte in all {
            buffer.extend([byte]);
            found.extend(take_packet(&mut buffer).unwrap());
        }
        let message = Packet::Message(Bytes::from_static(b"t"), Bytes::from_static(b"ok"));
        let expected =
            [Packet::ConnAck(0), Packet::PubAck(258), Packet::SubAck(128), Packet::PingResp, message];
        assert_eq!(found, expected);
        for malformed in [&[0x30, 2, 0, 9][..], &[0x10, 0], &[0x20, 0xFF, 0xFF, 0xFF, 0xFF, 1], &[0x32, 1, 0]]
        {
            assert!(take_packet(&mut BytesMut::from(malformed)).is_err(), "{malformed:?}");
        }
    }

    #[test]
    fn a_key_is_the_password() {
        let expected = b"\x10\x0d\0\x04MQTT\x04\x02\x0e\x10\0\x01a";
        assert_eq!(connect("a", None), expected);
        let expected = b"\x10\x17\0\x04MQTT\x04\xc2\x0e\x10\0\x01a\0\x05bench\0\x01k";
        assert_eq!(connect("a", Some("k")), expected);
    }
}
