//! A device at a TCP port that misbehaves at some of its words.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::clock::LineClock;
use super::mischief::{COPY_PAUSE, Delivery, Mischief, TIMEOUT};
use super::wire::{FrameLayout, WireDevice, WordOutcome};

/// A device whose words hold their own numbers, of which some misbehave.
pub struct ChaosDevice {
    /// Frames of its protocol.
    pub wire: &'static dyn WireDevice,
    /// Misbehaviour of words.
    pub words: BTreeMap<u32, Mischief>,
}

impl ChaosDevice {
    /// The misbehaviour of words in their order.
    fn mischiefs(&self, words: Range<u32>) -> impl Iterator<Item = Mischief> {
        self.words.range(words).map(|(_, mischief)| *mischief)
    }

    /// Bytes that a read brings. The first loss counts for all of it, before any refusal.
    fn delivery(&self, request: &[u8], ranges: Vec<Range<u32>>) -> Delivery {
        let touched: Vec<Mischief> = ranges.iter().flat_map(|range| self.mischiefs(range.clone())).collect();
        let is_loss = |one: &&Mischief| !one.is_harmless() && !one.is_refusal();
        let loss = touched.iter().find(is_loss);
        let mischief = loss.or(touched.iter().find(|one| one.is_refusal())).or(touched.first()).copied();
        let mut outcomes: Vec<WordOutcome> = ranges.into_iter().map(Ok).collect();
        match mischief {
            Some(Mischief::Refusal(_)) => {
                for outcome in &mut outcomes {
                    let refusal = outcome.clone().ok().and_then(|range| self.refusal(range));
                    if let Some(code) = refusal {
                        *outcome = Err(code);
                    }
                }
            }
            Some(Mischief::OtherCount) => {
                if let Some(Ok(range)) = outcomes.last_mut() {
                    range.end += 1;
                }
            }
            _ => {}
        }
        Delivery::new(mischief, self.wire.answer(request, &outcomes), self.wire)
    }

    /// Whether the client may wait for silence after any answer, because some come more than once and have no numbers.
    fn needs_silence(&self) -> bool {
        self.wire.layout().number.is_none() && self.words.values().any(|mischief| mischief.is_repeated())
    }

    /// The code by which words are refused.
    fn refusal(&self, words: Range<u32>) -> Option<u16> {
        self.mischiefs(words).find_map(|mischief| match mischief {
            Mischief::Refusal(code) => Some(code),
            _ => None,
        })
    }
}

/// A running device; dropping it closes its port and its connections.
pub struct ChaosLine {
    /// Port of the device.
    pub port: u16,
    _accepting: AbortOnDropHandle<()>,
}

impl ChaosLine {
    /// Starts the device at a port of its own.
    pub async fn start(device: Arc<ChaosDevice>, clock: Arc<LineClock>) -> ChaosLine {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                clock.record_arrival();
                connections.spawn(serve(stream, Arc::clone(&device), Arc::clone(&clock)));
            }
        });
        ChaosLine { port, _accepting: AbortOnDropHandle::new(accepting) }
    }
}

/// Serves one connection until either side ends it.
async fn serve(mut stream: TcpStream, device: Arc<ChaosDevice>, clock: Arc<LineClock>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut repeated = Vec::new();
    loop {
        let request = read_frame(&mut stream, device.wire.layout()).await?;
        clock.record_arrival();
        let Some(ranges) = device.wire.ranges(&request) else {
            stream.write_all(&device.wire.opening(&request)).await.ok()?;
            continue;
        };
        let mut delivery = device.delivery(&request, ranges);
        if delivery.is_withheld {
            clock.record_withheld();
        }
        if !delivery.delay.is_zero() {
            sleep(delivery.delay).await;
        }
        if !delivery.delay.is_zero() && delivery.delay < TIMEOUT {
            clock.record_arrival();
        }
        repeated.append(&mut delivery.bytes);
        stream.write_all(&repeated).await.ok()?;
        repeated = delivery.repeated;
        if delivery.ends {
            return None;
        }
        if device.needs_silence() || !delivery.late_copy.is_empty() {
            clock.record_withheld();
        }
        if !delivery.late_copy.is_empty() {
            sleep(COPY_PAUSE).await;
            stream.write_all(&delivery.late_copy).await.ok()?;
        }
    }
}

/// Reads the next request; `None` at the end of the connection.
async fn read_frame(stream: &mut TcpStream, layout: FrameLayout) -> Option<Vec<u8>> {
    let mut frame = vec![0; layout.header_len];
    stream.read_exact(&mut frame).await.ok()?;
    frame.resize(layout.request_len(&frame), 0);
    stream.read_exact(&mut frame[layout.header_len..]).await.ok()?;
    Some(frame)
}
