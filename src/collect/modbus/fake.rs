//! Fake Modbus TCP device for tests: it handles real frames, holds a few registers, and misbehaves on request.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A way in which the device loses a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    Silence,
    Close,
    /// An answer that is a word too long.
    OtherLength,
}

/// Contents and behaviour of the device.
#[derive(Debug, Default)]
pub struct FakeMemory {
    /// By function code (1 coils .. 4 input registers) and address; a coil is 0 or 1. Missing addresses are illegal.
    pub cells: BTreeMap<(u8, u16), u16>,
    /// Accepts requests and answers none.
    pub is_silent: bool,
    /// Delay before each answer.
    pub thinks: Duration,
    /// Closes the connection after each answer.
    pub closes_after_answer: bool,
    /// Answers so many requests of a connection and none after them, as behind a router that has forgotten it.
    pub answers_of_connection: Option<usize>,
    /// Answers longer reads with exception 03.
    pub max_words: Option<u16>,
    /// Function code, address and exception: every read that touches the address is refused with the exception.
    pub refused: Vec<(u8, u16, u8)>,
    /// So many requests from now on are refused because the device is busy (exception 06).
    pub busy: usize,
    /// Function code and address: every read that touches the address is lost.
    pub lost: Vec<(u8, u16, Loss)>,
    /// Longer reads are lost.
    pub max_words_or_lost: Option<(u16, Loss)>,
    /// Every so many requests one is not answered.
    pub loses_one_in: Option<usize>,
    /// Whether it supports function 22, which few devices do.
    pub writes_masks: bool,
    /// Accepts a write and closes the connection instead of confirming it.
    pub closes_on_write: bool,
    /// Function code, start and count of every request received.
    pub requests: Vec<(u8, u16, u16)>,
    pub connections: usize,
}

impl FakeMemory {
    /// Stores words at consecutive addresses from `start` on, in the table that this function code (1 to 4) reads.
    pub fn set(&mut self, function: u8, start: u16, words: &[u16]) {
        for (address, word) in (start..).zip(words) {
            self.cells.insert((function, address), *word);
        }
    }

    /// Values that a write request would store, and the function code of their table; `None` for other requests.
    fn written(&self, pdu: &[u8]) -> Option<(u8, Vec<u16>)> {
        let number = |at: usize| u16::from_be_bytes([pdu[at], pdu[at + 1]]);
        let bit = |i: usize| u16::from(pdu[6 + i / 8] >> (i % 8) & 1);
        match pdu[0] {
            5 => Some((1, vec![u16::from(number(3) == 0xFF00)])),
            6 => Some((3, vec![number(3)])),
            15 => Some((1, (0..usize::from(number(3))).map(bit).collect())),
            16 => Some((3, (0..usize::from(number(3))).map(|i| number(6 + 2 * i)).collect())),
            22 if self.writes_masks => {
                let before = self.cells.get(&(3, number(1))).copied().unwrap_or_default();
                Some((3, vec![before & number(3) | number(5) & !number(3)]))
            }
            _ => None,
        }
    }

    /// How a request is lost; the latest that was recorded.
    fn loss(&self, pdu: &[u8]) -> Option<Loss> {
        let &(function, start, count) = self.requests.last()?;
        let touched = u32::from(start)..u32::from(start) + u32::from(count);
        let is_lost = |one: &&(u8, u16, Loss)| one.0 == function && touched.contains(&one.1.into());
        let of_register = self.lost.iter().find(is_lost).map(|one| one.2);
        let of_length = self.max_words_or_lost.filter(|(max, _)| count > *max).map(|(_, loss)| loss);
        let by_chance =
            self.loses_one_in.filter(|n| self.requests.len().is_multiple_of(*n)).map(|_| Loss::Silence);
        of_register.or(of_length).or(by_chance).filter(|_| pdu[0] <= 4)
    }

