//! Configuration keys of readings that arrive over HTTP.

use super::config_key::{
    COUNT_FORMAT, ConfigKey, DURATION_FORMAT, key, parse_positive_duration, parse_positive_usize,
};

pub(super) const KEYS: &[ConfigKey] = &[
    key("ingest.max_future", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.ingest_max_future = d)
    }),
    ConfigKey {
        name: "ingest.device_tags",
        valid: "names of tags such as \"device\" (several in a list, or with commas between them)",
        is_secret: false,
        takes_list: true,
        set: |c, text| {
            let tags: Vec<String> = text.split(',').map(|tag| tag.trim().to_owned()).collect();
            tags.iter().all(|tag| !tag.is_empty()).then(|| c.series.device_tags = tags)
        },
    },
    key("ingest.max_new_streams", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.series.max_new_streams = n)
    }),
];
