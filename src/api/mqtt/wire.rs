//! The socket of a client with its buffers, and the codec of its version.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use rmqtt_codec::version::{ProtocolVersion, VersionCodec};
use rmqtt_codec::{error::DecodeError, v3, v5};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;
use tokio_util::codec::Decoder;

use super::inbound::{Inbound, from_v3, from_v5};
use super::raw::{self, Inspection};
use crate::api::send_queue::{self, FLUSH_THRESHOLD_BYTES};
use crate::api::tls::Transport;
use crate::app::body_memory::{BodyMemoryReservation, MemoryHolder};

/// Largest packet before CONNECT is accepted, bytes.
pub const MAX_CONNECT_BYTES: u32 = 16 << 10;
/// Room for one read, bytes: without it each read takes what the last packet has left of the buffer, 64 bytes or fewer.
const READ_BYTES: usize = 1 << 10;

/// Bytes of a packet that count in nobody's account: as many as before CONNECT.
const FREE_BYTES: usize = 16 << 10;
/// How long a packet may take, beside the time for its bytes.
const PACKET_TIMEOUT: Duration = Duration::from_secs(20);
/// The slowest network whose packets are waited for.
const SLOWEST_BYTES_PER_S: u64 = 1 << 10;

/// Why a packet cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketError {
    TooLarge,
    Malformed,
    /// CONNECT of another version than those that are served. It is answered as 3.1.1 is, which every client reads.
    UnknownVersion,
    /// CONNECT of 3.1.1 without a client id that does not start clean.
    NoClientId,
    /// There is no memory for more of it.
    NoMemory,
}

/// The codec of a connection.
pub struct Codec {
    pub(super) version: Version,
    /// Largest packet from the client, bytes after its length.
    max_inbound: u32,
}

/// The codec of a version; none before it is known.
pub(super) enum Version {
    Unknown,
    V3(v3::Codec),
    V5(v5::Codec),
}

impl Default for Codec {
    fn default() -> Self {
        Self { version: Version::Unknown, max_inbound: MAX_CONNECT_BYTES }
    }
}

impl Codec {
    /// Whether the client speaks MQTT 5; false before its CONNECT.
    pub fn is_v5(&self) -> bool {
        matches!(self.version, Version::V5(_))
    }

    /// Sets the largest packets of both directions, once CONNECT is accepted.
    pub fn set_limits(&mut self, inbound: usize, outbound: Option<u32>) {
        self.max_inbound = u32::try_from(inbound).unwrap_or(u32::MAX);
        match &mut self.version {
            Version::Unknown => {}
            Version::V3(codec) => codec.set_max_size(self.max_inbound),
            Version::V5(codec) => {
                codec.set_max_inbound_size(self.max_inbound);
                codec.set_max_outbound_size(outbound.unwrap_or(0));
            }
        }
    }

    /// Takes a packet off the buffer; `None` while it is incomplete.
    pub fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Inbound>, PacketError> {
        if matches!(self.version, Version::Unknown) {
            // Whatever is no CONNECT is refused by its first bytes.
            match VersionCodec.decode(buffer) {
                Ok(None) => return Ok(None),
                Ok(Some(ProtocolVersion::MQTT3)) => {
                    self.version = Version::V3(v3::Codec::new(self.max_inbound));
                }
                Ok(Some(ProtocolVersion::MQTT5)) => {
                    self.version = Version::V5(v5::Codec::new(self.max_inbound, 0));
                }
                Err(_) if raw::is_connect_of_mqtt(buffer) => {
                    self.version = Version::V3(v3::Codec::new(self.max_inbound));
                    return Err(PacketError::UnknownVersion);
                }
                Err(error) => return Err(packet_error(error)),
            }
        }
        // The codec takes off the header of a packet at once, and what follows must not be inspected as another one.
        match raw::inspect(buffer, self.is_v5(), self.max_inbound) {
            Inspection::Nothing => {}
            Inspection::Incomplete => return Ok(None),
            Inspection::ReservedBits => return Err(PacketError::Malformed),
        }
        match &mut self.version {
            Version::Unknown => Ok(None),
            Version::V3(codec) => {
                let packet = codec.decode(buffer).map_err(packet_error)?;
                Ok(packet.map(|(packet, _)| from_v3(packet)))
            }
            Version::V5(codec) => {
                raw::start_clean_without_client_id(buffer);
                let packet = codec.decode(buffer).map_err(packet_error)?;
                Ok(packet.map(|(packet, _)| from_v5(packet)))
            }
        }
    }
}

