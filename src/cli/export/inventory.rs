//! Devices and their streams as a file that `import` reads.

use std::ffi::OsStr;
use std::io::Write;

use super::aside::Aside;
use super::is_standard_output;
use crate::app::control::{Command, Outcome};
use crate::app::inventory::Form;
use crate::cli::args::{Export, ExportFormat};
use crate::cli::door::Door;
use crate::cli::print;
use crate::domain::{Error, Result};

/// The form devices are wanted in; `None` when readings are. A file of YAML holds devices whether or not that was said.
pub fn form_of(args: &Export) -> Result<Option<Form>> {
    let ending = args.file.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    let by_ending = match ending.as_deref() {
        Some("yaml" | "yml") => Some(Form::Yaml),
        Some("csv") if args.devices => Some(Form::Csv),
        _ => None,
    };
    let asked = match args.format {
        None => by_ending,
        Some(ExportFormat::Yaml) => Some(Form::Yaml),
        Some(ExportFormat::Csv) if args.devices || by_ending.is_some() => Some(Form::Csv),
        Some(ExportFormat::Csv | ExportFormat::Ndjson | ExportFormat::Arrow | ExportFormat::Parquet) => None,
    };
    match asked {
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

pub async fn export(door: &Door, args: &Export, form: Form) -> Result<()> {
    let command = Command::ExportInventory { org: door.org(), form };
    let Outcome::File { text } = door.run(command).await? else {
        return Err(Error::internal("the server answered another command"));
    };
    if is_standard_output(&args.file) {
        return print::line(text.trim_end_matches('\n'));
    }
    let name = args.file.display();
    let about = |error: Error| Error { message: format!("{name}: {}", error.message), ..error };
    let (aside, mut file) = Aside::create(&args.file).map_err(about)?;
    let written = file.write_all(text.as_bytes());
    written.map_err(|e| about(Error::unavailable(format!("cannot be written: {e}"))))?;
    aside.finish(file).map_err(about)?;
    print::line(&format!("devices and streams to {name}; passwords are not in it"))
}
