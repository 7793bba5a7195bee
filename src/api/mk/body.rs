//! JSON bodies: read when the handler asks, and field by field, so that all mistakes are told together.

use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::field_names::platform_name;
use super::problem::MkError;
use crate::api::error::HttpError;
use crate::api::origin::PeerAddress;
use crate::api::{bearer, payload};
use crate::app::App;
use crate::domain::{Error, FieldError, Micros};

/// Media type of a body without one.
const NO_MEDIA_TYPE: &str = "application/octet-stream";

/// Maximum number of mistakes, those of nested objects among them, that are told at once.
const MAX_NESTED_PROBLEMS: usize = 100;

/// A body that is not read yet.
pub struct JsonBody(Request);

impl FromRequest<Arc<App>> for JsonBody {
    type Rejection = Infallible;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Infallible> {
        Ok(JsonBody(request))
    }
}

/// Reads the whole body of an authenticated caller.
///
/// # Errors
/// 408, 413, 415 and 503 as `payload::read_json`.
pub async fn read_all(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, MkError> {
    let secret = bearer::token(headers).unwrap_or_default();
    Ok(payload::read_json(headers, body, app.settings().body_bytes, secret).await?)
}

impl JsonBody {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// The errors of [`read_all`]; 400 for no body and for anything that is no JSON object; 415 for another media type.
    pub async fn fields(self, app: &App) -> Result<Fields, MkError> {
        let (parts, body) = self.0.into_parts();
        let bytes = read_all(app, &parts.headers, body).await?;
        parse(&parts.headers, bytes)
    }

    /// Reads a JSON object; no body is an object without members.
    pub async fn fields_if_any(self, app: &App) -> Result<Fields, MkError> {
        let (parts, body) = self.0.into_parts();
        let bytes = read_all(app, &parts.headers, body).await?;
        match bytes.is_empty() {
            true => Ok(Fields::new(Map::new(), String::new())),
            false => parse(&parts.headers, bytes),
        }
    }

    /// Reads a JSON object of a caller that has not authenticated: within a small size limit, and the memory that
    /// callers of its address share.
    pub async fn unauthenticated_fields(self) -> Result<Fields, MkError> {
        let (parts, body) = self.0.into_parts();
        let address = parts.extensions.get::<PeerAddress>().map(|peer| peer.0);
        let bytes = payload::read_unauthenticated(&parts.headers, body, address).await?;
        parse(&parts.headers, bytes)
    }

    /// Reads a JSON body of any form.
    ///
    /// # Errors
    /// The errors of [`read_all`]; 400 for no body; 415 for another media type.
    pub async fn bytes(self, app: &App) -> Result<Bytes, MkError> {
        let (parts, body) = self.0.into_parts();
        let bytes = read_all(app, &parts.headers, body).await?;
        check_media(&parts.headers, &bytes)?;
        Ok(bytes)
    }
}

/// Reads a JSON object from the bytes of a body.
///
/// # Errors
/// The errors of [`JsonBody::fields`].
pub fn parse(headers: &HeaderMap, bytes: Bytes) -> Result<Fields, MkError> {
    check_media(headers, &bytes)?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(object)) => Ok(Fields { _body: bytes, ..Fields::new(object, String::new()) }),
        Ok(_) => Err(MkError::malformed_body()),
        Err(e) => Err(Error::invalid("Malformed request body").with_source(e).into()),
    }
}

/// Checks that there is a body, and that it is said to be JSON.
fn check_media(headers: &HeaderMap, bytes: &Bytes) -> Result<(), MkError> {
    if bytes.is_empty() {
        return Err(MkError::malformed_body());
    }
    let media = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let media = media.as_deref().unwrap_or(NO_MEDIA_TYPE);
    let named = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if named != "application/json" && !(named.starts_with("application/") && named.ends_with("+json")) {
        return Err(HttpError::UnsupportedMediaType(media.to_owned()).into());
    }
    Ok(())
}

