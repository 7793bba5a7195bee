//! Configuration key, and the parsers that several keys share.

use std::time::Duration;

use super::Config;
use super::units::{parse_duration, parse_size};

/// A configuration key.
pub(super) struct ConfigKey {
    pub name: &'static str,
    /// Valid values, for error messages.
    pub valid: &'static str,
    /// Whether errors must not show the value.
    pub is_secret: bool,
    /// Whether a list of strings is accepted; it is read as one string joined with commas.
    pub takes_list: bool,
    /// Sets the value; returns `None` when the text is not valid.
    pub set: fn(&mut Config, &str) -> Option<()>,
}

pub(super) const DURATION_FORMAT: &str =
    "a duration above zero such as \"2s\" or \"5m\" (units ms, s, m, h, d)";
pub(super) const SIZE_FORMAT: &str =
    "a size above zero such as \"256MB\" (units kB, MB, GB, KiB, MiB, GiB; none is bytes)";
pub(super) const COUNT_FORMAT: &str = "a whole number above zero";

/// A key that takes no list and may be shown.
pub(super) const fn key(
    name: &'static str,
    valid: &'static str,
    set: fn(&mut Config, &str) -> Option<()>,
) -> ConfigKey {
    ConfigKey { name, valid, is_secret: false, takes_list: false, set }
}

/// Whether the text can be the host of a request: a name, or an address as URLs have it.
pub(super) fn is_host(text: &str) -> bool {
    !text.is_empty() && url::Host::parse(text).is_ok_and(|host| host.to_string().eq_ignore_ascii_case(text))
}

pub(super) fn parse_positive_duration(text: &str) -> Option<Duration> {
    parse_duration(text).filter(|d| !d.is_zero())
}

pub(super) fn parse_positive_size(text: &str) -> Option<u64> {
    parse_size(text).filter(|n| *n > 0)
}

pub(super) fn parse_positive_count(text: &str) -> Option<u64> {
    text.replace('_', "").parse().ok().filter(|n| *n > 0)
}

pub(super) fn parse_positive_usize(text: &str) -> Option<usize> {
    // The values become tokio semaphores, which hold at most this many permits.
    parse_positive_count(text).and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= usize::MAX >> 3)
}
