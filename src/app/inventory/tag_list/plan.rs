//! Decides for each row of a tag list which stream it becomes, before anything is changed.

use std::collections::HashMap;
use std::sync::Arc;

use super::report::{DESCRIPTION, TagDifference, TagLine, TagOutcome, TagStream};
use super::tag::{Tag, TagRow, TagType};
use crate::app::stream::problems_on;
use crate::collect;
use crate::collect::io::ResolvedRegister;
use crate::collect::registers::value_type::RegisterType;
use crate::domain::device::{DeviceSpec, Protocol};
use crate::domain::stream::{Stream, StreamKind, StreamSpec};
use crate::domain::{DeviceId, Error};

/// Maximum length of a description. A quotation mark that is not closed makes one of all rows behind it.
const MAX_DESCRIPTION_CHARS: usize = 1000;

/// Plan of what becomes of a tag list.
#[derive(Debug, Default)]
pub struct TagListPlan {
    pub lines: Vec<TagLine>,
    /// New streams, each with the index of its line.
    pub additions: Vec<(usize, StreamSpec)>,
}

/// Plans the rows of a list for a device with these streams.
pub fn plan(rows: Vec<TagRow>, device: &DeviceSpec, existing: &[Arc<Stream>]) -> TagListPlan {
    let mut streams = DeviceStreams::new(device, existing);
    let mut plan = TagListPlan::default();
    for TagRow { line, name, tag } in rows {
        let judged = streams.judge(&name, line, tag);
        let (outcome, addition) = judged.unwrap_or_else(|reason| (TagOutcome::LeftOut { reason }, None));
        plan.additions.extend(addition.map(|spec| (plan.lines.len(), spec)));
        plan.lines.push(TagLine { line, name, outcome });
    }
    plan
}

/// Streams of the device, and the names that the list has used.
struct DeviceStreams<'a> {
    device: &'a DeviceSpec,
    by_name: HashMap<&'a str, &'a Arc<Stream>>,
    by_address: HashMap<(String, StreamKind), &'a Arc<Stream>>,
    /// Line of each name of the list.
    lines: HashMap<String, u64>,
}

impl<'a> DeviceStreams<'a> {
    fn new(device: &'a DeviceSpec, existing: &'a [Arc<Stream>]) -> Self {
        let with_path = existing.iter().filter(|stream| !stream.spec.path.is_empty());
        let address = |stream: &Arc<Stream>| (address_key(device, &stream.spec.path), stream.spec.kind);
        Self {
            device,
            by_name: existing.iter().map(|stream| (stream.spec.name.as_str(), stream)).collect(),
            by_address: with_path.map(|stream| (address(stream), stream)).collect(),
            lines: HashMap::new(),
        }
    }

    /// Returns what becomes of a row, and the stream that is made of it.
    ///
    /// # Errors
    /// The reason why there is no stream.
    fn judge(
        &mut self,
        name: &str,
        line: u64,
        tag: Result<Tag, String>,
    ) -> Result<(TagOutcome, Option<StreamSpec>), String> {
        let tag = tag?;
        let remark = tag.remark.map(str::to_owned);
        let spec = to_stream(name, tag, self.device)?;
        if let Some(stream) = self.take_name(&spec, line)? {
            return Ok((self.compare(&stream, &spec), None));
        }
        Ok((TagOutcome::Added { stream: TagStream::from(&spec), remark }, Some(spec)))
    }

    /// Notes the name of a row, and returns the stream that the device has of it already.
    ///
    /// # Errors
    /// An earlier row of the list has the same name.
    fn take_name(&mut self, spec: &StreamSpec, line: u64) -> Result<Option<Arc<Stream>>, String> {
        if let Some(before) = self.lines.get(&spec.name) {
            return Err(format!("line {before} has this name already"));
        }
        self.lines.insert(spec.name.clone(), line);
        let address = (address_key(self.device, &spec.path), spec.kind);
        let same = self.by_name.get(spec.name.as_str()).or_else(|| self.by_address.get(&address));
        Ok(same.map(|stream| Arc::clone(stream)))
    }

