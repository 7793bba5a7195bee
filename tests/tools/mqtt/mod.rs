//! An MQTT client as small as can be: it says exactly the bytes it is told to, in either version.

mod decode;
pub mod encode;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

pub use decode::{Message, Packet, Properties, Property};
pub use encode::{BOTH, Connect, Publish, Version, Will};

/// Long enough for anything that is going to happen at all.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How a connection was refused or has ended: the code of CONNACK or DISCONNECT; `None` is a close without a word.
pub type End = Option<u8>;

pub struct MqttClient {
    socket: Either<TcpStream, Box<TlsStream<TcpStream>>>,
    buffer: BytesMut,
    version: Version,
    /// Messages that came while something else was waited for.
    waiting: VecDeque<Message>,
    last_id: u16,
    /// Whether the server had a session.
    pub is_present: bool,
    /// Properties of CONNACK.
    pub properties: Properties,
}

impl MqttClient {
    /// A socket and nothing more.
    pub async fn open(address: &str, version: Version) -> MqttClient {
        MqttClient::new(TcpStream::connect(address).await.expect("it listens"), version)
    }

    fn new(socket: TcpStream, version: Version) -> MqttClient {
        socket.set_nodelay(true).expect("a socket");
        MqttClient::over(Either::Left(socket), version)
    }

    fn over(socket: Either<TcpStream, Box<TlsStream<TcpStream>>>, version: Version) -> MqttClient {
        MqttClient {
            socket,
            buffer: BytesMut::new(),
            version,
            waiting: VecDeque::new(),
            last_id: 0,
            is_present: false,
            properties: Properties::new(),
        }
    }

    /// Connects, or tells how it was refused. Nobody who listens is a refusal without a word.
    pub async fn try_connect(address: &str, connect: &Connect) -> Result<MqttClient, End> {
        let Ok(socket) = TcpStream::connect(address).await else { return Err(None) };
        MqttClient::new(socket, connect.version).introduce(connect).await
    }

    /// Connects over TLS, which has been negotiated, or tells how it was refused.
    pub async fn connect_over(stream: TlsStream<TcpStream>, connect: &Connect) -> Result<MqttClient, End> {
        MqttClient::over(Either::Right(Box::new(stream)), connect.version).introduce(connect).await
    }

    async fn introduce(self, connect: &Connect) -> Result<MqttClient, End> {
        let mut client = self;
        client.raw(&connect.encode()).await;
        match client.packet().await {
            Some(Packet::ConnAck { is_present, code: 0, properties }) => {
                client.is_present = is_present;
                client.properties = properties;
                Ok(client)
            }
            Some(Packet::ConnAck { code, is_present, .. }) => {
                assert!(!is_present, "a refusal has no session");
                assert_eq!(client.packet().await, None, "a refusal is followed by the end");
                Err(Some(code))
            }
            Some(Packet::Disconnect { code }) => Err(Some(code)),
            None => Err(None),
            Some(other) => panic!("CONNECT is answered by {other:?}"),
        }
    }

    /// Connects, which has to be granted.
    pub async fn connect(address: &str, connect: &Connect) -> MqttClient {
        let connected = MqttClient::try_connect(address, connect).await;
        connected.unwrap_or_else(|end| panic!("{} is refused: {end:x?}", connect.client_id))
    }

    pub fn version(&self) -> Version {
        self.version
    }

