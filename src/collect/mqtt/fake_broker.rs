//! Broker for tests, one connection after the other, under the test's control: it sends what it is told and notes what
//! it gets. Its packets are written and read here by hand, so that the codec is checked too.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A listener for one broker's connections.
pub struct FakeBroker {
    listener: TcpListener,
}

/// One connection of a client, after its CONNECT.
pub struct FakeConnection {
    stream: TcpStream,
    /// Whether the client wants its session kept.
    pub keeps_session: bool,
    pub client_id: String,
    /// Topic and payload of the will.
    pub will: Option<(String, Vec<u8>)>,
}

/// A packet's first byte and its body.
pub type RawPacket = (u8, Vec<u8>);

impl FakeBroker {
    /// Listens at a free port of 127.0.0.1; a client gets no answer before `accept`.
    pub async fn start() -> FakeBroker {
        FakeBroker { listener: TcpListener::bind("127.0.0.1:0").await.unwrap() }
    }

    /// Port that clients connect to, chosen by the system.
    pub fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// Accepts a connection and answers its CONNECT with this return code.
    pub async fn accept(&self, return_code: u8) -> FakeConnection {
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut connection =
            FakeConnection { stream, keeps_session: false, client_id: String::new(), will: None };
        let (head, body) = connection.read().await.unwrap();
        assert_eq!((head, &body[..7]), (0x10, &b"\0\x04MQTT\x04"[..]), "CONNECT of 3.1.1");
        connection.keeps_session = body[7] & 2 == 0;
        let (client_id, rest) = split_field(&body[10..]);
        connection.client_id = String::from_utf8(client_id.to_vec()).unwrap();
        if body[7] & 4 != 0 {
            let (topic, rest) = split_field(rest);
            connection.will =
                Some((String::from_utf8(topic.to_vec()).unwrap(), split_field(rest).0.to_vec()));
        }
        connection.send(&[0x20, 2, 0, return_code]).await;
        connection
    }
}

/// A message that a client has published.
#[derive(Debug, Clone, PartialEq)]
pub struct FakePublication {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub is_retained: bool,
}

/// Splits off a field that begins with its length.
fn split_field(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes[2..].split_at(usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))
}

impl FakeConnection {
    /// The next packet; `None` once the client has closed the connection.
    pub async fn read(&mut self) -> Option<RawPacket> {
        let head = self.stream.read_u8().await.ok()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((head, body))
    }

    /// Sends bytes as they are: a packet, a part of one, or an invalid one.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Awaits one SUBSCRIBE, grants all of it unless `code` is a refusal, and returns its filters.
    pub async fn grant(&mut self, code: u8) -> Vec<String> {
        let (head, body) = self.read().await.unwrap();
        assert_eq!(head, 0x82, "SUBSCRIBE");
        let (mut filters, mut rest) = (Vec::new(), &body[2..]);
        while let [high, low, tail @ ..] = rest {
            let (filter, tail) = tail.split_at(usize::from(u16::from_be_bytes([*high, *low])));
            filters.push(String::from_utf8(filter.to_vec()).unwrap());
            rest = &tail[1..];
        }
        let mut answer = vec![0x90, 2 + filters.len() as u8, body[0], body[1]];
        answer.extend(filters.iter().map(|_| code));
        self.send(&answer).await;
        filters
    }

    /// Sends a message with QoS 1.
    pub async fn publish(&mut self, topic: &str, packet_id: u16, payload: &str) {
        self.send_message(0x32, topic, &packet_id.to_be_bytes(), payload.as_bytes()).await;
    }

    /// Sends a message with QoS 2.
    pub async fn publish_exactly_once(&mut self, topic: &str, packet_id: u16, payload: &str) {
        self.send_message(0x34, topic, &packet_id.to_be_bytes(), payload.as_bytes()).await;
    }

    /// Sends a message with QoS 1 that the broker has retained.
    pub async fn publish_retained(&mut self, topic: &str, packet_id: u16, payload: &str) {
        self.send_message(0x33, topic, &packet_id.to_be_bytes(), payload.as_bytes()).await;
    }

    /// Sends a message with QoS 0.
    pub async fn publish_bytes(&mut self, topic: &str, payload: &[u8]) {
        self.send_message(0x30, topic, &[], payload).await;
    }

    async fn send_message(&mut self, head: u8, topic: &str, packet_id: &[u8], payload: &[u8]) {
        let (mut packet, mut length) = (vec![head], 2 + topic.len() + packet_id.len() + payload.len());
        while length >= 0x80 {
            packet.push(length as u8 | 0x80);
            length >>= 7;
        }
        packet.extend([length as u8, 0, topic.len() as u8]);
        packet.extend(topic.as_bytes());
        packet.extend(packet_id);
        packet.extend(payload);
        self.send(&packet).await;
    }

    /// Awaits a message, beyond pings, and acknowledges it; `None` once the client has ended the connection.
    pub async fn published(&mut self) -> Option<FakePublication> {
        loop {
            let (head, body) = self.read().await?;
            match head {
                0xC0 => self.send(&[0xD0, 0]).await,
                0xE0 => return None,
                _ => {
                    assert_eq!(head & 0xF0, 0x30, "PUBLISH");
                    let (topic, mut payload) = split_field(&body);
                    let qos = head >> 1 & 3;
                    if qos == 1 {
                        self.send(&[0x40, 2, payload[0], payload[1]]).await;
                        payload = &payload[2..];
                    }
                    let topic = String::from_utf8(topic.to_vec()).unwrap();
                    let is_retained = head & 1 == 1;
                    return Some(FakePublication { topic, payload: payload.to_vec(), qos, is_retained });
                }
            }
        }
    }

    /// Awaits a PUBACK, beyond pings, and returns its number.
    pub async fn acknowledged(&mut self) -> u16 {
        self.numbered(0x40).await
    }

    /// Awaits a packet that begins with this byte and holds a number alone, beyond pings, and returns the number.
    pub async fn numbered(&mut self, first_byte: u8) -> u16 {
        loop {
            match self.read().await.unwrap() {
                (0xC0, _) => self.send(&[0xD0, 0]).await,
                (head, body) if head == first_byte => return u16::from_be_bytes([body[0], body[1]]),
                other => panic!("{other:?}"),
            }
        }
    }
}
