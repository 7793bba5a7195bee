//! Check of an answer that has no number: where answers have come twice or late, it is believed once nothing but copies of it
//! have followed for a while.

use std::io;
use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::line_silence::{Followers, LineSilence, SuspectAnswer};
use super::recent_answers::RecentAnswers;

/// The longest possible datagram.
const MAX_DATAGRAM_BYTES: usize = 65_535;

/// A socket on which an answer has come.
pub enum AnsweredSocket<'a> {
    Tcp(&'a TcpStream),
    Udp(&'a UdpSocket),
}

/// A request and its answer.
pub struct UnnumberedAnswer<'a> {
    pub request: &'a [u8],
    pub answer: &'a [u8],
    /// Whether it can be the answer by its contents.
    pub is_answer: bool,
    /// Bytes that were received together with the answer.
    pub rest: &'a [u8],
    pub round_trip: Duration,
    /// Time limit of a request.
    pub limit: Duration,
}

/// Why an answer is not believed.
#[derive(Debug)]
pub enum AnswerDoubt {
    /// The connection ended before it was clear.
    Closed(io::Error),
    /// Bytes came that answer no request.
    Unsolicited,
    /// It is no answer by its contents, and the same bytes came to another request just before, after which there was silence: a
    /// copy only if the answer itself follows.
    Copy,
}

/// An answer that is believed, or almost.
#[derive(Debug, Default)]
pub struct CheckedAnswer {
    /// Whether the connection is still open.
    pub is_open: bool,
    /// The answer, if it looks like a copy of one to another request and nothing followed: it is one where the device would not have
    /// answered. Asked again, it does.
    pub suspect: Option<SuspectAnswer>,
}

impl CheckedAnswer {
    /// An answer that is sure, on a connection that stays open.
    pub fn believed() -> CheckedAnswer {
        CheckedAnswer { is_open: true, suspect: None }
    }
}

/// Checks an answer. Waits for nothing on a line in order.
pub async fn check_answer(
    socket: AnsweredSocket<'_>,
    recent: &mut RecentAnswers,
    silence: &LineSilence,
    exchange: UnnumberedAnswer<'_>,
) -> Result<CheckedAnswer, AnswerDoubt> {
    let UnnumberedAnswer { request, answer, is_answer, rest, round_trip, limit } = exchange;
    let is_first = !recent.has_any();
    let suspect = recent.add(request, answer, round_trip, limit);
    if !is_answer {
        // Else the device itself is at fault, and the caller ends the connection.
        return match suspect {
            None => Ok(CheckedAnswer::believed()),
            Some(_) if silence.is_awaited() => Err(AnswerDoubt::Copy),
            Some(_) => Err(AnswerDoubt::Unsolicited),
        };
    }
    let needed = silence.after_answer(suspect, recent.slowest(), limit);
    if needed.is_zero() && rest.is_empty() {
        return Ok(CheckedAnswer::believed());
    }
    let suspect = suspect.filter(|_| !silence.is_awaited());
    let mut copies = AnswerCopies { answer, count: 0, has_others: false };
    copies.take(rest);
    if let Err(error) = listen(&socket, &mut copies, needed, limit).await {
        // The first answer is no copy, and nothing more can come.
        return if is_first { Ok(CheckedAnswer::default()) } else { Err(AnswerDoubt::Closed(error)) };
    }
    let is_believed = silence.is_believed(copies.followers());
    if is_believed { Ok(CheckedAnswer { is_open: true, suspect }) } else { Err(AnswerDoubt::Unsolicited) }
}

/// Receives until nothing has come for as long as `needed`, or something else than copies of the answer.
async fn listen(
    socket: &AnsweredSocket<'_>,
    copies: &mut AnswerCopies<'_>,
    needed: Duration,
    limit: Duration,
) -> io::Result<()> {
    let receiving = async {
        let mut bytes = vec![0; MAX_DATAGRAM_BYTES];
        while !copies.has_others {
            match timeout(needed, receive(socket, &mut bytes)).await {
                Ok(received) => copies.take(&bytes[..received?]),
                Err(_) => break,
            }
        }
        Ok::<(), io::Error>(())
    };
    let received = timeout(2 * limit, receiving).await;
    // A line that is never silent leaves no answer sure.
    received.unwrap_or_else(|_| {
        copies.has_others = true;
        Ok(())
    })
}

async fn receive(socket: &AnsweredSocket<'_>, bytes: &mut [u8]) -> io::Result<usize> {
    let stream = match socket {
        AnsweredSocket::Udp(socket) => return socket.recv(bytes).await,
        AnsweredSocket::Tcp(stream) => stream,
    };
    loop {
        stream.readable().await?;
        match stream.try_read(bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            received => return received,
        }
    }
}

/// Bytes after an answer, compared with copies of it.
struct AnswerCopies<'a> {
    answer: &'a [u8],
    count: usize,
    has_others: bool,
}

impl AnswerCopies<'_> {
    fn take(&mut self, bytes: &[u8]) {
        let expected = self.answer.iter().cycle().skip(self.count % self.answer.len().max(1));
        self.has_others |= !bytes.iter().eq(expected.take(bytes.len()));
        self.count += bytes.len();
    }

    fn followers(&self) -> Followers {
        match self.count {
            0 if !self.has_others => Followers::Silence,
            count if !self.has_others && count.is_multiple_of(self.answer.len()) => Followers::Copies,
            _ => Followers::Others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_told_from_other_bytes_however_they_are_cut() {
        for (parts, expected) in [
            (&[][..], Followers::Silence),
            (&["answer"][..], Followers::Copies),
            (&["ans", "weransw", "er"], Followers::Copies),
            (&["answeranother"], Followers::Others),
            (&["answer", "a"], Followers::Others),
        ] {
            let mut copies = AnswerCopies { answer: b"answer", count: 0, has_others: false };
            parts.iter().for_each(|part| copies.take(part.as_bytes()));
            assert_eq!(copies.followers(), expected, "{parts:?}");
        }
    }
}