fn packet_error(error: DecodeError) -> PacketError {
    match error {
        DecodeError::MaxSizeExceeded { .. } => PacketError::TooLarge,
        // The codec has it for CONNECT alone.
        DecodeError::InvalidClientId => PacketError::NoClientId,
        _ => PacketError::Malformed,
    }
}

/// Socket of a client: bytes received and not yet parsed, packets queued and not yet sent.
pub struct MqttWire {
    pub io: Transport,
    pub codec: Codec,
    inbox: BytesMut,
    /// Memory of a packet that is longer than [`FREE_BYTES`], in the account of bodies.
    memory: BodyMemoryReservation,
    /// When the packet that is not complete began.
    begun: Option<Instant>,
    pub(super) outbox: BytesMut,
}

impl MqttWire {
    /// Wraps a socket before its CONNECT. Memory of long packets counts as anonymous until `set_memory_holder`.
    pub fn new(io: Transport) -> Self {
        Self {
            io,
            codec: Codec::default(),
            inbox: BytesMut::new(),
            memory: BodyMemoryReservation::empty(MemoryHolder::Anonymous(None)),
            begun: None,
            outbox: BytesMut::new(),
        }
    }

    /// Sets whose memory long packets take from now on.
    pub fn set_memory_holder(&mut self, holder: MemoryHolder) {
        self.memory = BodyMemoryReservation::empty(holder);
    }

    /// Takes a packet that was read completely.
    pub fn next_packet(&mut self) -> Result<Option<Inbound>, PacketError> {
        let packet = self.codec.decode(&mut self.inbox)?;
        if packet.is_some() || self.inbox.is_empty() {
            self.begun = None;
            self.memory.shrink(0);
            return Ok(packet);
        }
        self.begun.get_or_insert_with(Instant::now);
        if self.inbox.len() > FREE_BYTES && self.memory.try_grow_to(self.inbox.len()).is_err() {
            return Err(PacketError::NoMemory);
        }
        Ok(None)
    }

    /// When a packet that is not complete by then is given up; `None` while there is none. Slow networks have a second for
    /// each KiB.
    pub fn packet_deadline(&self) -> Option<Instant> {
        let sent = Duration::from_secs(self.inbox.len() as u64 / SLOWEST_BYTES_PER_S);
        self.begun.map(|begun| begun + PACKET_TIMEOUT + sent)
    }

    /// Begins the time of an incomplete packet anew: the client was held back.
    pub fn restart_packet_time(&mut self) {
        self.begun = self.begun.map(|_| Instant::now());
    }

    /// Reads more bytes; false when the client has closed. Dropping the future loses nothing.
    pub async fn read_more(&mut self) -> io::Result<bool> {
        if self.inbox.is_empty() && self.inbox.capacity() > FLUSH_THRESHOLD_BYTES {
            // A rare long packet must not keep its large buffer allocated.
            self.inbox = BytesMut::new();
        }
        self.inbox.reserve(READ_BYTES);
        Ok(self.io.read_buf(&mut self.inbox).await? > 0)
    }

    /// Whether more packets may be queued before the queue is flushed.
    pub fn has_room(&self) -> bool {
        self.outbox.len() < FLUSH_THRESHOLD_BYTES
    }

    /// Sends the queued packets.
    ///
    /// # Errors
    /// `TimedOut` when the client takes no byte.
    pub async fn flush(&mut self) -> io::Result<()> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        send_queue::flush(&mut self.io, &mut self.outbox).await
    }

    /// Sends the queued packets and closes.
    pub async fn close(self) -> io::Result<()> {
        send_queue::close(self.io, self.outbox).await
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
