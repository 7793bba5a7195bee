//! Stream under a Modbus session that skips the echoes of requests and notes which unit answers.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Longest part of an echo that is compared at once; an RTU frame has at most 256 bytes.
const ECHO_PART: usize = 256;
/// In place of a unit while none has answered.
const NO_UNIT: u16 = u16::MAX;

/// The unit that the latest answer on a stream came from.
#[derive(Debug, Clone)]
pub struct AnsweringUnit(Arc<AtomicU16>);

impl Default for AnsweringUnit {
    fn default() -> Self {
        AnsweringUnit(Arc::new(AtomicU16::new(NO_UNIT)))
    }
}

impl AnsweringUnit {
    /// `None` while no answer has arrived to the latest request.
    pub fn get(&self) -> Option<u8> {
        u8::try_from(self.0.load(Ordering::Relaxed)).ok()
    }

    fn set(&self, unit: u8) {
        self.0.store(unit.into(), Ordering::Relaxed);
    }

    fn clear(&self) {
        self.0.store(NO_UNIT, Ordering::Relaxed);
    }
}

/// tokio-modbus takes whatever arrives for the answer, and does not say whose answer it refuses.
#[derive(Debug)]
pub struct AnswerStream<S> {
    stream: S,
    /// Whether every request comes back before its answer, as adapters to two-wire lines send it.
    is_echoed: bool,
    /// Bytes of the request that have not come back yet.
    echo: Vec<u8>,
    /// Bytes of an answer before its unit.
    unit_at: usize,
    /// Bytes that have arrived since the request.
    received: usize,
    answering: AnsweringUnit,
}

impl<S> AnswerStream<S> {
    /// A stream whose answers have their unit after `unit_at` bytes. It is noted in `answering`, which the caller shares.
    pub fn new(stream: S, is_echoed: bool, unit_at: usize, answering: AnsweringUnit) -> AnswerStream<S> {
        AnswerStream { stream, is_echoed, echo: Vec::new(), unit_at, received: 0, answering }
    }
}

impl<S: AsyncRead + Unpin> AnswerStream<S> {
    /// Reads the rest of the echo.
    fn poll_skip_echo(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.echo.is_empty() {
            let mut bytes = [0; ECHO_PART];
            let mut part = ReadBuf::new(&mut bytes[..self.echo.len().min(ECHO_PART)]);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
            let part = part.filled();
            if part.is_empty() {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            if !self.echo.starts_with(part) {
                let message = "the request did not come back before the answer: is the setting `echo` right?";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, message)));
            }
            self.echo.drain(..part.len());
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for AnswerStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_skip_echo(cx))?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let arrived = &buf.filled()[before..];
        let unit = self.unit_at.checked_sub(self.received).and_then(|at| arrived.get(at));
        if let Some(unit) = unit {
            self.answering.set(*unit);
        }
        self.received = self.received.saturating_add(arrived.len());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for AnswerStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        if self.is_echoed {
            self.echo.extend_from_slice(&bytes[..written]);
        }
        self.received = 0;
        self.answering.clear();
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

    #[tokio::test]
    async fn an_echo_is_no_answer_however_it_is_cut() {
        for parts in [vec!["requestanswer"], vec!["req", "ues", "tans", "wer"]] {
            let (near, mut far) = duplex(64);
            let answering = AnsweringUnit::default();
            let mut stream = AnswerStream::new(near, true, 2, answering.clone());
            stream.write_all(b"request").await.unwrap();
            assert_eq!(answering.get(), None);
            let sending = async {
                for part in parts {
                    far.write_all(part.as_bytes()).await.unwrap();
                    tokio::task::yield_now().await;
                }
            };
            let mut answer = [0; 6];
            let (_, read) = tokio::join!(sending, stream.read_exact(&mut answer));
            read.unwrap();
            assert_eq!((&answer, answering.get()), (b"answer", Some(b's')));
            stream.write_all(b"next").await.unwrap();
            assert_eq!(answering.get(), None, "it has not answered that");
        }
    }

    #[tokio::test]
    async fn an_answer_in_place_of_the_echo_is_an_error() {
        let (near, mut far) = duplex(64);
        let mut stream = AnswerStream::new(near, true, 0, AnsweringUnit::default());
        stream.write_all(b"request").await.unwrap();
        far.write_all(b"reply").await.unwrap();
        let error = stream.read_u8().await.unwrap_err();
        assert!(error.to_string().contains("`echo`"), "{error}");
    }
}
