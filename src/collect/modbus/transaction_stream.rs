//! Stream under a Modbus TCP session that skips answers to earlier requests, which come late or again.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::collect::request_number::RequestNumber;

/// Bytes of a frame up to the end of its length: transaction id, protocol id, length.
const HEADER_LEN: usize = 6;
/// The longest answer after this header: its unit and 253 bytes.
const MAX_BODY: usize = 254;
/// Bytes that are read at once.
const PART: usize = 256;
/// Answers to earlier requests that are skipped before one answer; tokio-modbus refuses more.
const MAX_EARLIER_ANSWERS: usize = 8;

/// tokio-modbus takes the first frame for the answer and refuses it if its transaction id is another's. So it is given no
/// answer to an earlier request, and never more than one frame.
#[derive(Debug)]
pub struct TransactionStream<S> {
    stream: S,
    /// Transaction id of the latest request.
    number: RequestNumber,
    /// Bytes of the latest request that are not written yet.
    unwritten: usize,
    skipped_answers: usize,
    /// Bytes of a header that were read and not passed on.
    header: Vec<u8>,
    frame: FramePosition,
}

/// Place in the frames that arrive.
#[derive(Debug, Clone, Copy)]
enum FramePosition {
    Header,
    /// So many bytes are left of a body that is passed on.
    Passing(usize),
    /// So many bytes are left of a body that is skipped.
    Skipping(usize),
}

impl<S> TransactionStream<S> {
    /// A stream of a connection on which nothing was sent.
    pub fn new(stream: S) -> TransactionStream<S> {
        TransactionStream {
            stream,
            number: RequestNumber::default(),
            unwritten: 0,
            skipped_answers: 0,
            header: Vec::new(),
            frame: FramePosition::Header,
        }
    }

    /// Decides about the frame whose header was read.
    fn begin_frame(&mut self) {
        let &[high, low, protocol, protocol_low, len, len_low] = &self.header[..] else { return };
        let body = usize::from(u16::from_be_bytes([len, len_low]));
        let is_frame = [protocol, protocol_low] == [0, 0] && (1..=MAX_BODY).contains(&body);
        let is_earlier = self.number.is_earlier(u16::from_be_bytes([high, low]));
        self.frame = if !is_frame {
            // tokio-modbus says what is wrong with it.
            FramePosition::Passing(usize::MAX)
        } else if is_earlier && self.skipped_answers < MAX_EARLIER_ANSWERS {
            self.skipped_answers += 1;
            self.header.clear();
            FramePosition::Skipping(body)
        } else {
            FramePosition::Passing(body)
        };
    }
}

impl<S: AsyncRead + Unpin> TransactionStream<S> {
    /// Reads up to `most` bytes. None at the end of the stream.
    fn poll_part(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<io::Result<Vec<u8>>> {
        let mut bytes = [0; PART];
        let mut part = ReadBuf::new(&mut bytes[..most.min(PART)]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
        Poll::Ready(Ok(part.filled().to_vec()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TransactionStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.frame {
                FramePosition::Passing(_) if !self.header.is_empty() => {
                    let count = self.header.len().min(buf.remaining());
                    buf.put_slice(&self.header[..count]);
                    self.header.drain(..count);
                    return Poll::Ready(Ok(()));
                }
                FramePosition::Passing(0) | FramePosition::Skipping(0) => self.frame = FramePosition::Header,
                FramePosition::Passing(left) => {
                    let part = ready!(self.poll_part(cx, left.min(buf.remaining())))?;
                    buf.put_slice(&part);
                    self.frame = FramePosition::Passing(left - part.len());
                    return Poll::Ready(Ok(()));
                }
                FramePosition::Skipping(left) => {
                    let part = ready!(self.poll_part(cx, left))?;
                    if part.is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                    self.frame = FramePosition::Skipping(left - part.len());
                }
                FramePosition::Header if self.header.len() == HEADER_LEN => self.begin_frame(),
                FramePosition::Header => {
                    let missing = HEADER_LEN - self.header.len();
                    let part = ready!(self.poll_part(cx, missing))?;
                    if part.is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                    self.header.extend(part);
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TransactionStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let (0, &[high, low, _, _, len, len_low, ..]) = (self.unwritten, bytes) {
            self.number.record(u16::from_be_bytes([high, low]));
            self.unwritten = HEADER_LEN + usize::from(u16::from_be_bytes([len, len_low]));
            self.skipped_answers = 0;
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.unwritten = self.unwritten.saturating_sub(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// A frame with this transaction id and a body of two bytes.
    fn frame(id: u8, value: u8) -> Vec<u8> {
        vec![0, id, 0, 0, 0, 2, 1, value]
    }

    #[tokio::test]
    async fn answers_to_earlier_requests_are_skipped_however_they_are_cut() {
        for part in [1, 3, 8, 100] {
            let (near, mut far) = duplex(256);
            let mut stream = TransactionStream::new(near);
            let mut answer = [0; 8];
            stream.write_all(&frame(0, 0)).await.unwrap();
            far.write_all(&[frame(0, 10), frame(0, 10)].concat()).await.unwrap();
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer[..], frame(0, 10), "{part}");
            stream.write_all(&frame(1, 0)).await.unwrap();
            let arriving = [frame(0, 10), frame(1, 11), frame(1, 11)].concat();
            let sending = async {
                for part in arriving.chunks(part) {
                    far.write_all(part).await.unwrap();
                    tokio::task::yield_now().await;
                }
            };
            let (_, read) = tokio::join!(sending, stream.read_exact(&mut answer));
            read.unwrap();
            assert_eq!(answer[..], frame(1, 11), "{part}");
        }
    }

    #[tokio::test]
    async fn an_id_that_was_never_sent_is_passed_on() {
        for id in [1, 9, 255] {
            let (near, mut far) = duplex(256);
            let mut stream = TransactionStream::new(near);
            stream.write_all(&frame(0, 0)).await.unwrap();
            far.write_all(&frame(id, 10)).await.unwrap();
            let mut answer = [0; 8];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer[..], frame(id, 10));
        }
    }
}
