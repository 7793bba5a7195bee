//! Names that several devices of an organization have in interfaces where names need not be unique.
//!
//! In the core a name belongs to one device. A second one is numbered there, and keeps its name in its metadata.

use serde_json::Value;

use super::device::DeviceSpec;

/// Member of a device's metadata: its name in interfaces where names need not be unique.
const SHARED_NAME: &str = "sharedName";

/// Decides what becomes of a device whose name another device of the organization has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakenName {
    /// The name is a mistake.
    Refused,
    /// The device gets the name with a number.
    Numbered,
}

impl DeviceSpec {
    /// The name where names need not be unique. A device that has been renamed since has its name alone.
    pub fn shared_name(&self) -> &str {
        let shared = self.metadata.get(SHARED_NAME).and_then(Value::as_str);
        shared.filter(|shared| is_numbered(&self.name, shared)).unwrap_or(&self.name)
    }

    /// Gives the device a name that others may have.
    pub fn set_shared_name(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.forget_shared_name();
    }

    /// Leaves the device its own name alone.
    pub fn forget_shared_name(&mut self) {
        self.metadata.remove(SHARED_NAME);
    }

    /// Gives the device the first free one of `name-2`, `name-3` and so on, unless its name is free.
    pub fn number_name(&mut self, is_free: impl Fn(&str) -> bool) {
        if is_free(&self.name) {
            return;
        }
        let mut numbered = (2_u64..).map(|number| format!("{}-{number}", self.name));
        if let Some(free) = numbered.find(|name| is_free(name)) {
            let name = std::mem::replace(&mut self.name, free);
            self.metadata.insert(SHARED_NAME.to_owned(), name.into());
        }
    }
}

/// Whether a name is another with a number.
fn is_numbered(name: &str, shared: &str) -> bool {
    let number = name.strip_prefix(shared).and_then(|rest| rest.strip_prefix('-'));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::device::Protocol;

    fn numbered(name: &str, taken: &[&str]) -> DeviceSpec {
        let mut spec = DeviceSpec::new(name, Protocol::Virtual);
        spec.number_name(|name| !taken.contains(&name));
        spec
    }

    #[test]
    fn a_taken_name_gets_the_first_free_number() {
        for (taken, expected) in [
            (&[][..], "sensor"),
            (&["other"], "sensor"),
            (&["sensor"], "sensor-2"),
            (&["sensor", "sensor-2", "sensor-4"], "sensor-3"),
        ] {
            let spec = numbered("sensor", taken);
            assert_eq!((spec.name.as_str(), spec.shared_name()), (expected, "sensor"), "{taken:?}");
            assert_eq!(spec.metadata.is_empty(), expected == "sensor", "{taken:?}");
        }
    }

    #[test]
    fn a_device_that_is_renamed_has_its_new_name_alone() {
        let mut spec = numbered("sensor", &["sensor"]);
        for (name, expected) in [
            ("sensor-17", "sensor"),
            ("sensor-", "sensor-"),
            ("sensor-x", "sensor-x"),
            ("sensors-2", "sensors-2"),
            ("pump", "pump"),
        ] {
            name.clone_into(&mut spec.name);
            assert_eq!(spec.shared_name(), expected, "{name}");
        }
        spec.set_shared_name("sensor-2");
        assert_eq!((spec.shared_name(), spec.metadata.len()), ("sensor-2", 0));
    }
}
