//! Socket for protocols with one request and one response at a time: it enforces time limits and exact lengths, and
//! is closed after the first doubt.
//!
//! The socket is taken out of `RequestSocket` while a request is under way, so an abandoned request closes it. Where
//! responses have numbers, those to earlier requests are skipped. Where they have none, bytes that answer no request are noticed
//! before the next one is sent or after its response (`answer_check`), and end the connection.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout};

use super::answer_check::{AnswerDoubt, AnsweredSocket, CheckedAnswer, UnnumberedAnswer, check_answer};
use super::connection_usage::RequestPacing;
use super::fault::{DeviceFault, describe_io_error};
use super::line_silence::{LineSilence, SuspectAnswer};
use super::networks::AllowedNetworks;
use super::peer::{Peer, Transport};
use super::recent_answers::RecentAnswers;

/// The longest possible datagram.
const MAX_DATAGRAM_BYTES: usize = 65_535;
/// Responses to earlier requests that are skipped before one response; more are a fault.
const MAX_EARLIER_RESPONSES: usize = 8;

/// Length of a response: a header of fixed length, which gives the length of the rest.
pub trait ResponseFraming {
    fn header_len(&self) -> usize;

    /// Number of bytes after the header. The error says why the header cannot begin the expected response, nor one to an
    /// earlier request.
    fn body_len(&self, header: &[u8]) -> Result<usize, String>;

    /// Whether a response says by a number which request it answers.
    fn is_numbered(&self) -> bool {
        false
    }

    /// Whether a frame holds what was read. Such a request is sent again where its response may be that to another.
    fn holds_values(&self, _frame: &[u8]) -> bool {
        false
    }

    /// Whether a frame answers an earlier request of the connection, so that it comes late or again.
    fn is_earlier(&self, _frame: &[u8]) -> bool {
        false
    }

    /// Whether a frame without a number can be the answer to the request by its contents.
    fn is_answer(&self, _frame: &[u8]) -> bool {
        true
    }
}

enum Socket {
    Tcp(TcpStream),
    Udp(UdpSocket),
}

/// A connection that stays open until something goes wrong.
pub struct RequestSocket {
    peer: Peer,
    socket: Option<Socket>,
    pacing: RequestPacing,
    has_answered: bool,
    has_sent: bool,
    silence: Arc<LineSilence>,
    /// Settings by which the device would number its responses.
    alternative: &'static str,
    recent: RecentAnswers,
}

impl RequestSocket {
    /// Connects. Over UDP this proves nothing until the device has answered.
    pub async fn connect(peer: &Peer, networks: &AllowedNetworks) -> Result<RequestSocket, DeviceFault> {
        let socket = peer.within_timeout(open(peer, networks)).await?;
        Ok(RequestSocket {
            peer: peer.clone(),
            socket: Some(socket),
            pacing: RequestPacing::opened_now(),
            has_answered: false,
            has_sent: false,
            silence: Arc::default(),
            alternative: "its answers have no numbers",
            recent: RecentAnswers::default(),
        })
    }

    /// Uses what is known of a device's line. `alternative` says by which settings the device would number its responses.
    pub fn with_silence(self, silence: Arc<LineSilence>, alternative: &'static str) -> RequestSocket {
        RequestSocket { silence, alternative, ..self }
    }

    /// Whether another request can be sent; one that failed or was abandoned has closed the socket.
    pub fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// Whether any byte of the latest request may have left.
    pub fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// Whether any complete response has come on this connection.
    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Sends a request, after the pauses that the peer needs, and returns the whole response frame, header included. A read
    /// whose response may be that to another is sent again. The time limit counts from the sending on, and does not include the
    /// silence that must follow a response without a number.
    pub async fn request(
        &mut self,
        request: &[u8],
        framing: &impl ResponseFraming,
    ) -> Result<Vec<u8>, DeviceFault> {
        let (mut answer, suspect) = self.exchange(request, framing).await?;
        let Some(suspect) = suspect else { return Ok(answer) };
        if framing.holds_values(&answer) {
            (answer, _) = match self.exchange(request, framing).await {
                Err(DeviceFault::Timeout { .. }) => return Err(self.unsolicited()),
                exchanged => exchanged?,
            };
        }
        self.silence.record_checked(suspect);
        Ok(answer)
    }

