//! Handshake of a connection: the limits that both ends state before a channel is opened.

use std::sync::Arc;

use futures::StreamExt;
use opcua::client::transport::{Connector, RequestRecv, SecureChannelState, TransportConfiguration};
use opcua::core::comms::buffer::SendBuffer;
use opcua::core::comms::tcp_codec::Message;
use opcua::core::comms::tcp_types::{AcknowledgeMessage, HelloMessage, MIN_CHUNK_SIZE};
use opcua::types::{EndpointDescription, Error, SimpleBinaryEncodable, StatusCode};
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_util::codec::FramedRead;

use super::channel::ChannelTransport;
use super::end_flag::EndFlag;
use super::frame_codec::FrameCodec;
use super::pending_requests::PendingRequests;

/// The version of OPC UA's TCP protocol that is spoken here, the only one there is.
const PROTOCOL_VERSION: u32 = 0;

/// Performs the handshake over an open connection, once.
pub struct TcpConnector {
    stream: Mutex<Option<TcpStream>>,
    url: String,
    end: EndFlag,
}

impl TcpConnector {
    /// `url` is sent to the server as the requested endpoint.
    pub fn new(stream: TcpStream, url: String) -> Self {
        TcpConnector { stream: Mutex::new(Some(stream)), url, end: EndFlag::default() }
    }

    /// The flag that the connection sets when it ends.
    pub fn end_flag(&self) -> EndFlag {
        self.end.clone()
    }
}

impl Connector for TcpConnector {
    type Transport = ChannelTransport;

    async fn connect(
        &self,
        channel: Arc<SecureChannelState>,
        requests: RequestRecv,
        limits: TransportConfiguration,
    ) -> Result<ChannelTransport, Error> {
        let spent = || Error::new(StatusCode::BadConnectionClosed, "the connection was used before");
        let stream = self.stream.lock().take().ok_or_else(spent)?;
        let (options, policy) = {
            let channel = channel.secure_channel().read();
            (channel.decoding_options(), channel.security_policy())
        };
        let (reader, mut writer) = stream.into_split();
        let mut frames = FramedRead::new(reader, FrameCodec::new(options, limits.max_message_size));
        let hello = HelloMessage::new(
            &self.url,
            limits.send_buffer_size,
            limits.recv_buffer_size,
            limits.max_message_size,
            limits.max_chunk_count,
        );
        let lost = |error: std::io::Error| Error::new(StatusCode::BadCommunicationError, error);
        writer.write_all(&SimpleBinaryEncodable::encode_to_vec(&hello)).await.map_err(lost)?;
        let acknowledged = match frames.next().await {
            Some(Ok(Message::Acknowledge(acknowledged))) => acknowledged,
            // What a server says instead, it says before it is known to be one.
            _ => {
                return Err(Error::new(StatusCode::BadConnectionClosed, "the server refuses the connection"));
            }
        };
        check(&acknowledged)?;
        let mut buffer = SendBuffer::new(
            limits.send_buffer_size,
            limits.max_message_size,
            limits.max_chunk_count,
            policy.legacy_sequence_numbers(),
        );
        buffer.revise(
            acknowledged.receive_buffer_size as usize,
            acknowledged.max_message_size as usize,
            acknowledged.max_chunk_count as usize,
        );
        let pending = PendingRequests::new(limits.max_message_size, limits.max_chunk_count);
        let connection = (frames, writer, buffer);
        Ok(ChannelTransport::new(
            channel,
            requests,
            pending,
            connection,
            (self.url.clone(), self.end.clone()),
        ))
    }

    fn default_endpoint(&self) -> EndpointDescription {
        EndpointDescription::from(self.url.as_str())
    }
}

/// Whether the server's limits can be kept to.
fn check(acknowledged: &AcknowledgeMessage) -> Result<(), Error> {
    if acknowledged.protocol_version > PROTOCOL_VERSION {
        let status = StatusCode::BadProtocolVersionUnsupported;
        return Err(Error::new(status, format!("version {}", acknowledged.protocol_version)));
    }
    let smallest = acknowledged.receive_buffer_size.min(acknowledged.send_buffer_size);
    if (smallest as usize) < MIN_CHUNK_SIZE {
        let words = format!("chunks of {smallest} bytes, less than {MIN_CHUNK_SIZE}");
        return Err(Error::new(StatusCode::BadTcpInternalError, words));
    }
    Ok(())
}
