//! One feed for each project that is followed: it is read once, encoded once, and ends with its last follower.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::control;
use super::device_view::DeviceViewer;
use super::frame_ring::{FrameReader, FrameRing};
use super::log_batches::LogBatches;
use crate::app::App;
use crate::app::gateway::event::GatewayEvent;
use crate::app::gateway::feed::{FeedItem, GatewayFeed};
use crate::app::gateway::session::SessionRecord;
use crate::domain::message::{Message, MessageContent, StoredMessage};
use crate::domain::{Error, OrgId, Principal, Resource, Result, Scope};

/// How often lines of logs are sent.
const LOG_INTERVAL: Duration = Duration::from_secs(5);
/// Minimum interval between two times at which followers are woken up: they get what came meanwhile together.
const COALESCE_INTERVAL: Duration = Duration::from_millis(50);

/// The feeds of all projects.
pub struct ProjectFeeds {
    app: Arc<App>,
    open: Mutex<HashMap<OrgId, Weak<ProjectFeed>>>,
}

/// The feed of a project, for as long as somebody holds it.
struct ProjectFeed {
    ring: Arc<FrameRing>,
    _task: AbortOnDropHandle<()>,
}

/// One who follows a project.
pub struct ProjectFollower {
    pub frames: FrameReader,
    _feed: Arc<ProjectFeed>,
}

impl ProjectFeeds {
    /// Creates the set without a feed: each starts with the first follower of its project.
    pub fn new(app: Arc<App>) -> Arc<ProjectFeeds> {
        Arc::new(ProjectFeeds { app, open: Mutex::default() })
    }

    /// Follows the project of an organization from now on.
    ///
    /// # Errors
    /// The errors of `Gateway::gateway_feed`.
    pub fn follow(&self, org: OrgId) -> Result<ProjectFollower> {
        let mut open = self.open.lock();
        open.retain(|_, feed| feed.strong_count() > 0);
        let known = open.get(&org).and_then(Weak::upgrade).filter(|feed| !feed.ring.is_closed());
        let feed = match known {
            Some(feed) => feed,
            None => {
                let feed = Arc::new(self.start(org)?);
                open.insert(org, Arc::downgrade(&feed));
                feed
            }
        };
        Ok(ProjectFollower { frames: feed.ring.follow(), _feed: feed })
    }

    fn start(&self, org: OrgId) -> Result<ProjectFeed> {
        let scopes = [Scope::read(Resource::Device), Scope::read(Resource::Value)].into_iter().collect();
        let who = Arc::new(Principal { scopes, ..Principal::system(org) });
        let (feed, ring) = (self.app.gateway.gateway_feed(who.clone())?, FrameRing::new());
        let project = self.app.access.org_slug(&who);
        let (app, frames) = (self.app.clone(), ring.clone());
        let task = tokio::spawn(async move {
            let mut encoder = Encoder {
                viewer: DeviceViewer { app: &app, who: &who, project: &project },
                frames: &frames,
                logs: LogBatches::default(),
                delayed: VecDeque::new(),
                published_at: Instant::now(),
                has_unpublished: false,
            };
            let error = encoder.run(feed).await;
            tracing::warn!(project, error = error.full_message(), "the feed of a project has ended");
            frames.close();
        });
        Ok(ProjectFeed { ring, _task: AbortOnDropHandle::new(task) })
    }
}

/// Turns what is reported into frames.
struct Encoder<'a> {
    viewer: DeviceViewer<'a>,
    frames: &'a FrameRing,
    logs: LogBatches,
    /// Reports that are sent later, in order: those of one device keep theirs.
    delayed: VecDeque<Arc<SessionRecord>>,
    published_at: Instant,
    has_unpublished: bool,
}

impl Encoder<'_> {
    /// Runs until the feed fails, or something was missed.
    async fn run(&mut self, mut feed: GatewayFeed) -> Error {
        let mut log_ticks = interval_at(Instant::now() + LOG_INTERVAL, LOG_INTERVAL);
        log_ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due_at = self.delayed.front().map(|record| Instant::now() + self.time_left(record));
            let publish_at = self.has_unpublished.then(|| self.published_at + COALESCE_INTERVAL);
            let done = tokio::select! {
                item = feed.next() => match item {
                    Ok(FeedItem::Event(event)) => self.add(event).await,
                    Ok(FeedItem::Derived(derived)) => self.add_message(&feed.derived_message(derived)),
                    Ok(FeedItem::Missed) => Err(Error::unavailable("events were missed")),
                    Err(error) => Err(error),
                },
                _ = log_ticks.tick() => self.send_logs(),
                () = wait_until(due_at) => self.send_due().await,
                () = wait_until(publish_at) => {
                    self.publish();
                    Ok(())
                }
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    async fn add(&mut self, event: GatewayEvent) -> Result<()> {
        match event {
            GatewayEvent::Message(stored) => self.add_message(&stored_message(&stored))?,
            GatewayEvent::Command(command) => {
                if control::is_answer(&command) {
                    self.push(self.viewer.answer_frame(&command)?);
                }
            }
            GatewayEvent::Log(lines) => self.logs.add(&lines),
            GatewayEvent::Session(record) => {
                let waits = self.delayed.iter().any(|earlier| earlier.device == record.device);
                if waits || !self.time_left(&record).is_zero() {
                    self.delayed.push_back(record);
                } else {
                    self.send(&record).await?;
                }
            }
        }
        Ok(())
    }

    fn add_message(&mut self, message: &Message) -> Result<()> {
        self.push(self.viewer.data_frame(message)?);
        Ok(())
    }

    fn time_left(&self, record: &SessionRecord) -> Duration {
        let left = record.not_before.0.saturating_sub(self.viewer.app.now().0).max(0);
        Duration::from_micros(left.unsigned_abs())
    }

    async fn send_due(&mut self) -> Result<()> {
        while let Some(record) = self.delayed.pop_front() {
            if !self.time_left(&record).is_zero() {
                self.delayed.push_front(record);
                break;
            }
            self.send(&record).await?;
        }
        Ok(())
    }

    async fn send(&mut self, record: &SessionRecord) -> Result<()> {
        for frame in self.viewer.session_frames(record).await? {
            self.push(Some(frame));
        }
        Ok(())
    }

    fn send_logs(&mut self) -> Result<()> {
        for ((device, container), lines) in self.logs.take() {
            self.push(self.viewer.log_frame(device, &container, &lines)?);
        }
        Ok(())
    }

    fn push(&mut self, frame: Option<String>) {
        if let Some(frame) = frame {
            self.frames.push(frame);
            self.has_unpublished = true;
        }
    }

    fn publish(&mut self) {
        self.frames.publish();
        (self.published_at, self.has_unpublished) = (Instant::now(), false);
    }
}

/// Waits for ever without a time.
async fn wait_until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn stored_message(stored: &StoredMessage) -> Message {
    let (device, ts) = (stored.device, stored.ts);
    Message { device, ts, content: MessageContent::Stored(stored.clone()), sensors: Vec::new() }
}
