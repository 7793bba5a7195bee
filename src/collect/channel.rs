//! A socket to a device for protocols of one request and one answer at a time: time bounds, exact lengths, and nothing
//! after the first doubt.
//!
//! The socket is out of the channel while a request is under way, so a request that is abandoned takes it along. Bytes
//! that answer no request are noticed before the next one is sent, never taken for its answer.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::fault::{Fault, reason};
use super::networks::Networks;
use crate::domain::device::DeviceSpec;
use crate::domain::{Error, Result};

/// No datagram is longer.
const DATAGRAM: usize = 65_535;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    #[default]
    Tcp,
    /// A datagram is a whole frame.
    Udp,
}

/// Where a socket leads.
#[derive(Debug, Clone, PartialEq)]
pub struct Peer {
    pub host: String,
    pub port: u16,
    pub transport: Transport,
    /// For connecting and for each request.
    pub timeout: Duration,
}

impl Peer {
    /// From a device's settings; the error names the setting.
    pub fn of(spec: &DeviceSpec, transport: Transport) -> Result<Peer> {
        let port = spec.effective_port().ok_or_else(|| Error::field("port", "This field is required."))?;
        let timeout = Duration::try_from_secs_f64(spec.timeout_s)
            .map_err(|_| Error::field("timeout", "A valid number is required."))?;
        Ok(Peer { host: spec.host.clone(), port, transport, timeout })
    }

    fn address(&self) -> String {
        let Peer { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// How long an answer is: first so many bytes, then as many more as these say.
pub trait Framing {
    fn header_len(&self) -> usize;

    /// The bytes after the header. An error says what is wrong with a header that cannot begin the answer awaited.
    fn body_len(&self, header: &[u8]) -> Result<usize, String>;
}

enum Socket {
    Tcp(TcpStream),
    Udp(UdpSocket),
}

/// A connection, open until something goes wrong.
pub struct Channel {
    peer: Peer,
    socket: Option<Socket>,
    has_answered: bool,
    has_sent: bool,
}

impl Channel {
    /// A datagram socket leads somewhere only once something has answered.
    pub async fn connect(peer: &Peer, networks: &Networks) -> Result<Channel, Fault> {
        let socket = match timeout(peer.timeout, open(peer, networks)).await {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => {
                return Err(Fault::Unreachable { address: peer.address(), reason: reason(&error) });
            }
            Err(_) => return Err(no_answer(peer)),
        };
        Ok(Channel { peer: peer.clone(), socket: Some(socket), has_answered: false, has_sent: false })
    }

    pub fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    /// Whether any byte of the latest request may have left.
    pub fn has_sent(&self) -> bool {
        self.has_sent
    }

    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Sends a request and reads the whole frame that answers it, header included.
    pub async fn ask(&mut self, request: &[u8], framing: &impl Framing) -> Result<Vec<u8>, Fault> {
        self.has_sent = false;
        let Some(mut socket) = self.socket.take() else {
            return Err(self.closed("an earlier request failed".to_owned()));
        };
        self.check_silence(&socket)?;
        self.has_sent = true;
        let exchange = async {
            socket.send(request).await?;
            socket.receive(framing).await
        };
        let answer = match timeout(self.peer.timeout, exchange).await {
            Ok(Ok(answer)) => answer.map_err(|why| self.malformed(why))?,
            Ok(Err(error)) => return Err(self.closed(reason(&error))),
            Err(_) => return Err(no_answer(&self.peer)),
        };
        self.socket = Some(socket);
        self.has_answered = true;
        Ok(answer)
    }

    /// The answer made no sense: nothing on this connection can be trusted any more.
    pub fn malformed(&mut self, reason: String) -> Fault {
        self.socket = None;
        Fault::Malformed { address: self.peer.address(), reason }
    }

    fn closed(&self, reason: String) -> Fault {
        Fault::Closed { address: self.peer.address(), reason }
    }

    /// Nothing may have come since the last answer.
    fn check_silence(&mut self, socket: &Socket) -> Result<(), Fault> {
        let mut byte = [0; 1];
        let came = match socket {
            Socket::Tcp(stream) => stream.try_read(&mut byte),
            // Of a longer datagram the rest is cut off, which does not matter here.
            Socket::Udp(socket) => socket.try_recv(&mut byte).map(|_| 1),
        };
        match came {
            Ok(0) => Err(self.closed(reason(&io::ErrorKind::UnexpectedEof.into()))),
            Ok(_) => Err(self.malformed("bytes arrived that answer no request".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(self.closed(reason(&error))),
        }
    }
}

async fn open(peer: &Peer, networks: &Networks) -> io::Result<Socket> {
    match peer.transport {
        Transport::Tcp => {
            let stream = networks.connect(&peer.host, peer.port).await?;
            stream.set_nodelay(true)?;
            Ok(Socket::Tcp(stream))
        }
        Transport::Udp => {
            let address = networks.addresses(&peer.host, peer.port).await?.into_iter().next();
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

    /// The inner error: what came is no answer.
    async fn receive(&mut self, framing: &impl Framing) -> io::Result<Result<Vec<u8>, String>> {
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
                let mut frame = vec![0; DATAGRAM];
                let len = socket.recv(&mut frame).await?;
                frame.truncate(len);
                Ok(whole(frame, framing))
            }
        }
    }
}

/// A datagram that is exactly one frame.
fn whole(frame: Vec<u8>, framing: &impl Framing) -> Result<Vec<u8>, String> {
    let header = frame.get(..framing.header_len()).ok_or("the answer is cut short")?;
    let expected = header.len() + framing.body_len(header)?;
    if frame.len() == expected { Ok(frame) } else { Err("the answer is not as long as it says".to_owned()) }
}

fn no_answer(peer: &Peer) -> Fault {
    Fault::Timeout { address: peer.address(), after: peer.timeout }
}

#[cfg(test)]
#[path = "channel_script.rs"]
pub(super) mod script;
