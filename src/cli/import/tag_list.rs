//! Import of tag lists: tells them from other files, sends them whole and prints what became of each row.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::inventory::number;
use super::{FileFormat, detect_format};
use crate::app::control::{Command, CommandOutcome};
use crate::app::inventory::file_command::FileCommand;
use crate::app::inventory::tag_list::{
    DecodedText, MAX_TAG_LIST_BYTES, TagLine, TagListFormat, TagListReport, TagOutcome, TagStream, decode,
    decode_beginning, format_of, too_long,
};
use crate::cli::print;
use crate::cli::target::CommandTarget;
use crate::domain::{Error, Result};

/// Length of the part of a file in which its header is looked for, bytes.
const HEADER_BYTES: u64 = 64 << 10;

/// Returns the format of a tag list by its header; `None` for every other file.
pub fn detect(path: &Path) -> Option<TagListFormat> {
    format_of(&beginning(path)?)
}

/// Returns the beginning of a file of text; `None` for a file of another format and one that cannot be read.
pub fn beginning(path: &Path) -> Option<String> {
    let mut file = File::open(path).ok()?;
    if !matches!(detect_format(&mut file).ok()?, FileFormat::Csv) {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(HEADER_BYTES).read_to_end(&mut bytes).ok()?;
    Some(decode_beginning(&bytes))
}

/// Makes streams of the tags of a list, or says which it would make.
///
/// # Errors
/// Also when no tag of the list is, or could be, a stream of the device.
pub async fn import(target: &CommandTarget, path: &Path, device: &str, is_dry: bool) -> Result<()> {
    let name = path.display().to_string();
    let about = |error: Error| Error { message: format!("{name}: {}", error.message), ..error };
    let DecodedText { text, encoding } = read(path).map_err(about)?;
    let command = FileCommand::ImportTags { device: device.to_owned(), text, is_dry };
    let command = Command::File { org: target.org(), command };
    let CommandOutcome::TagList(report) = target.run(command).await.map_err(about)? else {
        return Err(Error::internal("the server answered another command"));
    };
    print::line(&render(&name, encoding, &report))?;
    if report.counts().left_out == report.lines.len() {
        return Err(Error::invalid(format!("{name}: no row is a stream of this device")));
    }
    Ok(())
}

fn read(path: &Path) -> Result<DecodedText> {
    let unreadable = |e: std::io::Error| Error::invalid(format!("cannot be read: {e}"));
    if fs::metadata(path).map_err(unreadable)?.len() > MAX_TAG_LIST_BYTES as u64 {
        return Err(too_long());
    }
    decode(&fs::read(path).map_err(unreadable)?)
}

fn render(name: &str, encoding: &str, report: &TagListReport) -> String {
    let (format, separator) = (report.format.title(), report.separator.plural());
    let mut lines = vec![format!(
        "{name}: tag list of {format} in {encoding}, separated by {separator}, for device {} ({})",
        report.device, report.protocol
    )];
    lines.extend(report.lines.iter().map(line));
    let counts = report.counts();
    let changed = match counts.replaced {
        0 => String::new(),
        replaced => format!("; changed {}", number(replaced, "stream")),
    };
    lines.push(format!(
        "{name}: added {}{changed}; unchanged {}; left out {}",
        number(counts.added, "stream"),
        number(counts.unchanged, "stream"),
        number(counts.left_out, "row")
    ));
    if !report.is_applied {
        lines.push("dry run: nothing was changed".to_owned());
    }
    lines.join("\n")
}

fn line(row: &TagLine) -> String {
    let (number, name) = (row.line, &row.name);
    let text = match &row.outcome {
        TagOutcome::Added { stream, remark } => {
            let remark = remark.as_ref().map_or_else(String::new, |remark| format!("; {remark}"));
            format!("+ line {number}: stream {name}: {}{remark}", settings(stream))
        }
        TagOutcome::Exists { stream, differences } => {
            let differences: Vec<_> =
                differences.iter().map(|d| format!("{} {} (list: {})", d.field, d.stream, d.list)).collect();
            let same = match stream == name {
                true => format!("= line {number}: stream {name}: exists, left alone"),
                false => format!("= line {number}: {name}: stream {stream} has its address, left alone"),
            };
            if differences.is_empty() { same } else { format!("{same}; differs: {}", differences.join(", ")) }
        }
        TagOutcome::Replaced { stream } => {
            format!(
                "~ line {number}: stream {name}: {}; was made at the same time by others",
                settings(stream)
            )
        }
        TagOutcome::LeftOut { reason } => format!("- line {number}: {name}: {reason}"),
    };
    // A name or a word of the list may have line breaks.
    text.replace(char::is_control, " ")
}

/// Formats settings, without those at their default; a type is always given.
fn settings(stream: &TagStream) -> String {
    let mut fields = vec![format!("path {:?}", stream.path), format!("type {:?}", stream.kind)];
    let texts = [("unit", &stream.unit), ("description", &stream.description)];
    let numbers = [("scale", stream.scale, 1.0), ("offset", stream.offset, 0.0)];
    let numbers = numbers.into_iter().filter(|(_, number, default)| number != default);
    fields.extend(numbers.map(|(field, number, _)| format!("{field} {number}")));
    fields.extend(
        texts
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(field, text)| format!("{field} {text:?}")),
    );
    fields.join(", ")
}
