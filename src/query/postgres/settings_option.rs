//! Config extension by which the functions of settings find the connection that a statement came from.

use std::any::Any;
use std::sync::Arc;

use datafusion::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
use datafusion::error::{DataFusionError, Result};

use crate::domain::ports::ConnectionSettings;

/// Setting by which aggregates of readings read no statistics while it is `off`. Their answers are the same.
pub const ROLLUP_SETTING: &str = "basalt.rollup";

/// The settings of the connection that a statement came from.
#[derive(Debug, Clone)]
pub struct SettingsOption(pub Arc<dyn ConnectionSettings>);

impl ConfigExtension for SettingsOption {
    const PREFIX: &'static str = "basalt_connection";
}

impl ExtensionOptions for SettingsOption {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _: &str) -> Result<()> {
        Err(DataFusionError::Configuration(format!("there is no setting `{key}`")))
    }

    /// Lists no entries: `information_schema` must not show any.
    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