    /// Sends a request and receives its response. Returns it as suspect too, where it may be that to another request.
    async fn exchange(
        &mut self,
        request: &[u8],
        framing: &impl ResponseFraming,
    ) -> Result<(Vec<u8>, Option<SuspectAnswer>), DeviceFault> {
        self.has_sent = false;
        if self.is_open() {
            self.pacing.wait(self.peer.usage).await;
        }
        let Some(mut socket) = self.socket.take() else {
            return Err(self.peer.closed("an earlier request failed".to_owned()));
        };
        self.check_unread(&socket, framing.is_numbered())?;
        self.has_sent = true;
        let sent_at = Instant::now();
        let exchange = async {
            socket.send(request).await?;
            socket.receive(framing).await
        };
        let exchanged = timeout(self.peer.timeout, exchange).await;
        self.pacing.record_end();
        let answer = match exchanged {
            Ok(Ok(answer)) => answer.map_err(|why| self.malformed(why))?,
            Ok(Err(error)) => return Err(self.peer.closed(describe_io_error(&error))),
            Err(_) => return Err(self.peer.no_answer()),
        };
        self.has_answered = true;
        let (round_trip, limit) = (sent_at.elapsed(), self.peer.timeout);
        let is_answer = framing.is_answer(&answer);
        // A header may hold a number that answers do not repeat.
        let request = request.get(framing.header_len()..).unwrap_or(request);
        let exchange = UnnumberedAnswer { request, answer: &answer, is_answer, rest: &[], round_trip, limit };
        let checked = self.check_silence(&mut socket, framing, exchange).await?;
        self.socket = checked.is_open.then_some(socket);
        Ok((answer, checked.suspect))
    }

    /// Checks a response, if it has no number.
    async fn check_silence(
        &mut self,
        socket: &mut Socket,
        framing: &impl ResponseFraming,
        exchange: UnnumberedAnswer<'_>,
    ) -> Result<CheckedAnswer, DeviceFault> {
        if framing.is_numbered() {
            return Ok(CheckedAnswer::believed());
        }
        let answered = match &*socket {
            Socket::Tcp(stream) => AnsweredSocket::Tcp(stream),
            Socket::Udp(socket) => AnsweredSocket::Udp(socket),
        };
        let left = exchange.limit.saturating_sub(exchange.round_trip);
        match check_answer(answered, &mut self.recent, &self.silence, exchange).await {
            Ok(checked) => Ok(checked),
            Err(AnswerDoubt::Closed(error)) => Err(self.peer.closed(describe_io_error(&error))),
            // Else the device itself is at fault, and the caller ends the connection.
            Err(AnswerDoubt::Copy) if !socket.brings_answer(framing, left).await => {
                Ok(CheckedAnswer::believed())
            }
            Err(AnswerDoubt::Copy | AnswerDoubt::Unsolicited) => Err(self.unsolicited()),
        }
    }

    fn unsolicited(&self) -> DeviceFault {
        self.peer.unsolicited(&self.silence, self.alternative)
    }

    /// Sends a last frame, to which no response comes, and closes the connection.
    pub async fn send_last(&mut self, frame: &[u8]) {
        if let Some(mut socket) = self.socket.take() {
            // Whether it arrives makes no difference: the connection ends either way.
            let _ = timeout(self.peer.timeout, socket.send(frame)).await;
        }
    }

    /// Closes the connection after a response that made no sense: nothing on it can be trusted any more.
    pub fn malformed(&mut self, reason: String) -> DeviceFault {
        self.socket = None;
        // It may have been another's.
        self.silence.forget_checks();
        self.peer.malformed(reason)
    }

