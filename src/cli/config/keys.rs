//! Table of all configuration keys: name, parser, and what an error says is valid.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::config_key::{
    COUNT_FORMAT, ConfigKey, DURATION_FORMAT, SIZE_FORMAT, is_host, key, parse_positive_count,
    parse_positive_duration, parse_positive_size, parse_positive_usize,
};
use super::plans::{PLANS_FORMAT, parse_plans};
use super::units::{parse_duration, parse_lake_url, parse_rate, parse_web_url};
use super::{LogFormat, cluster, ingest, media, mqtt, objects, quotas, smtp};
use crate::app::instathings::ProjectEnv;
use crate::auth::admin_token::AdminToken;
use crate::domain::org::slug_problems;

const RATE_FORMAT: &str =
    "a number and a time such as \"60/min\" or \"100/10s\" (units s, min, h, d), at most a day";
const URL_FORMAT: &str = "a URL that begins with http:// or https://";
const TOKEN_TTL_FORMAT: &str = "whole seconds from \"1s\" to \"3650d\"; a bare number is seconds";

/// Returns every key.
pub(super) fn all() -> impl Iterator<Item = &'static ConfigKey> {
    let parts =
        [quotas::KEYS, ingest::KEYS, mqtt::KEYS, smtp::KEYS, media::KEYS, objects::KEYS, cluster::KEYS];
    KEYS.iter().chain(parts.into_iter().flatten())
}

