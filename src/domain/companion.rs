//! Streams that the server keeps beside those of a device: the metadata of readings, and the device's health reports.
//!
//! They are streams like any other, so that what they hold is as durable as a reading, is backed up and expires with
//! the readings' retention. Their names begin with `#`, which no reported sensor has.

use serde_json::{Map, Value};

use super::DeviceId;
use super::named_enum::named_enum;
use super::stream::{Stream, StreamKind, StreamSpec};

/// First character of the names.
pub const MARK: char = '#';
/// Member of the stream's metadata that tells its purpose.
const MEMBER: &str = "companion";

named_enum! {
    /// Content of a companion, as JSON at the time of the reading or report.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Companion {
        /// The metadata of the readings of one stream.
        Metadata = "metadata",
        /// The health reports of the device.
        Health = "health",
    }
}

impl Companion {
    /// Purpose of a stream that is a companion; `None` for a stream of its own.
    pub fn of(spec: &StreamSpec) -> Option<Companion> {
        let purpose =
            spec.metadata.get(MEMBER).and_then(Value::as_str).filter(|_| spec.name.starts_with(MARK));
        purpose.and_then(Companion::from_name)
    }

    /// Name of the stream with the metadata of another one. It follows from the channel, which never changes.
    pub fn metadata_name(stream: &Stream) -> String {
        format!("{MARK}metadata.{}", stream.channel)
    }

    /// Name of the stream with the health reports of a device.
    pub fn health_name() -> String {
        format!("{MARK}health")
    }

    /// Settings of a new companion.
    pub fn spec(self, name: String, device: DeviceId) -> StreamSpec {
        let metadata = Map::from_iter([(MEMBER.to_owned(), Value::from(self.name()))]);
        StreamSpec { kind: StreamKind::Json, metadata, ..StreamSpec::new(name, device) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_companion_is_known_by_its_name_and_its_metadata() {
        let companion = Companion::Health.spec(Companion::health_name(), DeviceId(1));
        assert_eq!(Companion::of(&companion), Some(Companion::Health));
        let renamed = StreamSpec { name: "health".to_owned(), ..companion.clone() };
        let plain = StreamSpec { metadata: Map::new(), ..companion };
        assert_eq!((Companion::of(&renamed), Companion::of(&plain)), (None, None));
    }
}