    /// Bytes as they are. A server that has hung up is told by the next read.
    pub async fn raw(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).await.unwrap_or(());
    }

    /// The next packet; `None` at the end of the connection.
    pub async fn packet(&mut self) -> Option<Packet> {
        loop {
            if let Some(packet) = decode::take(&mut self.buffer, self.version) {
                return Some(packet);
            }
            let read = timeout(READ_TIMEOUT, self.socket.read_buf(&mut self.buffer)).await;
            // A reset is as good as a close.
            if read.expect("the server answers or hangs up").unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next packet that is no message; messages wait.
    pub async fn answer(&mut self) -> Option<Packet> {
        loop {
            match self.packet().await {
                Some(Packet::Publish(message)) => self.waiting.push_back(message),
                other => return other,
            }
        }
    }

    /// Reads until the server ends the connection: with which code.
    pub async fn end(&mut self) -> End {
        let mut code = None;
        while let Some(packet) = self.packet().await {
            if let Packet::Disconnect { code: said } = packet {
                code = Some(said);
            }
        }
        code
    }

    fn next_id(&mut self) -> u16 {
        self.last_id = self.last_id % u16::MAX + 1;
        self.last_id
    }

    /// Publishes and goes through what its QoS asks for: the code of the answer, 0 at QoS 0. `Err` when the connection
    /// ends instead.
    pub async fn publish(&mut self, topic: &str, payload: impl AsRef<[u8]>, qos: u8) -> Result<u8, End> {
        let id = self.next_id();
        self.send_publish(&Publish::new(topic, payload, qos, id)).await
    }

    /// Publishes a message whose flags and id are chosen, and goes through what its QoS asks for.
    pub async fn send_publish(&mut self, publish: &Publish) -> Result<u8, End> {
        self.raw(&publish.encode(self.version)).await;
        match publish.qos {
            0 => Ok(0),
            1 => self.ack(encode::PUBACK, publish.id).await,
            _ => {
                let code = self.ack(encode::PUBREC, publish.id).await?;
                if code >= 0x80 {
                    return Ok(code);
                }
                self.raw(&encode::ack(encode::PUBREL, publish.id)).await;
                assert_eq!(self.ack(encode::PUBCOMP, publish.id).await?, 0);
                Ok(code)
            }
        }
    }

    /// The code of an acknowledgement, which has to be the next answer.
    pub async fn ack(&mut self, first: u8, id: u16) -> Result<u8, End> {
        match self.answer().await {
            Some(Packet::Ack { first: said, id: acked, code }) => {
                assert_eq!((said, acked), (first, id), "the acknowledgement that is next");
                Ok(code)
            }
            Some(Packet::Disconnect { code }) => {
                assert_eq!(self.end().await, None);
                Err(Some(code))
            }
            None => Err(None),
            Some(other) => panic!("{first:#x} of {id} is expected, not {other:?}"),
        }
    }

    /// Subscribes: the code of each filter.
    pub async fn subscribe(&mut self, filters: &[(&str, u8)]) -> Vec<u8> {
        let id = self.next_id();
        self.raw(&encode::subscribe(self.version, id, filters)).await;
        match self.answer().await {
            Some(Packet::SubAck { id: acked, codes }) => {
                assert_eq!((acked, codes.len()), (id, filters.len()), "{filters:?}");
                codes
            }
            other => panic!("SUBSCRIBE {filters:?} is answered by {other:?}"),
        }
    }

    pub async fn unsubscribe(&mut self, filters: &[&str]) -> Vec<u8> {
        let id = self.next_id();
        self.raw(&encode::unsubscribe(self.version, id, filters)).await;
        match self.answer().await {
            Some(Packet::UnsubAck { id: acked, codes }) => {
                assert_eq!(acked, id, "{filters:?}");
                codes
            }
            other => panic!("UNSUBSCRIBE {filters:?} is answered by {other:?}"),
        }
    }

    /// The next message, not acknowledged.
    pub async fn message(&mut self) -> Message {
        if let Some(message) = self.waiting.pop_front() {
            return message;
        }
        match self.packet().await {
            Some(Packet::Publish(message)) => message,
            other => panic!("a message is expected, not {other:?}"),
        }
    }

    /// The next message, acknowledged as its QoS asks for.
    pub async fn take_message(&mut self) -> Message {
        let message = self.message().await;
        match message.qos {
            0 => {}
            1 => self.raw(&encode::ack(encode::PUBACK, message.id)).await,
            _ => {
                self.raw(&encode::ack(encode::PUBREC, message.id)).await;
                assert_eq!(self.ack(encode::PUBREL, message.id).await, Ok(0));
                self.raw(&encode::ack(encode::PUBCOMP, message.id)).await;
            }
        }
        message
    }

    /// Whether the server answers a ping; messages before it wait.
    pub async fn ping(&mut self) {
        self.raw(&encode::PINGREQ).await;
        assert_eq!(self.answer().await, Some(Packet::PingResp));
    }

    /// How many messages have come that nobody has looked at.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Says farewell with a reason (5.0) and waits for the end.
    pub async fn disconnect(mut self, reason: u8) {
        self.raw(&encode::disconnect(self.version, reason)).await;
        while self.packet().await.is_some() {}
    }

    /// Cuts the connection without a word.
    pub fn cut(self) {
        // With nothing left to linger for, the server sees a reset.
        if let Either::Left(socket) = &self.socket {
            let _ = socket.set_zero_linger();
        }
    }
}
