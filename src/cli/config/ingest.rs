//! Configuration keys of readings that arrive over HTTP.

use super::Config;
use super::config_key::{
    COUNT_FORMAT, ConfigKey, DURATION_FORMAT, key, parse_positive_duration, parse_positive_usize,
};
use super::units::parse_duration;
use crate::domain::arrival::DEFAULT_MAX_AHEAD_LIVE;
use crate::domain::{Error, Result};

const AHEAD_FORMAT: &str = "a duration from \"0s\" to ingest.max_future (units ms, s, m, h, d)";

pub(super) const KEYS: &[ConfigKey] = &[
    key("ingest.max_future", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.ingest_max_future = d)
    }),
    key("ingest.max_ahead_live", AHEAD_FORMAT, |c, text| {
        parse_duration(text).map(|d| c.ingest_max_ahead_live = d)
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

/// Checks what depends on several settings. The default gives way to a shorter `ingest.max_future`.
pub(super) fn check(config: &Config) -> Result<()> {
    let ahead = config.ingest_max_ahead_live;
    if ahead > config.ingest_max_future && ahead != DEFAULT_MAX_AHEAD_LIVE {
        let message = format!("must not be above ingest.max_future: use {AHEAD_FORMAT}");
        return Err(Error::field("ingest.max_ahead_live", message));
    }
    Ok(())
}
