//! Configuration keys of what one organization may have.

use super::config_key::{
    COUNT_FORMAT, ConfigKey, SIZE_FORMAT, key, parse_positive_size, parse_positive_usize,
};

pub(super) const KEYS: &[ConfigKey] = &[
    key("limits.devices", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.limits.organization.devices = n)
    }),
    key("limits.streams", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.limits.organization.streams = n)
    }),
    key("limits.groups", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.limits.organization.groups = n)
    }),
    key("limits.keys", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.limits.organization.keys = n)
    }),
    key("limits.products", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.limits.organization.products = n)
    }),
    key("limits.clients", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.limits.organization.clients = n)
    }),
    key("limits.documents", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.limits.organization.documents = n)
    }),
    key("limits.annotations", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.limits.organization.annotations = n)
    }),
    key("limits.organization_memory", SIZE_FORMAT, |c, text| {
        let bytes = parse_positive_size(text).and_then(|n| usize::try_from(n).ok());
        bytes.map(|n| c.limits.organization.memory = n)
    }),
];
