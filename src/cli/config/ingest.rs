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
        set: |c, text| parse_names(text).map(|tags| c.series.device_tags = tags),
    },
    ConfigKey {
        name: "ingest.device_attributes",
        valid: "names of attributes such as \"host.name\" (several in a list, or with commas between them)",
        is_secret: false,
        takes_list: true,
        set: |c, text| parse_names(text).map(|attributes| c.series.device_attributes = attributes),
    },
    key("ingest.max_new_streams", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.series.max_new_streams = n)
    }),
];

fn parse_names(text: &str) -> Option<Vec<String>> {
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    names.iter().all(|name| !name.is_empty()).then_some(names)
}
