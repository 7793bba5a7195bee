//! What nested fields read: each field of a list asks for its row, and all rows of a list are read at once. A list of a
//! thousand devices with their streams costs the catalog two look-ups.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};

use super::drive::Asked;
use crate::app::App;
use crate::domain::device::Device;
use crate::domain::group::Group;
use crate::domain::reading::Reading;
use crate::domain::stream::Stream;
use crate::domain::{DeviceId, Error, GroupId, Principal, Result, StreamId};

/// Keys of a batch at most.
const BATCH: usize = 10_000;

/// The reads of one request, as its principal sees the data.
pub struct Reads {
    app: Arc<App>,
    principal: Arc<Principal>,
}

/// Asks for the streams of a device, or in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamsOf<T>(pub T);

/// Asks for the newest reading of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LatestOf(pub StreamId);

/// An error that every waiting field is told of.
type Shared = Arc<Error>;

/// The loaders of a request, and what they have been asked for: `drive` runs it.
pub fn of_request(app: Arc<App>, principal: Arc<Principal>) -> (DataLoader<Reads>, Asked) {
    let asked = Asked::default();
    let queue = asked.clone();
    let reads = DataLoader::new(Reads { app, principal }, move |load| queue.push(load));
    (reads.delay(Duration::ZERO).max_batch_size(BATCH), asked)
}

/// Loads one row; none when it is not there or not seen.
pub async fn load<K>(ctx: &Context<'_>, key: K) -> async_graphql::Result<Option<<Reads as Loader<K>>::Value>>
where
    K: Send + Sync + std::hash::Hash + Eq + Clone + 'static,
    Reads: Loader<K, Error = Shared>,
{
    let loaded = ctx.data_unchecked::<DataLoader<Reads>>().load_one(key).await;
    Ok(loaded.map_err(|error| again(&error))?)
}

/// The same error for another field.
fn again(error: &Error) -> Error {
    Error { fields: error.fields.clone(), ..Error::new(error.kind, error.message.clone()) }
}

impl Loader<DeviceId> for Reads {
    type Value = Arc<Device>;
    type Error = Shared;

    async fn load(&self, keys: &[DeviceId]) -> Result<HashMap<DeviceId, Arc<Device>>, Shared> {
        let found = self.app.devices_by_id(&self.principal, keys)?;
        Ok(found.into_iter().map(|device| (device.id, device)).collect())
    }
}

impl Loader<StreamId> for Reads {
    type Value = Arc<Stream>;
    type Error = Shared;

    async fn load(&self, keys: &[StreamId]) -> Result<HashMap<StreamId, Arc<Stream>>, Shared> {
        let found = self.app.streams_by_id(&self.principal, keys)?;
        Ok(found.into_iter().map(|stream| (stream.id, stream)).collect())
    }
}

impl Loader<GroupId> for Reads {
    type Value = Arc<Group>;
    type Error = Shared;

    async fn load(&self, keys: &[GroupId]) -> Result<HashMap<GroupId, Arc<Group>>, Shared> {
        let found = self.app.groups_by_id(&self.principal, keys)?;
        Ok(found.into_iter().map(|group| (group.id, group)).collect())
    }
}

impl Loader<StreamsOf<DeviceId>> for Reads {
    type Value = Vec<Arc<Stream>>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[StreamsOf<DeviceId>],
    ) -> Result<HashMap<StreamsOf<DeviceId>, Vec<Arc<Stream>>>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = self.app.streams_of_devices(&self.principal, &ids)?;
        Ok(gather(found, |stream| Some(StreamsOf(stream.spec.device))))
    }
}

impl Loader<StreamsOf<GroupId>> for Reads {
    type Value = Vec<Arc<Stream>>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[StreamsOf<GroupId>],
    ) -> Result<HashMap<StreamsOf<GroupId>, Vec<Arc<Stream>>>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = self.app.streams_of_groups(&self.principal, &ids)?;
        Ok(gather(found, |stream| stream.spec.group.map(StreamsOf)))
    }
}

impl Loader<LatestOf> for Reads {
    type Value = Reading;
    type Error = Shared;

    async fn load(&self, keys: &[LatestOf]) -> Result<HashMap<LatestOf, Reading>, Shared> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let found = self.app.latest(&self.principal, &ids)?;
        Ok(found.into_iter().map(|(id, reading)| (LatestOf(id), reading)).collect())
    }
}

fn gather<K: std::hash::Hash + Eq>(
    streams: Vec<Arc<Stream>>,
    of: impl Fn(&Stream) -> Option<K>,
) -> HashMap<K, Vec<Arc<Stream>>> {
    let mut gathered: HashMap<K, Vec<Arc<Stream>>> = HashMap::new();
    for stream in streams {
        if let Some(key) = of(&stream) {
            gathered.entry(key).or_default().push(stream);
        }
    }
    gathered
}
