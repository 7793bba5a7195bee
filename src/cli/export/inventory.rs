//! Export of devices and their streams to a file that `import` reads.

use std::ffi::OsStr;
use std::io::Write;

use super::atomic_file::AtomicFile;
use super::is_standard_output;
use crate::app::control::{Command, CommandOutcome};
use crate::app::inventory::InventoryFormat;
use crate::app::inventory::file_command::FileCommand;
use crate::cli::args::{Export, ExportFormat};
use crate::cli::print;
use crate::cli::target::CommandTarget;
use crate::domain::{Error, Result};

/// Returns the format for devices; `None` when readings are exported. A YAML file holds devices with or without a flag.
pub fn requested_format(args: &Export) -> Result<Option<InventoryFormat>> {
    let ending = args.file.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    let by_ending = match ending.as_deref() {
        Some("yaml" | "yml") => Some(InventoryFormat::Yaml),
        Some("csv") if args.devices => Some(InventoryFormat::Csv),
        _ => None,
    };
    let format = match args.format {
        None => by_ending,
        Some(ExportFormat::Yaml) => Some(InventoryFormat::Yaml),
        Some(ExportFormat::Csv) if args.devices || by_ending.is_some() => Some(InventoryFormat::Csv),
        Some(ExportFormat::Csv | ExportFormat::Ndjson | ExportFormat::Arrow | ExportFormat::Parquet) => None,
    };
    match format {
        Some(_) if args.from.is_some() || args.to.is_some() || !args.streams.is_empty() => Err(Error::field(
            "format",
            "YAML is for devices: --from, --to and --stream are for readings, as .parquet, .csv, .ndjson or .arrow",
        )),
        None if args.devices => {
            Err(Error::field("format", "devices are written as YAML or CSV: use .yaml, .csv or --format"))
        }
        form => Ok(form),
    }
}

/// Writes the organization's devices and streams to the file or standard output; passwords are left out.
pub async fn export(target: &CommandTarget, args: &Export, form: InventoryFormat) -> Result<()> {
    let command = Command::File { org: target.org(), command: FileCommand::Export { form } };
    let CommandOutcome::File { text } = target.run(command).await? else {
        return Err(Error::internal("the server answered another command"));
    };
    if is_standard_output(&args.file) {
        return print::line(text.trim_end_matches('\n'));
    }
    let name = args.file.display();
    let about = |error: Error| Error { message: format!("{name}: {}", error.message), ..error };
    let (aside, mut file) = AtomicFile::create(&args.file).map_err(about)?;
    let written = file.write_all(text.as_bytes());
    written.map_err(|e| about(Error::unavailable(format!("cannot be written: {e}"))))?;
    aside.commit(file).map_err(about)?;
    print::line(&format!("devices and streams to {name}; passwords are not in it"))
}