    fn answer(&mut self, pdu: &[u8]) -> Vec<u8> {
        let function = pdu[0];
        let number = |at: usize| u16::from_be_bytes([pdu[at], pdu[at + 1]]);
        let (start, count) = (number(1), number(3));
        self.requests.push((function, start, count));
        if self.max_words.is_some_and(|max| count > max) {
            return vec![function | 0x80, 3];
        }
        if self.busy > 0 {
            self.busy -= 1;
            return vec![function | 0x80, 6];
        }
        let touched = u32::from(start)..u32::from(start) + u32::from(count);
        let is_refused = |one: &&(u8, u16, u8)| one.0 == function && touched.contains(&one.1.into());
        if let Some((_, _, exception)) = self.refused.iter().find(is_refused) {
            return vec![function | 0x80, *exception];
        }
        if let Some((space, cells)) = self.written(pdu) {
            let is_known = (start..).zip(&cells).all(|(at, _)| self.cells.contains_key(&(space, at)));
            if !is_known {
                return vec![function | 0x80, 2];
            }
            self.set(space, start, &cells);
            return pdu[..pdu.len().min(if function == 22 { 7 } else { 5 })].to_vec();
        }
        if function > 4 {
            return vec![function | 0x80, 1];
        }
        let cells: Option<Vec<u16>> =
            (start..start + count).map(|address| self.cells.get(&(function, address)).copied()).collect();
        let Some(cells) = cells else { return vec![function | 0x80, 2] };
        let data: Vec<u8> = if function <= 2 {
            let byte =
                |bits: &[u16]| bits.iter().enumerate().fold(0, |byte, (i, bit)| byte | (*bit as u8) << i);
            cells.chunks(8).map(byte).collect()
        } else {
            cells.iter().flat_map(|word| word.to_be_bytes()).collect()
        };
        [vec![function, data.len() as u8], data].concat()
    }
}

/// A running fake device; dropping it is like pulling its plug.
pub struct FakeDevice {
    pub addr: SocketAddr,
    pub memory: Arc<Mutex<FakeMemory>>,
    accepting: JoinHandle<()>,
}

impl FakeDevice {
    /// Starts a device without registers at a free port of 127.0.0.1.
    pub async fn start() -> FakeDevice {
        FakeDevice::start_at("127.0.0.1:0".parse().unwrap(), Arc::default()).await
    }

    /// Starts the device with this memory at a fixed address, such as the one it had before.
    pub async fn start_at(addr: SocketAddr, memory: Arc<Mutex<FakeMemory>>) -> FakeDevice {
        let listener = TcpListener::bind(addr).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&memory)));
        FakeDevice { addr, memory, accepting }
    }

    /// Changes the memory of the running device by `FakeMemory::set`.
    pub fn set(&self, function: u8, start: u16, words: &[u16]) {
        self.memory.lock().set(function, start, words);
    }

    /// Function code, start and count of every request received so far, oldest first.
    pub fn requests(&self) -> Vec<(u8, u16, u16)> {
        self.memory.lock().requests.clone()
    }
}

impl Drop for FakeDevice {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Aborting this task drops the listener and, with the `JoinSet`, every connection.
async fn accept(listener: TcpListener, memory: Arc<Mutex<FakeMemory>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        memory.lock().connections += 1;
        connections.spawn(serve(stream, Arc::clone(&memory)));
    }
}

async fn serve(mut stream: TcpStream, memory: Arc<Mutex<FakeMemory>>) -> Option<()> {
    let mut answered = 0;
    loop {
        let mut header = [0; 7];
        stream.read_exact(&mut header).await.ok()?;
        let mut pdu = vec![0; usize::from(u16::from_be_bytes([header[4], header[5]])) - 1];
        stream.read_exact(&mut pdu).await.ok()?;
        let (answer, is_silent, closes, thinks) = {
            let mut memory = memory.lock();
            let mut answer = memory.answer(&pdu);
            if memory.answers_of_connection.is_some_and(|most| answered >= most) {
                continue;
            }
            match memory.loss(&pdu) {
                Some(Loss::Silence) => continue,
                Some(Loss::Close) => return None,
                Some(Loss::OtherLength) => {
                    answer.extend([0, 0]);
                    answer[1] = answer[1].wrapping_add(2);
                }
                None => {}
            }
            if memory.closes_on_write && pdu[0] > 4 {
                return None;
            }
            (answer, memory.is_silent, memory.closes_after_answer, memory.thinks)
        };
        if is_silent {
            continue;
        }
        tokio::time::sleep(thinks).await;
        let length = (answer.len() as u16 + 1).to_be_bytes();
        let frame = [&header[..4], &length, &header[6..], &answer].concat();
        stream.write_all(&frame).await.ok()?;
        answered += 1;
        if closes {
            return None;
        }
    }
}
