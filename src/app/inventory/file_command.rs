//! Commands about files of devices and streams.

use serde::{Deserialize, Serialize};

use super::InventoryFormat;

/// A command about a file. With `is_dry` nothing is changed.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileCommand {
    /// Imports devices and streams.
    Import { form: InventoryFormat, text: String, is_dry: bool },
    /// Makes streams of a device, which is named, from a tag list.
    ImportTags { device: String, text: String, is_dry: bool },
    /// Exports every device and stream.
    Export { form: InventoryFormat },
}

impl FileCommand {
    /// Returns the command as it is typed, for the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            FileCommand::Import { .. } | FileCommand::ImportTags { .. } => "basalt import",
            FileCommand::Export { .. } => "basalt export",
        }
    }
}
