//! Frames of a connection. The library waits for a frame to be complete before it looks at its size.

use std::io;

use bytes::BytesMut;
use opcua::core::comms::tcp_codec::{Message, TcpCodec};
use opcua::types::{DecodingOptions, StatusCode};
use tokio_util::codec::Decoder;

/// Position of a frame's size, after its type.
const SIZE_AT: usize = 4;

/// Splits what a connection sends into frames, and refuses one that announces more than a message may have.
pub struct FrameCodec {
    library: TcpCodec,
    max_bytes: usize,
}

/// Why a connection has no next frame.
#[derive(Debug)]
pub enum FrameError {
    Io(io::Error),
    TooLarge,
}

impl FrameCodec {
    /// A codec for frames of at most `max_bytes`, header included; `options` bound what the library decodes of them.
    pub fn new(options: DecodingOptions, max_bytes: usize) -> Self {
        FrameCodec { library: TcpCodec::new(options), max_bytes }
    }
}

impl FrameError {
    /// The status that ends the connection.
    pub fn status(&self) -> StatusCode {
        match self {
            FrameError::Io(error) => {
                tracing::debug!(%error, "an OPC UA connection has no next frame");
                StatusCode::BadConnectionClosed
            }
            FrameError::TooLarge => StatusCode::BadTcpMessageTooLarge,
        }
    }
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        FrameError::Io(error)
    }
}

impl Decoder for FrameCodec {
    type Item = Message;
    type Error = FrameError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Message>, FrameError> {
        let size = buffer.get(SIZE_AT..).and_then(|rest| rest.first_chunk());
        if size.is_some_and(|size| u32::from_le_bytes(*size) as usize > self.max_bytes) {
            return Err(FrameError::TooLarge);
        }
        Ok(self.library.decode(buffer)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_announces_too_much_is_refused_before_it_comes() {
        let mut codec = FrameCodec::new(DecodingOptions::default(), 1024);
        let mut decode = |size: u32| {
            let header = [b"MSGF", &size.to_le_bytes()[..], &[0]].concat();
            codec.decode(&mut BytesMut::from(&header[..]))
        };
        assert!(matches!(decode(1024), Ok(None)), "the rest is awaited");
        for size in [1025, u32::MAX] {
            assert!(matches!(decode(size), Err(FrameError::TooLarge)), "{size}");
        }
    }
}
