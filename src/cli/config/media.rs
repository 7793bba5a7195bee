//! Configuration keys of media.

use std::path::{Path, PathBuf};

use super::config_key::{
    COUNT_FORMAT, ConfigKey, DURATION_FORMAT, SIZE_FORMAT, key, parse_positive_duration, parse_positive_size,
    parse_positive_usize,
};
use crate::domain::media::address::is_device_path;

pub(super) const KEYS: &[ConfigKey] = &[
    key("media.ffmpeg", "an absolute path", |c, text| {
        Path::new(text).is_absolute().then(|| c.media.ffmpeg = PathBuf::from(text))
    }),
    key("media.recordings", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.media.recordings = n)
    }),
    key("media.live_sessions", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.media.live_sessions = n)
    }),
    ConfigKey {
        takes_list: true,
        ..key(
            "media.devices",
            "paths below /dev/ such as \"/dev/video0\" (several in a list, or with commas between them)",
            |c, text| {
                let devices: Vec<String> = text.split(',').map(|path| path.trim().to_owned()).collect();
                devices.iter().all(|path| is_device_path(path)).then(|| c.media.devices = devices)
            },
        )
    },
    key("media.keep", DURATION_FORMAT, |c, text| parse_positive_duration(text).map(|d| c.media.keep = d)),
    key("media.max_bytes", SIZE_FORMAT, |c, text| parse_positive_size(text).map(|n| c.media.max_bytes = n)),
    key("media.org_bytes", SIZE_FORMAT, |c, text| parse_positive_size(text).map(|n| c.media.org_bytes = n)),
];
