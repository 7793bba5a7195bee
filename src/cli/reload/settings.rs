//! The configuration of a running server, read again: settings that can change at run time do, others wait for a restart.

use std::sync::Arc;
use std::time::Duration;

use super::server_certificates::{CertificateChange, ServerCertificates};
use crate::cli::config::{Config, ConfigSource, LoadedConfig, TlsFiles};
use crate::cli::instance::{self, Instance};
use crate::cli::logging::LogHandle;
use crate::domain::{Error, Result};
use crate::query::Engine;
use crate::store::Store;

/// Settings that change at run time whatever else is configured.
const LIVE_KEYS: [&str; 12] = [
    "http.tls_check_interval",
    "limits.annotations",
    "limits.clients",
    "limits.devices",
    "limits.documents",
    "limits.groups",
    "limits.keys",
    "limits.organization_memory",
    "limits.products",
    "limits.query_rows",
    "limits.streams",
    "log.level",
];

/// Applies changes of the configuration to a running server.
pub(super) struct ConfigReload {
    source: ConfigSource,
    /// The settings in effect.
    loaded: LoadedConfig,
    log: LogHandle,
    store: Arc<Store>,
    engine: Arc<Engine>,
}

impl ConfigReload {
    pub(super) fn new(
        opened: &Instance,
        source: ConfigSource,
        loaded: LoadedConfig,
        log: LogHandle,
    ) -> ConfigReload {
        ConfigReload { source, loaded, log, store: opened.store.clone(), engine: opened.engine.clone() }
    }

    /// Reads the configuration and applies what can change, all or nothing; logs the names of what was applied and of what
    /// needs a restart. Returns the interval between two looks at certificates, and the certificates to put in use.
    ///
    /// # Errors
    /// `Invalid`, naming the setting that is not valid, or the file of a certificate that cannot be used.
    pub(super) async fn reload(
        &mut self,
        certificates: &ServerCertificates,
    ) -> Result<(Duration, CertificateChange)> {
        let (source, newer) = load_again(self.source.clone()).await?;
        let changed = self.loaded.changed_keys(&newer);
        let (old, new) = (&self.loaded.config, &newer.config);
        let (applied, waiting): (Vec<_>, Vec<_>) =
            changed.into_iter().partition(|key| is_live(key, old, new));
        let next = self.loaded.with(&newer, |key| applied.iter().any(|name| name == key));
        let change = certificates.prepare(&next.config).await?;
        self.store.catalog().orgs.set_org_limits(next.config.limits.organization);
        let limits = &next.config.limits;
        self.engine.set_statement_limits(limits.query_timeout, instance::to_usize(limits.query_rows));
        let (before, after) = (self.loaded.config.log.level, next.config.log.level);
        // The lines are written at whichever level shows more.
        if after > before {
            self.log.set_level(after);
        }
        log_outcome(&applied, &waiting);
        if after < before {
            self.log.set_level(after);
        }
        (self.source, self.loaded) = (source, next);
        Ok((self.loaded.config.tls_check_interval, change))
    }
}

/// Reads the configuration on a thread of its own, because a file system may be slow. Returns also the source as it is afterwards.
async fn load_again(mut source: ConfigSource) -> Result<(ConfigSource, LoadedConfig)> {
    let reading = tokio::task::spawn_blocking(move || source.load().map(|loaded| (source, loaded)));
    reading.await.map_err(|e| Error::internal("reading the configuration was interrupted").with_source(e))?
}

fn log_outcome(applied: &[String], waiting: &[String]) {
    let count = applied.len();
    match count {
        0 => tracing::info!("the configuration was read again: there is nothing to apply"),
        _ => tracing::info!(
            count,
            settings = applied.join(", "),
            "the configuration was read again and applied"
        ),
    }
    if !waiting.is_empty() {
        let count = waiting.len();
        tracing::warn!(count, settings = waiting.join(", "), "changed settings take effect after a restart");
    }
}

/// Whether a changed setting can take effect now. Files of certificates can be exchanged for others; whether a listener has a
/// certificate of its own at all is decided at the start.
fn is_live(key: &str, old: &Config, new: &Config) -> bool {
    let has_pair = |files: &TlsFiles| files.cert.is_some() && files.key.is_some();
    match key {
        "http.tls_cert" | "http.tls_key" => has_pair(&old.tls) && has_pair(&new.tls),
        "mqtt.tls_cert" | "mqtt.tls_key" => {
            let has_own = |config: &Config| config.mqtt.tls_listen.is_some() && has_pair(&config.mqtt.tls);
            has_own(old) && has_own(new) && old.mqtt.host == new.mqtt.host
        }
        // On a node of a cluster, files stay as long as a query runs; how long they stay is decided at the start.
        "limits.query_timeout" => old.lake.keep_removed == new.lake.keep_removed,
        key => LIVE_KEYS.contains(&key),
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
