//! The states of devices: what they are, then each change.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::watch;

use super::seats::Seat;
use super::standing::{Standing, Watch};
use crate::app::{App, plant};
use crate::collect::Collectors;
use crate::domain::device::{Device, DeviceFilter, DeviceState, DeviceStatus};
use crate::domain::live::Wanted;
use crate::domain::{DeviceId, Principal, Resource, Result, Scope};
use crate::store::Store;

/// Between two looks: a state that lasted less may go untold, the one after it never does.
const LOOK: Duration = Duration::from_millis(50);

/// A device and what it is in.
#[derive(Debug, Clone)]
pub struct DeviceNews {
    pub device: Arc<Device>,
    pub status: DeviceStatus,
}

pub type DeviceFeed = BoxStream<'static, Result<DeviceNews>>;

impl App {
    /// Follows the states of the devices seen, or of some of them: first as they are, then whenever the state or the error
    /// that goes with it is another.
    ///
    /// # Errors
    /// `Forbidden` without the scope; `Invalid` naming devices that are not seen; `Busy` or `Throttled` when there are too
    /// many feeds.
    pub fn device_feed(&self, standing: &Standing, devices: Option<Vec<DeviceId>>) -> Result<DeviceFeed> {
        let who = standing.principal().clone();
        who.require(Scope::read(Resource::Device))?;
        let wanted = Wanted { devices, ..Wanted::default() };
        self.store.catalog().check_wanted(&who, &wanted)?;
        let feed = Feed {
            _seat: self.take_seat(&who)?,
            changes: self.store.catalog().changes(),
            states: self.collectors.get().map(|collectors| collectors.changes()),
            watch: standing.watch(),
            store: self.store.clone(),
            collectors: self.collectors.clone(),
            who,
            wanted: wanted.devices,
            told: None,
            waiting: VecDeque::new(),
        };
        let news = stream::try_unfold(feed, |mut feed| async move {
            let news = feed.next().await?;
            Ok(Some((news, feed)))
        });
        Ok(news.boxed())
    }
}

type Told = HashMap<DeviceId, (DeviceState, Option<String>)>;

struct Feed {
    who: Arc<Principal>,
    wanted: Option<Vec<DeviceId>>,
    store: Arc<Store>,
    collectors: Arc<OnceLock<Arc<Collectors>>>,
    /// Of the catalog, and of the collectors if there are any.
    changes: watch::Receiver<()>,
    states: Option<watch::Receiver<()>>,
    watch: Watch,
    /// What was told last; none before the first look.
    told: Option<Told>,
    waiting: VecDeque<DeviceNews>,
    _seat: Seat,
}

impl Feed {
    async fn next(&mut self) -> Result<DeviceNews> {
        loop {
            if let Some(news) = self.waiting.pop_front() {
                return Ok(news);
            }
            if self.told.is_some() {
                self.changed().await?;
            }
            self.look();
        }
    }

    /// Waits until there may be something to tell.
    async fn changed(&mut self) -> Result<()> {
        let Feed { watch, changes, states, .. } = self;
        let state = async {
            match states {
                Some(states) => states.changed().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let changed = async {
            tokio::select! {
                changed = changes.changed() => changed.is_ok(),
                changed = state => changed,
            };
            tokio::time::sleep(LOOK).await;
        };
        tokio::select! {
            biased;
            over = watch.ended() => Err(over),
            () = changed => Ok(()),
        }
    }

    /// Finds what is different from what was told.
    fn look(&mut self) {
        self.changes.mark_unchanged();
        self.states.iter_mut().for_each(watch::Receiver::mark_unchanged);
        let told = self.told.take().unwrap_or_default();
        let mut now = Told::new();
        for device in self.store.catalog().devices(&self.who, &DeviceFilter::default()) {
            if self.wanted.as_ref().is_some_and(|wanted| !wanted.contains(&device.id)) {
                continue;
            }
            let status = plant::status(&self.collectors, &device);
            let state = (status.state, status.last_error.clone());
            let is_told = told.get(&device.id) == Some(&state);
            now.insert(device.id, state);
            if !is_told {
                self.waiting.push_back(DeviceNews { device, status });
            }
        }
        self.told = Some(now);
    }
}
