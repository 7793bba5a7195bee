//! Named queries: built-in ones, and those of a configured folder.

mod built_in;
mod param_value;
mod query_file;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use self::built_in::BUILT_IN;
use crate::domain::named_query::NamedQuery;
use crate::domain::{Error, FieldError, Kind, Micros, Result};

/// All named queries of a server, by name.
#[derive(Debug, Clone, Default)]
pub struct NamedQueries {
    by_name: BTreeMap<String, NamedQuery>,
}

impl NamedQueries {
    /// Loads the built-in queries and every `*.sql` file of `dir`.
    ///
    /// # Errors
    /// `Invalid`, naming a file that cannot be read, is not a named query, or repeats the name of another.
    pub fn load(dir: Option<&Path>) -> Result<NamedQueries> {
        let mut all = NamedQueries::default();
        let mut origins = BTreeMap::new();
        let own = BUILT_IN.iter().map(|(file, text)| (format!("the built-in {file}"), (*text).to_owned()));
        for (origin, text) in own.chain(dir.map_or_else(|| Ok(Vec::new()), read_all)?) {
            let query = query_file::parse(&text).map_err(|why| {
                Error::field("queries_dir", format!("{origin} is not a named query: {why}"))
            })?;
            if let Some(first) = origins.insert(query.name.clone(), origin.clone()) {
                let message = format!("{origin} has the name `{}`, which {first} has already", query.name);
                return Err(Error::field("queries_dir", message));
            }
            all.by_name.insert(query.name.clone(), query);
        }
        Ok(all)
    }

    /// Iterates in the order of names.
    pub fn iter(&self) -> impl Iterator<Item = &NamedQuery> {
        self.by_name.values()
    }

    /// Returns the query `name`. Fails with `NotFound`, listing the known names.
    pub fn get(&self, name: &str) -> Result<&NamedQuery> {
        self.by_name.get(name).ok_or_else(|| {
            let names: Vec<_> = self.by_name.keys().map(String::as_str).collect();
            Error::new(Kind::NotFound, format!("no query is named `{name}`; there are {}", names.join(", ")))
        })
    }
}

/// Returns the statement's parameters: the given values, checked, and the defaults of the others. Relative times are
/// relative to `now`.
///
/// # Errors
/// `Invalid`, naming every parameter that is unknown, missing or of another type.
pub fn bind(query: &NamedQuery, arguments: &Map<String, Value>, now: Micros) -> Result<Value> {
    let mut wrong = Vec::new();
    let mut refuse = |name: &str, why: String| wrong.push(FieldError::new(format!("params.{name}"), why));
    for name in arguments.keys().filter(|name| query.params.iter().all(|param| param.name != **name)) {
        let names: Vec<_> = query.params.iter().map(|param| format!("`{}`", param.name)).collect();
        let known = if names.is_empty() { "it takes none".to_owned() } else { names.join(", ") };
        refuse(name, format!("is no parameter of `{}`: {known}", query.name));
    }
    let mut bound = Map::new();
    for param in &query.params {
        match arguments.get(&param.name).or(param.default.as_ref()) {
            Some(Value::Null) if param.default == Some(Value::Null) => {
                bound.insert(param.name.clone(), Value::Null);
            }
            Some(value) => match param_value::parse_value(param.kind, value, now) {
                Ok(value) => drop(bound.insert(param.name.clone(), value)),
                Err(why) => refuse(&param.name, why),
            },
            None => refuse(
                &param.name,
                format!("is missing: it must be {}", param_value::describe_kind(param.kind)),
            ),
        }
    }
    Error::check(wrong)?;
    Ok(Value::Object(bound))
}

/// Reads the files of a folder in the order of their names.
fn read_all(dir: &Path) -> Result<Vec<(String, String)>> {
    let unreadable = |path: &Path, e: std::io::Error| {
        Error::field("queries_dir", format!("{} cannot be read: {e}", path.display()))
    };
    let entries = std::fs::read_dir(dir).map_err(|e| unreadable(dir, e))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()).map_err(|e| unreadable(dir, e)));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_>>()?;
    paths.retain(|path| path.extension() == Some(OsStr::new("sql")));
    paths.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
        Ok((path.display().to_string(), text))
    };
    paths.into_iter().map(read).collect()
}

#[cfg(test)]
#[path = "named_tests.rs"]
mod tests;

#[cfg(test)]
mod fuzz_tests;
