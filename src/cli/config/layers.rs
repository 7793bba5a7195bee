//! Layers of the configuration, each merged over the one before; every value remembers its source.

use std::collections::BTreeMap;

use toml::de::{DeInteger, DeTable, DeValue};

use super::keys;
use crate::domain::{Error, Result};

const PREFIX: &str = "BASALT_";

/// `BASALT_` variables that are no settings: a secret, defaults of single commands' flags, and a build variable.
const NON_SETTING_VARIABLES: [&str; 7] = [
    "BASALT_BOOTSTRAP_BLYNK",
    "BASALT_BOOTSTRAP_INSTATHINGS",
    "BASALT_BOOTSTRAP_KEY",
    "BASALT_BOOTSTRAP_MK",
    "BASALT_URL",
    "BASALT_KEY",
    "BASALT_WEB",
];
/// Prefix of variables that test scripts set for their tests, which start servers with the same environment.
const TEST_PREFIX: &str = "BASALT_TEST_";

/// A setting as written in its source.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    /// Dotted key, such as `limits.query_rows`.
    pub key: String,
    /// The value as text, a list joined with commas; `None` for any other type.
    pub text: Option<String>,
    pub is_list: bool,
    /// Source for error messages, such as `basalt.toml` or `the variable BASALT_LISTEN`.
    pub source: String,
}

/// A command-line flag that sets a configuration key.
#[derive(Clone)]
pub struct ConfigFlag {
    pub key: &'static str,
    /// The flag's name, such as `--listen`.
    pub name: &'static str,
    pub value: String,
}

/// Settings of one source.
pub(super) struct Layer {
    settings: Vec<Setting>,
}

impl Layer {
    /// Reads the settings of a configuration file; `file` is its name in error messages.
    ///
    /// # Errors
    /// `Invalid` when the text is not TOML, with the line but without its text, which may hold a secret.
    pub fn from_toml(file: &str, text: &str) -> Result<Layer> {
        let table = DeTable::parse(text).map_err(|error| {
            // Its whole text would quote the line, which may hold a secret.
            let start = error.span().map_or(0, |span| span.start).min(text.len().saturating_sub(1));
            let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
            let problem = error.message().trim_end().replace('\n', "; ");
            Error::invalid(format!("{file} is not TOML: line {line}: {problem}"))
        })?;
        let mut settings = Vec::new();
        collect(file, "", table.get_ref(), &mut settings);
        Ok(Layer { settings })
    }

    /// Creates the layer of one command-line flag, which sets a single key.
    pub fn from_flag(flag: ConfigFlag) -> Layer {
        Layer::from_value(format!("the flag {}", flag.name), flag.key, flag.value)
    }

    fn from_value(source: String, key: &str, value: String) -> Layer {
        let setting = Setting { key: key.to_owned(), text: Some(value), is_list: false, source };
        Layer { settings: vec![setting] }
    }
}

/// Returns one layer per `BASALT_…` variable that sets a key: lower case, `__` for a dot, and the short forms
/// `BASALT_CATALOG_URL`, `BASALT_LAKE_URL`, `BASALT_OBJECTS_URL`, `BASALT_PG_LISTEN`, `BASALT_FLIGHT_LISTEN`, `BASALT_MQTT_LISTEN`, `BASALT_MQTT_TLS_LISTEN`,
/// `BASALT_OPENSYNAPTIC_LISTEN` and `BASALT_OPENSYNAPTIC_ADMIN_TOKEN`.
///
/// Also what to say of each variable that sets no key: it is ignored.
pub(super) fn from_environment(
    variables: impl Iterator<Item = (String, String)>,
) -> (Vec<Layer>, Vec<String>) {
    let mut found: Vec<_> = variables
        .filter(|(name, _)| name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX))
        .filter(|(name, _)| !NON_SETTING_VARIABLES.contains(&name.as_str()))
        .collect();
    found.sort();
    let (mut layers, mut unknown) = (Vec::new(), Vec::new());
    for (name, value) in found {
        let key = setting_key(&name);
        if keys::all().any(|known| known.name == key) {
            layers.push(Layer::from_value(format!("the variable {name}"), &key, value));
        } else {
            unknown
                .push(format!("the variable {name} is unknown and ignored; {}", keys::list_valid_keys(&key)));
        }
    }
    (layers, unknown)
}

/// The key that a variable sets, if there is such a key.
fn setting_key(variable: &str) -> String {
    match variable[PREFIX.len()..].to_ascii_lowercase().replace("__", ".") {
        short if short == "catalog_url" => "catalog.url".to_owned(),
        short if short == "lake_url" => "lake.url".to_owned(),
        short if short == "objects_url" => "objects.url".to_owned(),
        short if short == "pg_listen" => "pg.listen".to_owned(),
        short if short == "mqtt_listen" => "mqtt.listen".to_owned(),
        short if short == "mqtt_tls_listen" => "mqtt.tls_listen".to_owned(),
        short if short == "flight_listen" => "flight.listen".to_owned(),
        short if short == "opensynaptic_listen" => "opensynaptic.listen".to_owned(),
        short if short == "opensynaptic_admin_token" => "opensynaptic.admin_token".to_owned(),
        key => key,
    }
}

/// Whether a file in TOML sets a key whose value is a secret.
pub fn holds_secret(file: &str, text: &str) -> bool {
    let settings = Layer::from_toml(file, text).map(|layer| layer.settings).unwrap_or_default();
    let is_secret = |setting: &Setting| keys::all().any(|key| key.is_secret && key.name == setting.key);
    settings.iter().any(is_secret)
}

/// Merges the layers, the last one winning; returns the settings ordered by key.
pub(super) fn merge(layers: Vec<Layer>) -> Vec<Setting> {
    let mut settings = BTreeMap::new();
    for setting in layers.into_iter().flat_map(|layer| layer.settings) {
        // A value replaces a whole section of that name below it, too.
        settings.retain(|key: &String, _| !is_in_section(key, &setting.key));
        settings.insert(setting.key.clone(), setting);
    }
    settings.into_values().collect()
}

fn is_in_section(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'))
}

fn collect(file: &str, section: &str, table: &DeTable<'_>, settings: &mut Vec<Setting>) {
    for (name, value) in table {
        let name = name.get_ref();
        let key = if section.is_empty() { name.to_string() } else { format!("{section}.{name}") };
        match value.get_ref() {
            DeValue::Table(inner) => collect(file, &key, inner, settings),
            value => {
                let is_list = value.is_array();
                settings.push(Setting { key, text: to_text(value), is_list, source: file.to_owned() });
            }
        }
    }
}

fn to_text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Integer(number) => Some(integer_text(number)),
        DeValue::Float(number) => Some(number.as_str().parse().unwrap_or(f64::NAN).to_string()),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref()).filter(|item| !item.is_array()).map(to_text);
            let texts: Vec<String> = texts.collect::<Option<_>>()?;
            (texts.len() == items.len()).then(|| texts.join(","))
        }
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

/// The decimal digits of an integer, whatever its base.
fn integer_text(number: &DeInteger<'_>) -> String {
    let parsed = i128::from_str_radix(number.as_str(), number.radix());
    parsed.map_or_else(|_| number.to_string(), |number| number.to_string())
}