    /// Checks that the connection is open, and that no bytes arrived since the last response. Where responses have numbers, such
    /// bytes are left for `receive`.
    fn check_unread(&self, socket: &Socket, is_numbered: bool) -> Result<(), DeviceFault> {
        if !is_numbered && self.silence.is_resting() {
            return Err(self.peer.never_silent(self.alternative));
        }
        let mut byte = [0; 1];
        let received = match socket {
            Socket::Tcp(stream) if is_numbered => match stream.peek(&mut byte).now_or_never() {
                Some(Ok(1..)) | None => return Ok(()),
                Some(received) => received,
            },
            Socket::Udp(_) if is_numbered => return Ok(()),
            Socket::Tcp(stream) => stream.try_read(&mut byte),
            // The rest of a longer datagram is cut off, which does not matter here.
            Socket::Udp(socket) => socket.try_recv(&mut byte).map(|_| 1),
        };
        match received {
            Ok(0) => Err(self.peer.closed(describe_io_error(&io::ErrorKind::UnexpectedEof.into()))),
            Ok(_) => Err(self.unsolicited()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(self.peer.closed(describe_io_error(&error))),
        }
    }
}

async fn open(peer: &Peer, networks: &AllowedNetworks) -> io::Result<Socket> {
    match peer.transport {
        Transport::Tcp => peer.connect_tcp(networks).await.map(Socket::Tcp),
        Transport::Udp => {
            let address = networks.resolve(&peer.host, peer.port).await?.into_iter().next();
            let address = address.ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?;
            let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(any).await?;
            socket.connect(address).await?;
            Ok(Socket::Udp(socket))
        }
    }
}

impl Socket {
    async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.write_all(request).await,
            Socket::Udp(socket) => socket.send(request).await.map(drop),
        }
    }

    /// Receives a response and skips those to earlier requests. The inner error means that the bytes received are no response.
    async fn receive(&mut self, framing: &impl ResponseFraming) -> io::Result<Result<Vec<u8>, String>> {
        for _ in 0..=MAX_EARLIER_RESPONSES {
            match self.receive_frame(framing).await? {
                Ok(frame) if framing.is_earlier(&frame) => {}
                received => return Ok(received),
            }
        }
        Ok(Err("the answers belong to other requests".to_owned()))
    }

    /// Whether a response comes within a time that can be the answer by its contents.
    async fn brings_answer(&mut self, framing: &impl ResponseFraming, time: Duration) -> bool {
        let receiving = async {
            for _ in 0..=MAX_EARLIER_RESPONSES {
                match self.receive_frame(framing).await {
                    Ok(Ok(frame)) if framing.is_answer(&frame) => return true,
                    Ok(Ok(_)) => {}
                    Ok(Err(_)) | Err(_) => return false,
                }
            }
            false
        };
        timeout(time, receiving).await.unwrap_or(false)
    }

    async fn receive_frame(&mut self, framing: &impl ResponseFraming) -> io::Result<Result<Vec<u8>, String>> {
        match self {
            Socket::Tcp(stream) => {
                let mut frame = vec![0; framing.header_len()];
                stream.read_exact(&mut frame).await?;
                let body = match framing.body_len(&frame) {
                    Ok(body) => body,
                    Err(why) => return Ok(Err(why)),
                };
                let header = frame.len();
                frame.resize(header + body, 0);
                stream.read_exact(&mut frame[header..]).await?;
                Ok(Ok(frame))
            }
            Socket::Udp(socket) => {
                let mut frame = vec![0; MAX_DATAGRAM_BYTES];
                let len = socket.recv(&mut frame).await?;
                frame.truncate(len);
                Ok(whole(frame, framing))
            }
        }
    }
}

/// Checks that a datagram is exactly one frame.
fn whole(frame: Vec<u8>, framing: &impl ResponseFraming) -> Result<Vec<u8>, String> {
    let header = frame.get(..framing.header_len()).ok_or("the answer is cut short")?;
    let expected = header.len() + framing.body_len(header)?;
    if frame.len() == expected { Ok(frame) } else { Err("the answer is not as long as it says".to_owned()) }
}

#[cfg(test)]
#[path = "channel_script.rs"]
pub(super) mod script;
