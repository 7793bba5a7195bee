//! Configuration key of the contents of objects.

use super::Config;
use super::config_key::{ConfigKey, key};
use super::units::parse_bucket_url;
use crate::domain::{Error, Result};

pub(super) const KEYS: &[ConfigKey] = &[key(
    "objects.url",
    "s3://BUCKET/PREFIX for uploads and recordings; exports stay in data_dir (credentials, region and endpoint from \
     AWS_* variables)",
    |c, text| parse_bucket_url(text).map(|url| c.objects_url = Some(url)),
)];

/// Checks that no object is among the tables of the lake, where `verify` knows every file.
pub(super) fn check(config: &Config) -> Result<()> {
    let (Some(objects), Some(lake)) = (&config.objects_url, &config.lake.url) else { return Ok(()) };
    let folder = |url: &str| format!("{}/", url.trim_end_matches('/'));
    if folder(objects).starts_with(&folder(lake)) {
        return Err(Error::field("objects.url", "must not be lake.url or below it"));
    }
    Ok(())
}