/// The members of an object. Each is read by its name and type; null counts as absent. What is wrong is collected until
/// [`Fields::finish`]; a member of another JSON type makes the whole body malformed.
pub struct Fields {
    object: Map<String, Value>,
    /// Path of the object in the body, with a dot at the end.
    prefix: String,
    problems: Vec<FieldError>,
    is_malformed: bool,
    /// Holds the memory reserved for the body.
    _body: Bytes,
}

impl Fields {
    fn new(object: Map<String, Value>, prefix: String) -> Self {
        Fields { object, prefix, problems: Vec::new(), is_malformed: false, _body: Bytes::new() }
    }

    /// The members of an object that was made of something else than JSON.
    pub(super) fn of_object(object: Map<String, Value>) -> Self {
        Fields::new(object, String::new())
    }

    /// Whether the member is present, also as null: of use where an absent one keeps its value.
    pub fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    /// Adds a problem of a member.
    pub fn problem(&mut self, name: &str, message: impl Into<String>) {
        let field = format!("{}{name}", self.prefix);
        self.problems.push(FieldError::new(field, message));
    }

    /// Takes a member that is not null.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a member and converts it; `convert` gives back `None` for another JSON type.
    fn read_as<T>(&mut self, name: &str, convert: impl FnOnce(Value) -> Option<T>) -> Option<T> {
        let read = convert(self.take(name)?);
        self.is_malformed |= read.is_none();
        read
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.read_as(name, |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// A text; an absent one is empty, which the rules of the noun refuse where they must.
    pub fn text_or_empty(&mut self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// A boolean.
    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        self.read_as(name, |value| value.as_bool())
    }

    /// A number.
    pub fn number(&mut self, name: &str) -> Option<f64> {
        self.read_as(name, |value| value.as_f64())
    }

    /// A whole number.
    pub fn integer(&mut self, name: &str) -> Option<i64> {
        self.read_as(name, |value| value.as_i64())
    }

    /// A whole number of a type without sign; `most` is the largest one of the type.
    pub fn unsigned<T: TryFrom<i64> + Display>(&mut self, name: &str, most: T) -> Option<T> {
        let read = T::try_from(self.integer(name)?).ok();
        if read.is_none() {
            self.problem(name, format!("must be between 0 and {most}"));
        }
        read
    }

    /// A number or a text.
    pub fn number_or_text(&mut self, name: &str) -> Option<Value> {
        self.read_as(name, |value| (value.is_number() || value.is_string()).then_some(value))
    }

    /// An object with any members.
    pub fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.read_as(name, |value| match value {
            Value::Object(object) => Some(object),
            _ => None,
        })
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        self.read_as(name, |value| match value {
            Value::Array(items) => items.into_iter().map(into_text).collect(),
            _ => None,
        })
    }

    /// An id.
    pub fn uuid(&mut self, name: &str) -> Option<Uuid> {
        let text = self.text(name)?;
        let read = Uuid::try_parse(&text).ok();
        if read.is_none() {
            self.problem(name, "must be a UUID");
        }
        read
    }

    /// An id that must be there.
    pub fn required_uuid(&mut self, name: &str) -> Option<Uuid> {
        self.required(name);
        self.uuid(name)
    }

    /// A list of ids.
    pub fn uuids(&mut self, name: &str) -> Option<Vec<Uuid>> {
        let texts = self.texts(name)?;
        let mut ids = Vec::with_capacity(texts.len());
        for (index, text) in texts.iter().enumerate() {
            match Uuid::try_parse(text) {
                Ok(id) => ids.push(id),
                Err(_) => self.problem(&format!("{name}[{index}]"), "must be a UUID"),
            }
        }
        Some(ids)
    }

    /// A time: ISO-8601, with an offset or in UTC.
    pub fn time(&mut self, name: &str) -> Option<Micros> {
        let text = self.text(name)?;
        let read = Micros::parse(&text).filter(|_| text.contains('-'));
        if read.is_none() {
            self.problem(name, "must be an ISO-8601 time between 1970 and 2261");
        }
        read
    }

    /// One of a closed set, by its name.
    pub fn choice<T: Copy>(&mut self, name: &str, all: &[T], named: fn(T) -> &'static str) -> Option<T> {
        let text = self.text(name)?;
        let read = all.iter().copied().find(|one| named(*one) == text);
        if read.is_none() {
            let names: Vec<_> = all.iter().map(|one| named(*one)).collect();
            self.problem(name, format!("must be one of {}", names.join(", ")));
        }
        read
    }

    /// One of a closed set, by its name; it must be there.
    pub fn required_choice<T: Copy>(
        &mut self,
        name: &str,
        all: &[T],
        named: fn(T) -> &'static str,
    ) -> Option<T> {
        self.required(name);
        self.choice(name, all, named)
    }

    /// Adds a problem unless a member is there that is not null.
    pub fn required(&mut self, name: &str) {
        if self.object.get(name).is_none_or(Value::is_null) {
            self.problem(name, "must not be null");
        }
    }

    /// An object whose members are read; give it back to [`Fields::absorb`].
    pub fn nested(&mut self, name: &str) -> Option<Fields> {
        let prefix = format!("{}{name}.", self.prefix);
        self.object(name).map(|object| Fields::new(object, prefix))
    }

    /// A list of at most `most` such objects; give each back to [`Fields::absorb`].
    pub fn nested_list(&mut self, name: &str, most: usize) -> Option<Vec<Fields>> {
        let items = self.read_as(name, |value| match value {
            Value::Array(items) => Some(items),
            _ => None,
        })?;
        if items.len() > most {
            self.problem(name, format!("size must be between 0 and {most}"));
            return None;
        }
        let prefix = format!("{}{name}", self.prefix);
        let nested = items.into_iter().enumerate().map(|(index, item)| match item {
            Value::Object(object) => Some(Fields::new(object, format!("{prefix}[{index}]."))),
            _ => None,
        });
        let nested: Option<Vec<_>> = nested.collect();
        self.is_malformed |= nested.is_none();
        nested
    }

    /// A list of at most `most` objects, each read by `read`; an absent one is empty.
    pub fn list_of<T>(&mut self, name: &str, most: usize, read: fn(&mut Fields) -> T) -> Vec<T> {
        let list = self.nested_list(name, most).unwrap_or_default();
        let each = list.into_iter().map(|mut nested| {
            let one = read(&mut nested);
            self.absorb(nested);
            one
        });
        each.collect()
    }

    /// Takes over what was wrong in a nested object; of many mistakes only the first are told.
    pub fn absorb(&mut self, nested: Fields) {
        let room = MAX_NESTED_PROBLEMS.saturating_sub(self.problems.len());
        self.problems.extend(nested.problems.into_iter().take(room));
        self.is_malformed |= nested.is_malformed;
    }

    /// Ends the reading. `rules` are the problems of the noun, with the core's names of its fields; of a field that has a
    /// problem already they are left out, and of a list of which an element has one: the rules saw it without that element.
    ///
    /// # Errors
    /// 400: malformed, or with all problems.
    pub fn finish(mut self, rules: Vec<FieldError>) -> Result<(), MkError> {
        if self.is_malformed {
            return Err(MkError::malformed_body());
        }
        let fields = self.problems.iter().map(|problem| &problem.field);
        let lists = fields
            .clone()
            .filter_map(|field| field.strip_suffix(']')?.rsplit_once('['))
            .map(|(list, _)| list);
        let reported: Vec<_> = fields.map(|field| &**field).chain(lists).map(str::to_owned).collect();
        let renamed = |rule: FieldError| FieldError { field: platform_name(&rule.field).into(), ..rule };
        let rules = rules.into_iter().map(renamed);
        self.problems.extend(rules.filter(|problem| reported.iter().all(|field| *field != problem.field)));
        Ok(Error::check(self.problems)?)
    }
}

fn into_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
