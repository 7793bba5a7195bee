//! Protocol settings in a device's metadata: an absent or null setting has its default; an invalid one is an error
//! that names the setting and its valid values.

use std::time::Duration;

use serde_json::{Map, Value as Json};

use crate::domain::{Error, Result};

/// The metadata of a device.
pub struct ProtocolSettings<'a>(pub &'a Map<String, Json>);

impl ProtocolSettings<'_> {
    fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name).filter(|setting| !setting.is_null())
    }

    /// Parses one of a closed set of words; the first is the default.
    pub fn choice<T: Copy>(&self, name: &'static str, choices: &[(&'static str, T)]) -> Result<T> {
        let found = match self.get(name) {
            None => choices.first(),
            Some(setting) => choices.iter().find(|(word, _)| setting.as_str() == Some(word)),
        };
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            let value = self.get(name).map(Json::to_string).unwrap_or_default();
            Error::field(name, format!("{value} is not one of {}.", words.join(", ")))
        })
    }

    /// Parses a whole number from 0 to `max`; `None` when the setting is absent.
    pub fn number<T: TryFrom<u64>>(&self, name: &'static str, max: u64) -> Result<Option<T>> {
        let Some(setting) = self.get(name) else { return Ok(None) };
        let number =
            setting.as_u64().filter(|number| *number <= max).and_then(|number| T::try_from(number).ok());
        let wrong = || Error::field(name, format!("{setting} is not a whole number from 0 to {max}."));
        number.map(Some).ok_or_else(wrong)
    }

    /// Parses a number of seconds from 0 to `max`, fractions included; 0 when the setting is absent.
    pub fn seconds(&self, name: &'static str, max: u32) -> Result<Duration> {
        let Some(setting) = self.get(name) else { return Ok(Duration::ZERO) };
        let seconds = setting.as_f64().filter(|seconds| (0.0..=f64::from(max)).contains(seconds));
        let wrong = || Error::field(name, format!("{setting} is not a number of seconds from 0 to {max}."));
        seconds.map(Duration::from_secs_f64).ok_or_else(wrong)
    }

    /// Parses one of a closed set of numbers.
    pub fn number_choice(&self, name: &'static str, choices: &[u32], default: u32) -> Result<u32> {
        let Some(setting) = self.get(name) else { return Ok(default) };
        let found = choices.iter().find(|choice| setting.as_u64() == Some(u64::from(**choice)));
        found.copied().ok_or_else(|| {
            let numbers: Vec<_> = choices.iter().map(u32::to_string).collect();
            Error::field(name, format!("{setting} is not one of {}.", numbers.join(", ")))
        })
    }

    /// Parses true or false; `default` when the setting is absent.
    pub fn boolean(&self, name: &'static str, default: bool) -> Result<bool> {
        let Some(setting) = self.get(name) else { return Ok(default) };
        setting.as_bool().ok_or_else(|| Error::field(name, "Must be a valid boolean."))
    }
}