    fn compare(&self, stream: &Stream, spec: &StreamSpec) -> TagOutcome {
        let is_same_address =
            address_key(self.device, &stream.spec.path) == address_key(self.device, &spec.path);
        let (present, listed) = (TagStream::from(&stream.spec), TagStream::from(spec));
        let path = if is_same_address { listed.path.clone() } else { present.path };
        let rows = [
            ("path", path, listed.path),
            ("type", present.kind, listed.kind),
            ("unit", present.unit, listed.unit),
            ("scale", present.scale.to_string(), listed.scale.to_string()),
            ("offset", present.offset.to_string(), listed.offset.to_string()),
        ];
        let differences = rows.into_iter().filter(|(_, stream, list)| stream != list);
        let difference = |(field, stream, list): (&str, String, String)| TagDifference {
            field: field.to_owned(),
            stream,
            list,
        };
        TagOutcome::Exists {
            stream: stream.spec.name.clone(),
            differences: differences.map(difference).collect(),
        }
    }
}

/// Returns a text that is the same for all spellings of an address.
fn address_key(device: &DeviceSpec, path: &str) -> String {
    collect::canonical_address(device, path).unwrap_or_else(|| path.to_owned())
}

/// Returns the stream that a tag becomes.
///
/// # Errors
/// The device has no such address, or no such value there, in the words of its protocol.
fn to_stream(name: &str, tag: Tag, device: &DeviceSpec) -> Result<StreamSpec, String> {
    if name.is_empty() {
        return Err("there is no name".to_owned());
    }
    if tag.address.is_empty() {
        return Err("there is no address".to_owned());
    }
    if tag.description.chars().count() > MAX_DESCRIPTION_CHARS {
        return Err(format!(
            "the description has more than {MAX_DESCRIPTION_CHARS} characters: a quotation mark may be missing"
        ));
    }
    let mut spec = StreamSpec {
        path: tag.address,
        unit: tag.unit,
        scale: tag.scale,
        offset: tag.offset,
        // A stream is made for some device; of which one, says the inventory that it is put into.
        ..StreamSpec::new(name, DeviceId(0))
    };
    if !tag.description.is_empty() {
        spec.metadata.insert(DESCRIPTION.to_owned(), tag.description.into());
    }
    let kind = match tag.kind {
        TagType::Kind(kind) => Some(kind),
        TagType::OfAddress => None,
        TagType::Register(value_type) if has_numbered_registers(device.protocol) => {
            spec.path = format!("{}:{value_type}", spec.path);
            Some(value_type.default_kind())
        }
        TagType::Register(RegisterType::Array(..)) if device.protocol == Protocol::Eip => {
            return Err(format!(
                "an address of {} names one value, not an array: list each element, such as {}[0]",
                device.protocol, spec.path
            ));
        }
        TagType::Register(value_type) => {
            return Err(format!("type {value_type} is one of registers, which {} has not", device.protocol));
        }
    };
    spec.kind = kind_at(device, &spec.path, kind)?;
    if has_numbered_registers(device.protocol) && spec.kind == StreamKind::Json && spec.is_scaled() {
        return Err("the values of an array are not scaled: list each element".to_owned());
    }
    let problems = problems_on(device, &spec);
    if problems.is_empty() {
        return Ok(spec);
    }
    Err(Error::fields(problems).message)
}

/// Whether addresses may name types that only registers have.
fn has_numbered_registers(protocol: Protocol) -> bool {
    matches!(protocol, Protocol::Fenet | Protocol::Melsec | Protocol::Modbus | Protocol::S7)
}

/// Returns the type of a value at an address: the given one if it fits there, else that of the address.
fn kind_at(device: &DeviceSpec, path: &str, kind: Option<StreamKind>) -> Result<StreamKind, String> {
    if !device.has_registers() {
        return Ok(kind.unwrap_or(StreamKind::Fp64));
    }
    let words = |error: Error| {
        let messages: Vec<_> = error.fields.iter().map(|problem| problem.full_message()).collect();
        messages.join(" ")
    };
    let place = ResolvedRegister::parse(device, path, kind, None).map_err(words)?;
    Ok(kind.or(place.kind()).unwrap_or(StreamKind::Fp64))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
