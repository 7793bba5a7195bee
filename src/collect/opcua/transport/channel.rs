//! Transport of one secure channel: sends the library's requests and gives it the answers, as the library's own
//! transport does, but with a bound on the memory and the stack that a message may take.

use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use futures::future::pending;
use opcua::client::transport::{
    OutgoingMessage, RequestRecv, SecureChannelState, Transport, TransportPollResult,
};
use opcua::core::comms::buffer::SendBuffer;
use opcua::core::comms::message_chunk::{MessageChunk, MessageIsFinalType};
use opcua::core::comms::message_chunk_info::ChunkInfo;
use opcua::core::comms::sequence_number::SequenceNumberHandle;
use opcua::core::comms::tcp_codec::Message;
use opcua::core::{RequestMessage, ResponseMessage};
use opcua::crypto::SecurityPolicy;
use opcua::types::{Error, MessageSecurityMode, OpenSecureChannelResponse, StatusCode};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::sleep_until;
use tokio_util::codec::FramedRead;

use super::end_flag::EndFlag;
use super::frame_codec::{FrameCodec, FrameError};
use super::message::decode_message;
use super::pending_requests::PendingRequests;

/// A connection after its handshake.
pub struct ChannelTransport {
    channel: Arc<SecureChannelState>,
    requests: RequestRecv,
    pending: PendingRequests,
    /// Of the next chunk from the server.
    sequence: SequenceNumberHandle,
    frames: FramedRead<OwnedReadHalf, FrameCodec>,
    writer: OwnedWriteHalf,
    send_buffer: SendBuffer,
    url: String,
    /// Whether the request that closes the channel is on its way.
    is_closing: bool,
    /// Why the connection has ended, once it has.
    end: Option<StatusCode>,
    end_flag: EndFlag,
}

/// Event that a connection waits for.
enum ChannelEvent {
    Written(std::io::Result<()>),
    Request(Option<OutgoingMessage>),
    Frame(Option<Result<Message, FrameError>>),
    Deadline,
}

impl ChannelTransport {
    /// Takes over a connection whose hello was acknowledged; the security policy decides how chunks are numbered.
    pub fn new(
        channel: Arc<SecureChannelState>,
        requests: RequestRecv,
        pending: PendingRequests,
        (frames, writer, send_buffer): (FramedRead<OwnedReadHalf, FrameCodec>, OwnedWriteHalf, SendBuffer),
        (url, end_flag): (String, EndFlag),
    ) -> Self {
        let is_legacy = channel.secure_channel().read().security_policy().legacy_sequence_numbers();
        let sequence = SequenceNumberHandle::new(is_legacy);
        ChannelTransport {
            channel,
            requests,
            pending,
            sequence,
            frames,
            writer,
            send_buffer,
            url,
            is_closing: false,
            end: None,
            end_flag,
        }
    }

    /// Waits for one thing and does it. Nothing is lost when the future is dropped: it awaits once, and what it awaits
    /// keeps its state in `self`.
    async fn advance(&mut self) -> TransportPollResult {
        if let Err(status) = self.encode_chunk() {
            return TransportPollResult::Closed(status);
        }
        let is_writing = self.send_buffer.can_read();
        if self.is_closing && !is_writing {
            return TransportPollResult::Closed(StatusCode::Good);
        }
        let event = tokio::select! {
            written = self.send_buffer.read_into_async(&mut self.writer), if is_writing => ChannelEvent::Written(written),
            request = self.requests.recv(), if !is_writing => ChannelEvent::Request(request),
            frame = self.frames.next() => ChannelEvent::Frame(frame),
            () = wait_until(self.pending.next_deadline()) => ChannelEvent::Deadline,
        };
        match event {
            ChannelEvent::Written(Ok(())) => TransportPollResult::OutgoingMessageSent,
            ChannelEvent::Written(Err(_)) => TransportPollResult::Closed(StatusCode::BadCommunicationError),
            ChannelEvent::Request(Some(request)) => self.send(request),
            // The library has dropped its end.
            ChannelEvent::Request(None) => TransportPollResult::Closed(StatusCode::Good),
            ChannelEvent::Frame(None) => TransportPollResult::Closed(StatusCode::BadCommunicationError),
            ChannelEvent::Frame(Some(Err(error))) => TransportPollResult::Closed(error.status()),
            ChannelEvent::Frame(Some(Ok(frame))) => match self.receive(frame) {
                Ok(()) => TransportPollResult::IncomingMessage,
                Err(status) => TransportPollResult::Closed(status),
            },
            ChannelEvent::Deadline => {
                self.pending.expire(Instant::now());
                TransportPollResult::RecoverableError(StatusCode::BadTimeout)
            }
        }
    }

    /// Secures the next chunk of a request, unless one is being written.
    fn encode_chunk(&mut self) -> Result<(), StatusCode> {
        match self.send_buffer.should_encode_chunks() {
            true => self.send_buffer.encode_next_chunk(&self.channel.secure_channel().read()),
            false => Ok(()),
        }
    }

    fn send(&mut self, outgoing: OutgoingMessage) -> TransportPollResult {
        let id = self.send_buffer.next_request_id();
        self.is_closing |= matches!(outgoing.request, RequestMessage::CloseSecureChannel(_));
        if let Some(answer) = outgoing.callback {
            self.pending.insert(id, answer, outgoing.deadline);
        }
        let queued = self.send_buffer.write(id, outgoing.request, &self.channel.secure_channel().read());
        match queued {
            Ok(_) => TransportPollResult::OutgoingMessage,
            Err(error) => {
                let error = request_error(error);
                let status = error.status();
                self.pending.fail(id, error);
                TransportPollResult::RecoverableError(status)
            }
        }
    }