const KEYS: &[ConfigKey] = &[
    key("data_dir", "the path of a directory", |c, text| {
        (!text.is_empty()).then(|| c.data_dir = PathBuf::from(text))
    }),
    key("listen", "an address and a port such as 127.0.0.1:8000 (port 0 picks a free one)", |c, text| {
        text.parse().ok().map(|address| c.listen = address)
    }),
    key("queries_dir", "the path of a directory", |c, text| {
        (!text.is_empty()).then(|| c.queries_dir = Some(PathBuf::from(text)))
    }),
    key("allow_plaintext", "true or false", |c, text| text.parse().ok().map(|is| c.allow_plaintext = is)),
    key("http.tls_cert", "the path of a certificate in PEM", |c, text| {
        (!text.is_empty()).then(|| c.tls.cert = Some(PathBuf::from(text)))
    }),
    key("http.tls_key", "the path of a private key in PEM", |c, text| {
        (!text.is_empty()).then(|| c.tls.key = Some(PathBuf::from(text)))
    }),
    key("http.tls_check_interval", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.tls_check_interval = d)
    }),
    key("http.connections", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.http_connections = n)
    }),
    key("http.base_path", "a path such as /basalt, other than the server's own, or empty", |c, text| {
        text.parse().ok().map(|path| c.base_path = path)
    }),
    key("pg.listen", "an address and a port such as 127.0.0.1:5432 (port 0 picks a free one)", |c, text| {
        text.parse().ok().map(|address| c.pg.listen = Some(address))
    }),
    key("pg.connections", COUNT_FORMAT, |c, text| parse_positive_usize(text).map(|n| c.pg.connections = n)),
    key("pg.idle_timeout", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.pg.idle_timeout = d)
    }),
    key(
        "flight.listen",
        "an address and a port such as 127.0.0.1:32010 (port 0 picks a free one)",
        |c, text| text.parse().ok().map(|address| c.flight.listen = Some(address)),
    ),
    key("flight.connections", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.flight.connections = n)
    }),
    key("onpremise.enabled", "true or false", |c, text| {
        text.parse().ok().map(|is| c.onpremise.is_enabled = is)
    }),
    key("onpremise.address", "an IP address such as 127.0.0.1", |c, text| {
        text.parse().ok().map(|address| c.onpremise.address = address)
    }),
    key("onpremise.port", "a port from 0 to 65535 (port 0 picks a free one)", |c, text| {
        text.parse().ok().map(|port| c.onpremise.port = port)
    }),
    key("onpremise.host", "a host name or an IP address, without a port", |c, text| {
        is_host(text).then(|| c.onpremise.host = Some(text.to_owned()))
    }),
    key("onpremise.connections", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.onpremise.connections = n)
    }),
    key(
        "opensynaptic.listen",
        "an address and a port such as 127.0.0.1:8765 (port 0 picks a free one)",
        |c, text| text.parse().ok().map(|address| c.opensynaptic.listen = Some(address)),
    ),
    key("opensynaptic.connections", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.opensynaptic.connections = n)
    }),
    key("opensynaptic.auth_enabled", "true or false", |c, text| {
        text.parse().ok().map(|is| c.opensynaptic.settings.auth_enabled = is)
    }),
    ConfigKey {
        name: "opensynaptic.admin_token",
        valid: "at most 512 bytes without control characters; nothing is no token",
        is_secret: true,
        takes_list: false,
        set: |c, text| {
            let token = AdminToken::parse(text);
            let is_valid = token.is_some() || text.trim().is_empty();
            is_valid.then(|| c.opensynaptic.settings.admin_token = token)
        },
    },
    key("storage.sql.enabled", "true or false", |c, text| {
        text.parse().ok().map(|is| c.opensynaptic.settings.sql_enabled = is)
    }),
    ConfigKey {
        name: "catalog.url",
        valid: "sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE",
        is_secret: true,
        takes_list: false,
        set: |c, text| {
            let known = ["sqlite://", "postgres://", "postgresql://"];
            known.iter().any(|scheme| text.starts_with(scheme)).then(|| c.catalog_url = Some(text.to_owned()))
        },
    },
    key("wal.keep", SIZE_FORMAT, |c, text| parse_positive_size(text).map(|n| c.wal.keep = n)),
    key("wal.segment", SIZE_FORMAT, |c, text| parse_positive_size(text).map(|n| c.wal.segment = n)),
    key("flush.bytes", SIZE_FORMAT, |c, text| parse_positive_size(text).map(|n| c.flush.bytes = n)),
    key("flush.age", DURATION_FORMAT, |c, text| parse_positive_duration(text).map(|d| c.flush.age = d)),
    key("compaction.interval", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.compaction.interval = d)
    }),
    key("compaction.memory", SIZE_FORMAT, |c, text| {
        parse_positive_size(text).map(|n| c.compaction.memory = n)
    }),
    key("compaction.cpu", "a number above 0 and up to 1", |c, text| {
        let share = text.parse().ok().filter(|share| *share > 0.0 && *share <= 1.0);
        share.map(|share: f64| c.compaction.cpu = share)
    }),
    key("backup.dir", "an absolute path of a directory outside of the data directory", |c, text| {
        Path::new(text).is_absolute().then(|| c.backup_dir = Some(PathBuf::from(text)))
    }),
    key("retention.interval", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.retention_interval = d)
    }),
    key(
        "lake.url",
        "s3://BUCKET/PREFIX (credentials, region and endpoint from AWS_* variables), or file:///DIRECTORY",
        |c, text| parse_lake_url(text).map(|url| c.lake.url = Some(url)),
    ),
    key("lake.keep_removed", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.lake.keep_removed = d)
    }),
    key("memtable.cap", SIZE_FORMAT, |c, text| parse_positive_size(text).map(|n| c.memtable_cap = n)),
    key("limits.query_timeout", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.limits.query_timeout = d)
    }),
    key("limits.query_rows", COUNT_FORMAT, |c, text| {
        parse_positive_count(text).map(|n| c.limits.query_rows = n)
    }),
    key("limits.query_memory", SIZE_FORMAT, |c, text| {
        parse_positive_size(text).map(|n| c.limits.query_memory = n)
    }),
    key("limits.query_share", SIZE_FORMAT, |c, text| {
        parse_positive_size(text).map(|n| c.limits.query_share = n)
    }),
    key("limits.queries_running", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.limits.queries_running = n)
    }),
    key("limits.queries_waiting", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.limits.queries_waiting = n)
    }),
    key("limits.body_bytes", SIZE_FORMAT, |c, text| {
        parse_positive_size(text).map(|n| c.limits.body_bytes = n)
    }),
    key("collect.deadband_max_interval", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.deadband_max_interval = d)
    }),
    ConfigKey {
        name: "collect.networks",
        valid: "any, or networks such as \"10.0.0.0/8\" (several in a list, or with commas between them)",
        is_secret: false,
        takes_list: true,
        set: |c, text| text.parse().ok().map(|networks| c.networks = networks),
    },
    ConfigKey {
        takes_list: true,
        ..key(
            "collect.serial_ports",
            "any, none, or paths such as \"/dev/ttyUSB0\" (several in a list, or with commas between them)",
            |c, text| text.parse().ok().map(|ports| c.serial_ports = ports),
        )
    },
    ConfigKey {
        name: "process.allow_private",
        valid: "true, false, or networks such as \"10.0.0.0/8\" (several in a list, or with commas between them)",
        is_secret: false,
        takes_list: true,
        set: |c, text| text.parse().ok().map(|reach| c.host.reach = reach),
    },
    ConfigKey {
        name: "cors.origins",
        valid: "\"*\", or origins such as \"https://app.example\" (several in a list, or with commas between them)",
        is_secret: false,
        takes_list: true,
        set: |c, text| text.parse().ok().map(|origins| c.cors = origins),
    },
    key("hamachi.command", "an absolute path", |c, text| {
        Path::new(text).is_absolute().then(|| c.host.hamachi_command = PathBuf::from(text))
    }),
    key("hamachi.timeout", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.host.hamachi_timeout = d)
    }),
    key("license.path", "the path of a file", |c, text| {
        (!text.is_empty()).then(|| c.host.license_path = Some(PathBuf::from(text)))
    }),
    key(
        "license.public_key",
        "an Ed25519 public key: 32 bytes as 64 hex digits or as base64url",
        |c, text| public_key(text).map(|key| c.host.license_key = Some(key)),
    ),
    key("license.key_id", "a name", |c, text| {
        (!text.trim().is_empty()).then(|| c.host.license_key_id = text.trim().to_owned())
    }),
    key("terminal.grant_ttl", "whole seconds from \"1s\" to \"300s\"", |c, text| {
        let is_valid = |d: &Duration| d.subsec_nanos() == 0 && (1..=300).contains(&d.as_secs());
        parse_positive_duration(text).filter(is_valid).map(|d| c.host.grant_ttl = d)
    }),
    key("compat.default_org", "the slug of an organization", |c, text| {
        slug_problems(text).is_empty().then(|| c.compat.default_org = Some(text.to_owned()))
    }),
    key("compat.derive_messages", "true or false", |c, text| {
        text.parse().ok().map(|is| c.messages.derives = is)
    }),
    key("command.ttl", DURATION_FORMAT, |c, text| parse_positive_duration(text).map(|d| c.commands.ttl = d)),
    key("instathings.token_ttl", TOKEN_TTL_FORMAT, |c, text| {
        parse_token_ttl(text).map(|d| c.compat.instathings_token_ttl = d)
    }),
    key("instathings.env", "live or sandbox", |c, text| {
        let named = ProjectEnv::from_name(text);
        named.map(|env| c.compat.instathings.env = env)
    }),
    key("instathings.rate", RATE_FORMAT, |c, text| {
        parse_rate(text).map(|rate| c.compat.instathings.rate = rate)
    }),
    key("instathings.ttl", TOKEN_TTL_FORMAT, |c, text| {
        parse_token_ttl(text).map(|d| c.compat.instathings.ttl = Some(d))
    }),
    key("mk.rate", RATE_FORMAT, |c, text| parse_rate(text).map(|rate| c.compat.mk.rate = rate)),
    key("mk.openapi", "true or false", |c, text| text.parse().ok().map(|is| c.compat.mk.openapi = is)),
    key("mk.public_url", URL_FORMAT, |c, text| {
        parse_web_url(text).map(|url| c.compat.mk.public_url = Some(url))
    }),
    ConfigKey {
        is_secret: true,
        ..key("mk.jwt_secret", "a text of at least 32 bytes", |c, text| {
            (text.len() >= 32).then(|| c.compat.mk.jwt_secret = Some(text.to_owned()))
        })
    },
    key("mk.certificate_ttl", TOKEN_TTL_FORMAT, |c, text| {
        parse_token_ttl(text).map(|d| c.compat.mk.provisioning.certificate_ttl = d)
    }),
    key("mk.certificate_renew_before", TOKEN_TTL_FORMAT, |c, text| {
        parse_token_ttl(text).map(|d| c.compat.mk.provisioning.renew_before = d)
    }),
    ConfigKey {
        takes_list: true,
        ..key("mk.plans", PLANS_FORMAT, |c, text| parse_plans(text).map(|plans| c.compat.mk.plans = plans))
    },
    key("mk.jwks_url", URL_FORMAT, |c, text| parse_web_url(text).map(|url| c.compat.mk.jwks_url = Some(url))),
    key("blynk.token_ttl", TOKEN_TTL_FORMAT, |c, text| {
        parse_token_ttl(text).map(|d| c.compat.blynk_token_ttl = d)
    }),
    key("blynk.import_per_device", RATE_FORMAT, |c, text| {
        parse_rate(text).map(|rate| c.compat.blynk_imports = rate)
    }),
    key("session.lifetime", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.sessions.lifetime = d)
    }),
    key("session.attempts", COUNT_FORMAT, |c, text| {
        parse_positive_count(text).and_then(|n| n.try_into().ok()).map(|n| c.sessions.attempts = n)
    }),
    key("session.attempts_window", DURATION_FORMAT, |c, text| {
        parse_positive_duration(text).map(|d| c.sessions.window = d)
    }),
    key("session.secure_cookies", "true or false", |c, text| {
        text.parse().ok().map(|is| c.sessions.secure_cookies = is)
    }),
    key("live.subscriptions", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.live.subscriptions = n)
    }),
    key("live.subscriptions_per_caller", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.live.subscriptions_per_caller = n)
    }),
    key("live.ring", SIZE_FORMAT, |c, text| parse_positive_size(text).map(|n| c.live_ring = n)),
    key("ai.loaded_bytes", SIZE_FORMAT, |c, text| parse_positive_size(text).map(|n| c.ai_loaded_bytes = n)),
    key("audit.keep", DURATION_FORMAT, |c, text| parse_positive_duration(text).map(|d| c.audit_keep = d)),
    key("metrics.public", "true or false", |c, text| text.parse().ok().map(|is| c.metrics_public = is)),
    key("graphql.depth", COUNT_FORMAT, |c, text| parse_positive_usize(text).map(|n| c.graphql.depth = n)),
    key("graphql.complexity", COUNT_FORMAT, |c, text| {
        parse_positive_usize(text).map(|n| c.graphql.complexity = n)
    }),
    key("graphql.aliases", COUNT_FORMAT, |c, text| parse_positive_usize(text).map(|n| c.graphql.aliases = n)),
    key("graphql.batch", COUNT_FORMAT, |c, text| parse_positive_usize(text).map(|n| c.graphql.batch = n)),
    key("log.format", "text or json", |c, text| {
        let format = match text {
            "text" => LogFormat::Text,
            "json" => LogFormat::Json,
            _ => return None,
        };
        c.log.format = format;
        Some(())
    }),
    key("log.level", "error, warn, info, debug or trace", |c, text| {
        let levels = ["error", "warn", "info", "debug", "trace"];
        let level = levels.contains(&text).then(|| text.parse().ok())??;
        c.log.level = level;
        Some(())
    }),
];

/// Lists the keys that may have been meant: those of the unknown key's section, or all of them.
pub(super) fn list_valid_keys(unknown: &str) -> String {
    let section = unknown.split_once('.').map_or(unknown, |(section, _)| section);
    let in_section = |k: &&ConfigKey| k.name.split_once('.').is_some_and(|(own, _)| own == section);
    let names: Vec<_> = all().filter(in_section).map(|k| k.name).collect();
    if names.is_empty() {
        let names: Vec<_> = all().map(|k| k.name).collect();
        return format!("the keys are {}", names.join(", "));
    }
    format!("the keys of [{section}] are {}", names.join(", "))
}

fn public_key(text: &str) -> Option<[u8; 32]> {
    let bytes = hex::decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('='))).ok()?;
    bytes.try_into().ok()
}

/// Parses the lifetime of a token. A bare number is seconds.
fn parse_token_ttl(text: &str) -> Option<Duration> {
    let seconds = text.trim().replace('_', "").parse().ok().map(Duration::from_secs);
    let is_valid = |d: &Duration| d.subsec_nanos() == 0 && (1..=3650 * 86_400).contains(&d.as_secs());
    seconds.or_else(|| parse_duration(text)).filter(is_valid)
}
