//! Kinds of files that are imported, and the flags that each of them takes.

use std::fs::File;
use std::path::Path;

use csv::{ReaderBuilder, Trim};

use super::columns;
use super::inventory;
use super::tag_list;
use crate::app::inventory::InventoryFormat;
use crate::app::inventory::tag_list::TagListFormat;
use crate::cli::args::Import;
use crate::domain::{Error, Result};

/// Rows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileContent {
    Devices(InventoryFormat),
    Tags(TagListFormat),
    /// Also a file that is none of the others or cannot be read: opening it says why.
    Readings,
}

impl FileContent {
    /// Tells a file by its extension or header.
    pub fn detect(path: &Path) -> FileContent {
        let devices = inventory::detect_inventory_format(path).map(FileContent::Devices);
        let tags = || tag_list::detect(path).map(FileContent::Tags);
        devices.or_else(tags).unwrap_or(FileContent::Readings)
    }
}

/// Refuses flags that a file does not take, and files that need other flags.
pub fn check_flags(args: &Import, contents: &[FileContent]) -> Result<()> {
    let has_tags = contents.iter().any(|content| matches!(content, FileContent::Tags(_)));
    for (path, content) in args.files.iter().zip(contents) {
        match content {
            FileContent::Devices(_) => check_devices(args, path, has_tags)?,
            FileContent::Tags(format) => check_tags(args, path, *format)?,
            FileContent::Readings => check_readings(args, path)?,
        }
    }
    Ok(())
}

fn check_devices(args: &Import, path: &Path, has_tags: bool) -> Result<()> {
    let is_of_readings = args.name.is_some() || (args.device.is_some() && !has_tags);
    if args.stream.is_some() || args.from_row != 1 || is_of_readings {
        return Err(Error::invalid(format!(
            "{} holds devices: --stream, --device, --name and --from-row are for readings",
            path.display()
        )));
    }
    Ok(())
}

fn check_tags(args: &Import, path: &Path, format: TagListFormat) -> Result<()> {
    let list = format!("{} is a tag list of {}", path.display(), format.title());
    if args.stream.is_some() || args.name.is_some() || args.from_row != 1 {
        return Err(Error::invalid(format!(
            "{list}: --stream, --name, --create and --from-row are for readings"
        )));
    }
    if args.device.is_none() {
        return Err(Error::invalid(format!(
            "{list}: name the device that gets its streams with --device NAME; the device exists already"
        )));
    }
    Ok(())
}

fn check_readings(args: &Import, path: &Path) -> Result<()> {
    let lacks_stream = args.device.is_some() && args.name.is_none();
    if File::open(path).is_err() || !(args.dry_run || lacks_stream) {
        return Ok(());
    }
    let name = path.display();
    check_header(path).map_err(|error| Error { message: format!("{name}: {}", error.message), ..error })?;
    Err(Error::invalid(match args.dry_run {
        true => format!(
            "{name} holds readings: --dry-run is for tag lists, and for devices and streams as YAML or CSV"
        ),
        false => format!("{name} holds readings: --device needs --name, the stream that the rows are of"),
    }))
}

/// Checks that the header of a CSV file is one of readings.
fn check_header(path: &Path) -> Result<()> {
    let Some(text) = tag_list::beginning(path) else { return Ok(()) };
    let mut reader = ReaderBuilder::new().trim(Trim::Headers).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|e| Error::invalid(format!("the header line: {e}")))?;
    let names: Vec<&str> = header.iter().collect();
    columns::check_known(&names)
}
