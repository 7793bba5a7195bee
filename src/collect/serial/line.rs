//! A serial line: one port with several devices, of which one is asked at a time.
//!
//! A port is one in the machine, so the open lines are one list in the process, by the device file behind all links: devices of
//! all pollers, one-off requests and tests of settings take turns on the same line.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::allowed_ports::AllowedSerialPorts;
use super::port::SerialPort;
use super::settings::{SerialAddress, SerialSettings};

/// Lines that somebody uses, and some that nobody uses any more.
static LINES: parking_lot::Mutex<BTreeMap<PathBuf, Weak<SerialLine>>> =
    parking_lot::Mutex::new(BTreeMap::new());

/// A line. Its port is closed when the last user drops it, and after every failure of the port itself.
#[derive(Debug)]
pub struct SerialLine {
    path: PathBuf,
    state: Arc<Mutex<LineState>>,
}

#[derive(Debug)]
struct LineState {
    port: Option<SerialPort>,
    /// When the next request may be sent: after the silence that ends a frame, or when nobody waits for an answer any more.
    free_at: Instant,
}

/// Exclusive use of a line for one request and its answer, as a stream of bytes. The lock is fair.
#[derive(Debug)]
pub struct SerialLineGuard {
    state: OwnedMutexGuard<LineState>,
    settings: SerialSettings,
    timeout: Duration,
    /// From an answer to the next request of whomever.
    pause: Duration,
    has_sent: Arc<AtomicBool>,
    /// Whether what is sent comes back before the answer.
    is_echoed: bool,
    /// Bytes that come back before the answer.
    echo: usize,
}

impl SerialLine {
    /// Returns the line at an address, with its port open.
    ///
    /// # Errors
    /// Worded for people: the port may not be used, is missing, or cannot be opened.
    pub async fn open(address: &SerialAddress, allowed: &AllowedSerialPorts) -> io::Result<Arc<SerialLine>> {
        let line = line_at(allowed.resolve(&address.path)?);
        // Whoever has the lock uses the port or opens it.
        if let Ok(mut state) = Arc::clone(&line.state).try_lock_owned()
            && state.port.is_none()
        {
            state.port = Some(SerialPort::open(&line.path, address.settings).await?);
            state.free_at = state.free_at.max(Instant::now() + address.usage.pause_after_connect);
        }
        Ok(line)
    }

    /// Waits for a turn on the line: until all who came before have had theirs and the line is silent. Then sets the speed
    /// and throws away what has arrived. The guard sets `has_sent` as soon as any byte may have left.
    ///
    /// # Errors
    /// When the port is gone, or the line is not silent for as long as the address's timeout.
    pub async fn lock(
        &self,
        address: &SerialAddress,
        has_sent: Arc<AtomicBool>,
    ) -> io::Result<SerialLineGuard> {
        let SerialAddress { settings, timeout: limit, usage, .. } = *address;
        let mut state = Arc::clone(&self.state).lock_owned().await;
        sleep_until(state.free_at).await;
        let prepared = timeout(limit, state.prepare(settings)).await;
        let noisy = || io::Error::other("the line is never silent; are its speed and parity right?");
        prepared.map_err(|_| noisy())??;
        let pause = settings.silence().max(usage.pause_between_requests);
        let (is_echoed, echo) = (false, 0);
        Ok(SerialLineGuard { state, settings, timeout: limit, pause, has_sent, is_echoed, echo })
    }
}

impl LineState {
    /// Sets the port and waits until a silence has passed without a byte.
    async fn prepare(&mut self, settings: SerialSettings) -> io::Result<()> {
        loop {
            let port = self.port.as_mut().ok_or_else(|| io::Error::other("the serial port was closed"))?;
            match port.apply(settings).and_then(|()| port.discard_input()) {
                Ok(0) => return Ok(()),
                Ok(_) => sleep(settings.silence()).await,
                Err(error) => {
                    self.port = None;
                    return Err(error);
                }
            }
        }
    }
}

/// Returns the line of a device file, which everybody who uses it shares.
fn line_at(path: PathBuf) -> Arc<SerialLine> {
    let mut lines = LINES.lock();
    lines.retain(|_, line| line.strong_count() > 0);
    if let Some(line) = lines.get(&path).and_then(Weak::upgrade) {
        return line;
    }
    let state = LineState { port: None, free_at: Instant::now() };
    let line = Arc::new(SerialLine { path: path.clone(), state: Arc::new(Mutex::new(state)) });
    lines.insert(path, Arc::downgrade(&line));
    line
}

impl SerialLineGuard {
    /// Takes as many bytes as are sent for no answer: they come back first, and the line stays reserved for the answer.
    pub fn expect_echo(&mut self) {
        self.is_echoed = true;
    }

    fn port(&mut self) -> io::Result<&mut SerialPort> {
        self.state.port.as_mut().ok_or_else(|| io::Error::other("the serial port was closed"))
    }

    /// Closes the port after an error: only opening it again shows whether it is still there.
    fn checked<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        if outcome.is_err() {
            self.state.port = None;
        }
        outcome
    }
}

impl AsyncRead for SerialLineGuard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(self.port()?.poll_read(cx, buf));
        let count = buf.filled().len() - before;
        if count > self.echo {
            self.state.free_at = Instant::now() + self.pause;
        }
        self.echo = self.echo.saturating_sub(count);
        Poll::Ready(self.checked(read))
    }
}

impl AsyncWrite for SerialLineGuard {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(self.port()?.poll_write(cx, bytes));
        self.has_sent.store(true, Ordering::Relaxed);
        if let (true, Ok(count)) = (self.is_echoed, &written) {
            self.echo += count;
        }
        // An abandoned request may still be answered, so the line stays reserved as long as its owner would have waited.
        let sending = self.settings.transmission(bytes.len()) + self.settings.silence();
        self.state.free_at = Instant::now() + self.timeout.max(sending);
        Poll::Ready(self.checked(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
#[path = "line_tests.rs"]
mod tests;