    /// The error ends the connection.
    fn receive(&mut self, frame: Message) -> Result<(), StatusCode> {
        match frame {
            Message::Chunk(chunk) => self.receive_chunk(chunk),
            Message::Error(error) => Err(error.error),
            Message::Acknowledge(_) | Message::Hello(_) | Message::ReverseHello(_) => {
                Err(StatusCode::BadTcpMessageTypeInvalid)
            }
        }
    }

    fn receive_chunk(&mut self, chunk: MessageChunk) -> Result<(), StatusCode> {
        let (chunk, info) = self.unsecured(chunk).map_err(|error| error.status())?;
        let numbers = &info.sequence_header;
        self.sequence.validate_and_increment(numbers.sequence_number).map_err(|error| error.status())?;
        if info.message_header.is_final == MessageIsFinalType::FinalError {
            let options = self.channel.secure_channel().read().decoding_options();
            let reason = chunk.final_error_body(&info, &options);
            let status = reason.map_or(StatusCode::BadCommunicationError, |reason| reason.status);
            self.pending.fail(numbers.request_id, Error::new(status, "the server has given the answer up"));
            return Ok(());
        }
        let body = chunk.data.slice(info.body_offset..info.body_offset + info.body_length);
        self.pending.add_body(numbers.request_id, body, chunk.data.len());
        match info.message_header.is_final {
            MessageIsFinalType::Final => self.answer(numbers.request_id),
            _ => Ok(()),
        }
    }

    /// Verifies and decrypts a chunk.
    fn unsecured(&self, chunk: MessageChunk) -> Result<(MessageChunk, ChunkInfo), Error> {
        let channel = self.channel.secure_channel().read();
        let chunk = channel.verify_and_remove_security(chunk.data)?;
        let info = chunk.chunk_info(&channel)?;
        // The server gives the channel its id with the first answer.
        let known = channel.secure_channel_id();
        if known != 0 && info.message_header.secure_channel_id != known {
            return Err(Error::new(StatusCode::BadSecureChannelIdInvalid, "a chunk of another channel"));
        }
        Ok((chunk, info))
    }

    /// Gives a complete answer to whoever waits for it. One that cannot be decoded ends the connection too: whatever
    /// it answered, a subscription for example, is no longer known.
    fn answer(&mut self, id: u32) -> Result<(), StatusCode> {
        let Some((waiting, bodies)) = self.pending.take(id) else { return Ok(()) };
        let context = self.channel.secure_channel().read().context_arc();
        let message = decode_message(&bodies, &context.read().context());
        let message = message.and_then(|message| self.accept(&message).map(|()| message));
        let end = message.as_ref().map(|_| ()).map_err(|error| error.status());
        if end.is_err() {
            self.end_flag.set();
        }
        // Whoever does not wait any more has ended by a timeout.
        let _ = waiting.send(message);
        end
    }

    /// Before the next chunk is read, the channel takes over what an answer to its opening or renewal says.
    fn accept(&self, message: &ResponseMessage) -> Result<(), Error> {
        let ResponseMessage::OpenSecureChannel(response) = message else { return Ok(()) };
        let status = response.response_header.service_result;
        if !status.is_good() {
            return Err(Error::new(status, "the server refuses the channel"));
        }
        self.take_token(response)
    }

    fn take_token(&self, response: &OpenSecureChannelResponse) -> Result<(), Error> {
        let mut channel = self.channel.secure_channel().write();
        let known = channel.secure_channel_id();
        if known != 0 && known != response.security_token.channel_id {
            return Err(Error::new(StatusCode::BadSecureChannelIdInvalid, "the channel got another id"));
        }
        channel.set_security_token(response.security_token.clone());
        let is_secured = matches!(
            channel.security_mode(),
            MessageSecurityMode::Sign | MessageSecurityMode::SignAndEncrypt
        );
        if is_secured && channel.security_policy() != SecurityPolicy::None {
            channel.validate_secure_channel_nonce_length(&response.server_nonce)?;
            channel.set_remote_nonce_from_byte_string(&response.server_nonce)?;
            channel.derive_keys();
        }
        Ok(())
    }

    /// Answers every request with the end of the connection, also those that are still to be sent.
    fn finish(&mut self, status: StatusCode) {
        self.end = Some(status);
        self.end_flag.set();
        // An orderly end is an error for who still waits.
        let status = if status.is_good() { StatusCode::BadConnectionClosed } else { status };
        self.pending.fail_all(status);
        self.requests.close();
        while let Ok(unsent) = self.requests.try_recv() {
            if let Some(waiting) = unsent.callback {
                let _ = waiting.send(Err(Error::new(status, "the connection has ended")));
            }
        }
    }
}

impl Transport for ChannelTransport {
    async fn poll(&mut self) -> TransportPollResult {
        if let Some(status) = self.end {
            return TransportPollResult::Closed(status);
        }
        let result = self.advance().await;
        if let TransportPollResult::Closed(status) = result {
            self.finish(status);
        }
        result
    }

    fn connected_url(&self) -> &str {
        &self.url
    }
}

/// The library calls a request of more chunks than the server takes a failure of communication; fewer nodes fit.
fn request_error(error: Error) -> Error {
    match error.status() {
        StatusCode::BadCommunicationError => Error::new(StatusCode::BadRequestTooLarge, error),
        _ => error,
    }
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline.into()).await,
        None => pending().await,
    }
}
