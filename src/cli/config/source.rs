//! Sources of a configuration, and the keys that have changed when it is read again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Config;
use super::layers::{self, ConfigFlag, Layer, Setting};
use crate::domain::{Error, Result};

/// The file read when no `--config` names another.
pub const DEFAULT_FILE: &str = "basalt.toml";

/// Configuration file to read.
pub enum ConfigFile<'a> {
    /// The file of `--config`; it must exist.
    Named(&'a Path),
    /// `basalt.toml` of the working directory, if it exists.
    DefaultPath,
    /// No file.
    Ignored,
}

/// The file and the flags of a server, which can be read again. No `Debug`: flags can be secrets.
#[derive(Clone)]
pub struct ConfigSource {
    /// The file that must be there: that of `--config`, or the default one once it was read.
    pub file: Option<PathBuf>,
    pub flags: Vec<ConfigFlag>,
}

/// A configuration with the settings that it was made of. No `Debug`: settings can be secrets.
#[derive(Clone)]
pub struct LoadedConfig {
    pub config: Config,
    base: Config,
    /// As they were written, ordered by key.
    settings: Vec<Setting>,
}

impl Config {
    /// Reads the file and the environment.
    ///
    /// # Errors
    /// Lists every unknown key and every bad value, each with its full name, its source and what would be valid.
    pub fn load(base: Config, file: &ConfigFile<'_>, flags: Vec<ConfigFlag>) -> Result<Config> {
        LoadedConfig::load(base, read_file(file)?, flags).map(|loaded| loaded.config)
    }
}

impl ConfigSource {
    /// Reads the file as it is now, and the environment. A file that was read must be there at every later call, because
    /// defaults in place of its settings are what nobody wants.
    ///
    /// # Errors
    /// Errors of [`Config::load`].
    pub fn load(&mut self) -> Result<LoadedConfig> {
        let file = self.file.as_deref().map_or(ConfigFile::DefaultPath, ConfigFile::Named);
        let layer = read_file(&file)?;
        let is_found = layer.is_some();
        let loaded = LoadedConfig::load(Config::default(), layer, self.flags.clone())?;
        if is_found && self.file.is_none() {
            self.file = Some(PathBuf::from(DEFAULT_FILE));
        }
        Ok(loaded)
    }
}

impl LoadedConfig {
    fn load(base: Config, file: Option<Layer>, flags: Vec<ConfigFlag>) -> Result<LoadedConfig> {
        let mut layers: Vec<Layer> = file.into_iter().collect();
        let variables = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
        let (known, unknown_variables) = layers::from_environment(variables);
        layers.extend(known);
        layers.extend(flags.into_iter().map(Layer::from_flag));
        LoadedConfig::from_layers(Config { unknown_variables, ..base }, layers)
    }

    /// Merges the layers over the base; the last layer wins.
    pub(super) fn from_layers(base: Config, layers: Vec<Layer>) -> Result<LoadedConfig> {
        let settings = layers::merge(layers);
        let config = base.clone().apply_settings(&settings)?;
        Ok(LoadedConfig { config, base, settings })
    }

    /// Returns the keys whose values differ in `newer`, in order. A value that is written in another way, or a default that is
    /// written out, is no difference.
    pub fn changed_keys(&self, newer: &LoadedConfig) -> Vec<String> {
        let as_it_is = self.with(newer, |_| false).config;
        let keys: BTreeSet<&str> =
            self.settings.iter().chain(&newer.settings).map(|s| s.key.as_str()).collect();
        let is_changed = |key: &&str| self.with(newer, |other| other == *key).config != as_it_is;
        keys.into_iter().filter(is_changed).map(str::to_owned).collect()
    }

    /// Returns this configuration with the values that `newer` has of the keys for which `is_taken` holds. Values that exclude
    /// each other are not looked for.
    pub fn with(&self, newer: &LoadedConfig, is_taken: impl Fn(&str) -> bool) -> LoadedConfig {
        let kept = self.settings.iter().filter(|setting| !is_taken(&setting.key));
        let taken = newer.settings.iter().filter(|setting| is_taken(&setting.key));
        let mut settings: Vec<Setting> = kept.chain(taken).cloned().collect();
        settings.sort_by(|a, b| a.key.cmp(&b.key));
        let mut config = self.base.clone();
        for setting in &settings {
            // Each was accepted when it was loaded.
            config.set(setting).unwrap_or(());
        }
        LoadedConfig { config, base: self.base.clone(), settings }
    }
}

fn read_file(file: &ConfigFile<'_>) -> Result<Option<Layer>> {
    let (path, must_exist) = match file {
        ConfigFile::Named(path) => (*path, true),
        ConfigFile::DefaultPath => (Path::new(DEFAULT_FILE), false),
        ConfigFile::Ignored => return Ok(None),
    };
    match std::fs::read_to_string(path) {
        Ok(text) => Layer::from_toml(&path.display().to_string(), &text).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(None),
        Err(error) => {
            Err(Error::invalid(format!("the configuration file {} cannot be read: {error}", path.display())))
        }
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
