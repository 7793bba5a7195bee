//! Reads the metadata of readings from the companions of their streams.

use std::collections::HashMap;
use std::sync::Arc;

use futures::TryStreamExt;
use serde_json::{Map, Value};

use crate::app::readings::SensorReadings;
use crate::domain::companion::Companion;
use crate::domain::reading::Readings;
use crate::domain::stream::Stream;
use crate::domain::{Micros, Principal, Result, StreamId};
use crate::query::list_query::ListQuery;
use crate::query::readings_list::ValuesQuery;

/// The metadata of readings, by stream and time. A reading without any has none here.
pub(super) type ReadingMetadata = HashMap<(StreamId, Micros), Map<String, Value>>;

impl SensorReadings {
    /// Returns the metadata of the readings of streams from `first` to `last`, both included.
    pub(super) async fn metadata_within(
        &self,
        principal: &Principal,
        streams: &[Arc<Stream>],
        (first, last): (Micros, Micros),
    ) -> Result<ReadingMetadata> {
        let of: HashMap<StreamId, StreamId> = streams
            .iter()
            .filter_map(|stream| Some((self.metadata_companion(principal, stream)?, stream.id)))
            .collect();
        if of.is_empty() {
            return Ok(ReadingMetadata::new());
        }
        let list = ListQuery {
            streams: Some(of.keys().copied().collect()),
            from: Some(first),
            to: Some(last),
            ..ListQuery::default()
        };
        let mut rows = self.engine.values(principal, ValuesQuery { list, include_bad: false }).await?;
        let mut found = ReadingMetadata::new();
        while let Some(rows) = rows.try_next().await? {
            collect(&rows, &of, &mut found);
        }
        Ok(found)
    }

    /// The stream with the metadata of the readings of another one; `None` before the first.
    pub(in crate::app) fn metadata_companion(
        &self,
        principal: &Principal,
        stream: &Stream,
    ) -> Option<StreamId> {
        let name = Companion::metadata_name(stream);
        let companion =
            self.store.catalog().streams.stream_of_device(principal, stream.spec.device, &name).ok()?;
        (Companion::of(&companion.spec) == Some(Companion::Metadata)).then_some(companion.id)
    }
}

fn collect(rows: &Readings, of: &HashMap<StreamId, StreamId>, found: &mut ReadingMetadata) {
    for reading in rows.iter() {
        let stream = of.get(&reading.stream);
        let metadata = reading.text.as_deref().and_then(|text| serde_json::from_str(text).ok());
        if let (Some(stream), Some(metadata)) = (stream, metadata) {
            found.insert((*stream, reading.ts), metadata);
        }
    }
}
