//! The newest frames of a project, encoded once for all who follow it. Nobody waits for a follower that is slow: it is
//! told that it has missed some.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

/// Frames that a follower may be behind.
pub const MAX_FRAMES: usize = 1024;
/// Bytes that all frames together may have, unless one alone has more.
const MAX_BYTES: usize = 16 << 20;
/// Frames that a follower takes at once.
const MAX_TAKEN: usize = 256;

/// The frames of a project.
pub struct FrameRing {
    frames: Mutex<Frames>,
    /// Notified when frames are published, and of the end.
    changes: watch::Sender<()>,
}

#[derive(Default)]
struct Frames {
    newest: VecDeque<Utf8Bytes>,
    /// Number of the first frame that is left.
    first: u64,
    bytes: usize,
    is_closed: bool,
}

/// Why a follower gets no more frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramesEnd {
    /// It was too slow.
    Overrun,
    /// The project's feed has ended.
    Closed,
}

impl FrameRing {
    pub fn new() -> Arc<FrameRing> {
        Arc::new(FrameRing { frames: Mutex::default(), changes: watch::Sender::new(()) })
    }

    /// Adds a frame; the oldest ones make room for it. Followers get it when it is published.
    pub fn push(&self, frame: String) {
        let mut frames = self.frames.lock();
        frames.bytes += frame.len();
        frames.newest.push_back(frame.into());
        while frames.newest.len() > MAX_FRAMES || (frames.bytes > MAX_BYTES && frames.newest.len() > 1) {
            let gone = frames.newest.pop_front();
            frames.bytes -= gone.map_or(0, |frame| frame.len());
            frames.first += 1;
        }
    }

    /// Wakes the followers up.
    pub fn publish(&self) {
        self.changes.send_replace(());
    }

    /// Ends the feed: followers get what is left, and then nothing more.
    pub fn close(&self) {
        self.frames.lock().is_closed = true;
        self.changes.send_replace(());
    }

    /// Whether the feed has ended, so that a new follower needs another ring.
    pub fn is_closed(&self) -> bool {
        self.frames.lock().is_closed
    }

    /// Follows the frames from now on.
    pub fn follow(self: &Arc<Self>) -> FrameReader {
        let changes = self.changes.subscribe();
        let frames = self.frames.lock();
        let next = frames.first + frames.newest.len() as u64;
        FrameReader { ring: self.clone(), next, changes }
    }
}

/// One follower.
pub struct FrameReader {
    ring: Arc<FrameRing>,
    /// Number of the next frame.
    next: u64,
    changes: watch::Receiver<()>,
}

impl FrameReader {
    /// Waits for the next frames, of which there is at least one. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The follower was too slow, or the feed has ended.
    pub async fn next(&mut self) -> Result<Vec<Utf8Bytes>, FramesEnd> {
        loop {
            self.changes.mark_unchanged();
            let taken = self.take()?;
            if !taken.is_empty() {
                return Ok(taken);
            }
            // The sender lives as long as the ring, which this reader holds.
            let _ = self.changes.changed().await;
        }
    }

    fn take(&mut self) -> Result<Vec<Utf8Bytes>, FramesEnd> {
        let frames = self.ring.frames.lock();
        let Some(skipped) = self.next.checked_sub(frames.first) else { return Err(FramesEnd::Overrun) };
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
        let taken: Vec<Utf8Bytes> = frames.newest.iter().skip(skipped).take(MAX_TAKEN).cloned().collect();
        if taken.is_empty() && frames.is_closed {
            return Err(FramesEnd::Closed);
        }
        self.next += taken.len() as u64;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(frames: Result<Vec<Utf8Bytes>, FramesEnd>) -> Result<Vec<String>, FramesEnd> {
        frames.map(|frames| frames.iter().map(|frame| frame.as_str().to_owned()).collect())
    }

    #[tokio::test]
    async fn followers_get_what_comes_after_them_until_the_end() {
        let ring = FrameRing::new();
        ring.push("before".to_owned());
        let (mut one, mut two) = (ring.follow(), ring.follow());
        ring.push("a".to_owned());
        assert_eq!(texts(one.next().await), Ok(vec!["a".to_owned()]));
        ring.push("b".to_owned());
        ring.close();
        assert_eq!(texts(one.next().await), Ok(vec!["b".to_owned()]));
        assert_eq!(texts(two.next().await), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(texts(one.next().await), Err(FramesEnd::Closed));
        assert!(ring.is_closed());
    }

    #[tokio::test]
    async fn who_is_more_than_1024_frames_behind_is_told_so() {
        let ring = FrameRing::new();
        let mut reader = ring.follow();
        (0..MAX_FRAMES).for_each(|n| ring.push(n.to_string()));
        let mut found = Vec::new();
        while found.len() < MAX_FRAMES {
            found.extend(texts(reader.next().await).unwrap());
        }
        assert_eq!(found, (0..MAX_FRAMES).map(|n| n.to_string()).collect::<Vec<_>>());
        (0..=MAX_FRAMES).for_each(|n| ring.push(n.to_string()));
        assert_eq!(texts(reader.next().await), Err(FramesEnd::Overrun));
    }

    #[tokio::test]
    async fn long_frames_take_the_room_of_others() {
        let ring = FrameRing::new();
        let mut reader = ring.follow();
        ring.push("x".repeat(MAX_BYTES + 1));
        assert_eq!(texts(reader.next().await).unwrap()[0].len(), MAX_BYTES + 1);
        let mut slow = ring.follow();
        ring.push("a".to_owned());
        ring.push("x".repeat(MAX_BYTES));
        assert_eq!(texts(slow.next().await), Err(FramesEnd::Overrun));
        assert!(ring.frames.lock().bytes <= MAX_BYTES);
    }
}
