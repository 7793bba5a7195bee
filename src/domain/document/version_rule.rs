//! The rule of versions: a version of a profile never changes, a higher minor version only adds to the lower ones of its
//! major version, and anything else is a higher major version.

use std::collections::BTreeMap;

use super::{DeviceProfileSpec, ProfileVersion, SensorProfileSpec};
use crate::domain::FieldError;

/// A profile of either kind, as far as versions are concerned.
pub trait VersionedProfile {
    /// Key, which all versions share.
    fn key(&self) -> &str;
    /// Version.
    fn version(&self) -> ProfileVersion;
    /// Whether this version only adds to an older one.
    fn only_adds_to(&self, older: &Self) -> bool;
    /// Whether both are the same, whichever packs installed them.
    fn has_content_of(&self, other: &Self) -> bool;
}

impl VersionedProfile for SensorProfileSpec {
    fn key(&self) -> &str {
        &self.key
    }

    fn version(&self) -> ProfileVersion {
        self.version
    }

    fn only_adds_to(&self, older: &Self) -> bool {
        SensorProfileSpec::only_adds_to(self, older)
    }

    fn has_content_of(&self, other: &Self) -> bool {
        let Self { key, name, version, fields, pack: _ } = other;
        (&self.key, &self.name, &self.version, &self.fields) == (key, name, version, fields)
    }
}

impl VersionedProfile for DeviceProfileSpec {
    fn key(&self) -> &str {
        &self.key
    }

    fn version(&self) -> ProfileVersion {
        self.version
    }

    fn only_adds_to(&self, older: &Self) -> bool {
        DeviceProfileSpec::only_adds_to(self, older)
    }

    fn has_content_of(&self, other: &Self) -> bool {
        let Self { key, name, version, components, writable_fields, pack: _ } = other;
        (&self.key, &self.name, &self.version) == (key, name, version)
            && (&self.components, &self.writable_fields) == (components, writable_fields)
    }
}

/// Profiles by key and version.
type ByVersion<'a, P> = BTreeMap<(&'a str, ProfileVersion), &'a P>;

/// Checks the versions of `new` profiles against those that are installed and against each other; of each at most one
/// problem, in the field `<path>[<index>].version`. A profile that is installed already, with this content, has none.
pub fn version_problems<P: VersionedProfile>(path: &str, new: &[P], installed: &[&P]) -> Vec<FieldError> {
    let installed: ByVersion<P> =
        installed.iter().copied().map(|profile| (identity(profile), profile)).collect();
    let mut all = installed.clone();
    for profile in new {
        all.entry(identity(profile)).or_insert(profile);
    }
    let problems = new.iter().enumerate().filter_map(|(index, profile)| {
        let message = problem(profile, &installed, &all)?;
        Some(FieldError::new(format!("{path}[{index}].version"), message))
    });
    problems.collect()
}

fn identity<P: VersionedProfile>(profile: &P) -> (&str, ProfileVersion) {
    (profile.key(), profile.version())
}

/// Only the next versions are compared: what adds to an addition adds to what was before it too.
fn problem<P: VersionedProfile>(profile: &P, installed: &ByVersion<P>, all: &ByVersion<P>) -> Option<String> {
    let (key, version) = identity(profile);
    let ProfileVersion { major, minor } = version;
    if let Some(same) = installed.get(&(key, version)) {
        let is_same = profile.has_content_of(same);
        return (!is_same).then(|| format!("{version} is installed with other content and never changes"));
    }
    let first = (key, ProfileVersion { major, minor: 0 });
    if let Some((&(_, older), below)) = all.range(first..(key, version)).next_back()
        && !profile.only_adds_to(below)
    {
        return Some(format!(
            "{version} changes or removes what {older} has: such a change needs a higher major version"
        ));
    }
    let next = (key, ProfileVersion { major, minor: minor.checked_add(1)? });
    let last = (key, ProfileVersion { major, minor: u32::MAX });
    let (&(_, newer), above) = installed.range(next..=last).next()?;
    (!above.only_adds_to(profile)).then(|| format!("{newer} is installed and does not only add to {version}"))
}

#[cfg(test)]
#[path = "version_rule_tests.rs"]
mod tests;
