//! The desired state of one device: which artefact each configuration of it and of its components has.
//!
//! An artefact for a device profile is for the device, one for a sensor profile for the components of that profile.
//! Bindings compete when they give the same name to the same place; the most specific target wins, and of two equally
//! specific ones the binding that was created last.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::artefact::{Artefact, ProfileType};
use super::binding::{Binding, TargetType};
use crate::domain::Micros;

/// The facts of a device by which bindings choose it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfiguredDevice {
    /// The device.
    pub id: Uuid,
    /// Its profile.
    pub profile: Option<Uuid>,
    /// The groups it is a member of.
    pub groups: BTreeSet<Uuid>,
    /// Its components with their profiles.
    pub components: BTreeMap<Uuid, Option<Uuid>>,
}

/// A binding with its artefact.
#[derive(Debug, Clone, Copy)]
pub struct BoundArtefact<'a> {
    /// Id of the binding.
    pub id: Uuid,
    /// Time at which the binding was created.
    pub created_at: Micros,
    /// The binding.
    pub binding: &'a Binding,
    /// The artefact it names.
    pub artefact: &'a Artefact,
}

/// An artefact that a device is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredArtefact {
    /// Binding that gives it.
    pub binding: Uuid,
    /// The artefact.
    pub artefact: Uuid,
    /// Component that it is for; `None` for the device.
    pub component: Option<Uuid>,
}

/// Rank of a binding among those of one name and place: target, time of creation, id.
type Rank = (TargetType, Micros, Uuid);

/// Returns the artefacts that a device is to have, by name and then by component, the device itself first.
///
/// An artefact for a sensor profile that is bound to a device without such components is for the device. What is for the
/// device gives way to a component's own binding of the same name, and what the components have of their profile gives way
/// to it.
pub fn desired_artefacts<'a>(
    device: &ConfiguredDevice,
    bound: impl IntoIterator<Item = BoundArtefact<'a>>,
) -> Vec<DesiredArtefact> {
    let mut winners: BTreeMap<(&str, Option<Uuid>), (Rank, DesiredArtefact)> = BTreeMap::new();
    let mut own_of_components = BTreeSet::new();
    for BoundArtefact { id, created_at, binding, artefact } in bound {
        let name = artefact.spec.name.as_str();
        let rank = (binding.spec.target_type, created_at, id);
        for component in device.places(binding, artefact) {
            if binding.spec.target_type == TargetType::Component {
                own_of_components.insert(name);
            }
            let desired = DesiredArtefact { binding: id, artefact: binding.spec.artefact, component };
            let place = winners.entry((name, component)).or_insert_with(|| (rank, desired.clone()));
            if place.0 < rank {
                *place = (rank, desired);
            }
        }
    }
    let of_device: BTreeMap<&str, TargetType> = winners
        .iter()
        .filter(|((_, component), _)| component.is_none())
        .map(|((name, _), (rank, _))| (*name, rank.0))
        .collect();
    let is_kept = |(name, component): &(&str, Option<Uuid>), target: TargetType| match component {
        Some(_) => of_device.get(name).is_none_or(|nearer| target >= *nearer),
        None => !own_of_components.contains(name),
    };
    let kept = winners.into_iter().filter(|(place, (rank, _))| is_kept(place, rank.0));
    kept.map(|(_, (_, desired))| desired).collect()
}

impl ConfiguredDevice {
    /// Places of this device that a binding gives its artefact to: components, or `None` for the device itself.
    fn places(&self, binding: &Binding, artefact: &Artefact) -> Vec<Option<Uuid>> {
        let target = binding.spec.target;
        let is_for_device = match binding.spec.target_type {
            TargetType::Component => {
                return self.components.contains_key(&target).then_some(Some(target)).into_iter().collect();
            }
            TargetType::SensorProfile => return self.components_of(target),
            TargetType::Device => self.id == target,
            TargetType::DeviceGroup => self.groups.contains(&target),
            TargetType::DeviceProfile => self.profile == Some(target),
        };
        if !is_for_device {
            return Vec::new();
        }
        let components = match artefact.spec.profile_type {
            ProfileType::SensorProfile => self.components_of(artefact.spec.profile),
            ProfileType::DeviceProfile => Vec::new(),
        };
        if components.is_empty() { vec![None] } else { components }
    }

    fn components_of(&self, profile: Uuid) -> Vec<Option<Uuid>> {
        let of_it = self.components.iter().filter(|(_, own)| **own == Some(profile));
        of_it.map(|(id, _)| Some(*id)).collect()
    }
}

#[cfg(test)]
#[path = "desired_tests.rs"]
mod tests;
