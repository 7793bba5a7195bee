//! Configuration by file: devices and their streams read from CSV or YAML and put all at once, and written as such a file.
//!
//! A device is known by its name, a stream by its device's and its own. What a file says of a row is all of it: a field it
//! does not give has its default, but for the password, which then stays. A device with nothing but a name is one that
//! exists and stays as it is. Rows that a file does not name are left alone.

mod cell;
mod csv_form;
mod fields;
mod nouns;
mod read;
mod render;
mod review;
mod yaml_form;
mod yaml_tree;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use self::read::Known;
use self::render::Noun as Rendered;
use self::review::Present;
pub use self::review::{Counts, Entry, FieldChange, Noun, Problem, Review};
use super::App;
use crate::domain::device::DeviceFilter;
use crate::domain::inventory::Inventory;
use crate::domain::page::Page;
use crate::domain::stream::StreamFilter;
use crate::domain::{Error, Principal, Resource, Result, Scope};

/// The longest file that is read, bytes: half a million streams.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// How such a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    Csv,
    Yaml,
}

impl App {
    /// Puts every device and stream of a file, or with `is_dry` says only what that would change. A file with mistakes
    /// changes nothing and has all of them in its review.
    pub async fn import_inventory(
        &self,
        principal: &Principal,
        form: Form,
        text: String,
        is_dry: bool,
    ) -> Result<Review> {
        principal.require(Scope::write(Resource::Device))?;
        principal.require(Scope::write(Resource::Data))?;
        if text.len() > MAX_BYTES {
            return Err(Error::too_large(format!("the file is longer than {} MiB", MAX_BYTES >> 20)));
        }
        let present = self.present(principal);
        let known: Known =
            present.devices.iter().map(|device| (device.spec.name.clone(), device.spec.clone())).collect();
        // A long file takes a second: not on a thread that answers requests.
        let parsed = tokio::task::spawn_blocking(move || parse(form, &text, &known)).await;
        let (inventory, problems) =
            parsed.map_err(|e| Error::internal("the file could not be read").because(e))?;
        if !problems.is_empty() {
            return Ok(Review { problems, ..Review::default() });
        }
        let mut streams = inventory.devices.iter().flat_map(|device| &device.streams);
        if streams.any(|stream| stream.group.is_some()) {
            principal.require(Scope::write(Resource::Group))?;
        }
        let catalog = self.store.catalog();
        if is_dry {
            return Ok(Review::of(&catalog.plan_inventory(principal, &inventory)?, &present));
        }
        let plan = catalog.put_inventory(principal, &inventory).await?;
        let named = |name: &str| DeviceFilter { name: Some(name.to_owned()), ..DeviceFilter::default() };
        for device in plan.devices.iter().filter(|device| device.is_changed()) {
            let there = catalog.devices(principal, &named(&device.after.name));
            there.iter().for_each(|device| self.tell_collectors(device.id));
        }
        Ok(Review { is_applied: true, ..Review::of(&plan, &present) })
    }

    /// Every device and stream the principal sees, as a file that `import_inventory` reads. Passwords are not in it.
    pub fn export_inventory(&self, principal: &Principal, form: Form) -> Result<String> {
        principal.require(Scope::read(Resource::Device))?;
        principal.require(Scope::read(Resource::Data))?;
        let present = self.present(principal);
        let mut streams: HashMap<_, Vec<Rendered>> = HashMap::new();
        for stream in &present.streams {
            let group = stream.spec.group.and_then(|id| present.groups.get(&id)).map(String::as_str);
            streams.entry(stream.spec.device).or_default().push(Rendered::stream(&stream.spec, group));
        }
        let devices: Vec<_> = present
            .devices
            .iter()
            .map(|device| (Rendered::device(&device.spec), streams.remove(&device.id).unwrap_or_default()))
            .collect();
        match form {
            Form::Csv => csv_form::write(&devices),
            Form::Yaml => Ok(yaml_form::write(&devices)),
        }
    }

    fn present(&self, principal: &Principal) -> Present {
        let catalog = self.store.catalog();
        let groups = catalog.groups(principal, Page::ALL);
        Present {
            devices: catalog.devices(principal, &DeviceFilter { page: Page::ALL, ..DeviceFilter::default() }),
            streams: catalog.streams(principal, &StreamFilter { page: Page::ALL, ..StreamFilter::default() }),
            groups: groups.iter().map(|group| (group.id, group.spec.name.clone())).collect(),
        }
    }
}

/// What a file says, and every mistake in it by line.
fn parse(form: Form, text: &str, known: &Known) -> (Inventory, Vec<Problem>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut problems = Vec::new();
    let written = match form {
        Form::Csv => csv_form::read(text, &mut problems),
        Form::Yaml => yaml_form::read(text, &mut problems),
    };
    let inventory = read::read(written, known, &mut problems);
    problems.sort_by(|a, b| (a.line, &a.column).cmp(&(b.line, &b.column)));
    (inventory, problems)
}

#[cfg(test)]
#[path = "inventory_tests.rs"]
mod tests;

#[cfg(test)]
mod fuzz_tests;
