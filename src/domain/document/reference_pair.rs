//! Reference pairs: for a time, one component measures what another one is compared with.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::rules::{MAX_NAME, check_metadata, check_optional};
use super::{DocumentContent, DocumentKind, DocumentReference, ReferenceTarget};
use crate::domain::{DeviceId, Error, FieldError, Micros, Result};

/// Settable fields of a pair, and the devices of its components.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferencePairSpec {
    /// Tells the pair from all others; fixed. Pairs have no name that is unique.
    pub handle: Uuid,
    /// At most 255 characters.
    pub name: Option<String>,
    /// Component that is observed.
    pub primary: Uuid,
    /// Component that it is compared with, another one.
    pub reference: Uuid,
    /// Device of the first component.
    pub primary_device: DeviceId,
    /// Device of the second component.
    pub reference_device: DeviceId,
    /// Begin of the time.
    pub valid_from: Micros,
    /// End of the time, which does not belong to it; `None` while it lasts.
    pub valid_to: Option<Micros>,
    /// User-defined, at most 16 KiB of JSON.
    pub metadata: Map<String, Value>,
}

impl ReferencePairSpec {
    /// Whether both pairs are of the same two components, in either order, at a common time.
    pub fn overlaps(&self, other: &ReferencePairSpec) -> bool {
        let begins_before_end_of =
            |a: &ReferencePairSpec, b: &ReferencePairSpec| b.valid_to.is_none_or(|end| a.valid_from < end);
        self.has_components_of(other)
            && begins_before_end_of(self, other)
            && begins_before_end_of(other, self)
    }

    /// Whether both pairs are of the same two components, in either order.
    pub fn has_components_of(&self, other: &ReferencePairSpec) -> bool {
        let own = (self.primary, self.reference);
        own == (other.primary, other.reference) || own == (other.reference, other.primary)
    }

    /// Whether it is about a component.
    pub fn has_component(&self, component: Uuid) -> bool {
        self.primary == component || self.reference == component
    }

    /// Content to store when this pair is replaced by another one.
    pub fn replaced_by(&self, new: ReferencePairSpec) -> ReferencePairSpec {
        ReferencePairSpec { handle: self.handle, ..new }
    }

    /// Checks that the pair overlaps none of the stored ones; `own` is the handle of the pair itself.
    ///
    /// # Errors
    /// `Conflict`.
    pub fn check_overlaps<'a>(&self, others: impl Iterator<Item = &'a ReferencePairSpec>) -> Result<()> {
        let mut others = others.filter(|other| other.handle != self.handle);
        match others.any(|other| self.overlaps(other)) {
            true => {
                Err(Error::conflict("A reference pair of these components exists at a part of this time"))
            }
            false => Ok(()),
        }
    }
}

impl DocumentContent for ReferencePairSpec {
    fn unique_name(&self) -> String {
        self.handle.to_string()
    }

    fn unique_title(&self) -> String {
        "This reference pair exists".to_owned()
    }

    fn device(&self) -> Option<DeviceId> {
        Some(self.primary_device)
    }

    fn second_device(&self) -> Option<DeviceId> {
        Some(self.reference_device)
    }

    fn references(&self) -> Vec<DocumentReference> {
        let component = |id| ReferenceTarget::Document(DocumentKind::Component, id);
        vec![
            DocumentReference::new("primary_component", component(self.primary)),
            DocumentReference::new("reference_component", component(self.reference)),
        ]
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_optional(&mut found, "name", self.name.as_deref().unwrap_or_default(), MAX_NAME);
        if self.primary == self.reference {
            found.push(FieldError::new("reference_component", "must differ from primaryComponentId"));
        }
        if self.valid_to.is_some_and(|end| end <= self.valid_from) {
            found.push(FieldError::new("valid_to", "must be after validFrom"));
        }
        check_metadata(&mut found, &self.metadata);
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(components: (u128, u128), valid_from: i64, valid_to: Option<i64>) -> ReferencePairSpec {
        ReferencePairSpec {
            handle: Uuid::new_v4(),
            name: None,
            primary: Uuid::from_u128(components.0),
            reference: Uuid::from_u128(components.1),
            primary_device: DeviceId(1),
            reference_device: DeviceId(2),
            valid_from: Micros(valid_from),
            valid_to: valid_to.map(Micros),
            metadata: Map::new(),
        }
    }

    #[test]
    fn pairs_say_what_is_wrong() {
        let rows = [
            (pair((1, 2), 5, None), ""),
            (pair((1, 2), 5, Some(6)), ""),
            (pair((1, 1), 5, None), "reference_component: must differ from primaryComponentId"),
            (pair((1, 2), 5, Some(5)), "valid_to: must be after validFrom"),
            (
                ReferencePairSpec { name: Some("x".repeat(256)), ..pair((1, 2), 5, None) },
                "name: size must be between 0 and 255",
            ),
        ];
        for (pair, expected) in rows {
            let messages: Vec<_> = pair
                .problems()
                .into_iter()
                .map(|problem| format!("{}: {}", problem.field, problem.message))
                .collect();
            assert_eq!(messages.join("; "), expected);
        }
    }

    #[test]
    fn pairs_of_the_same_components_overlap_at_a_common_time() {
        let stored = pair((1, 2), 10, Some(20));
        let rows = [
            ((1, 2), 10, Some(20), true),
            ((2, 1), 10, Some(20), true),
            ((1, 3), 10, Some(20), false),
            ((1, 2), 0, Some(10), false),
            ((1, 2), 0, Some(11), true),
            ((1, 2), 20, None, false),
            ((1, 2), 19, None, true),
            ((1, 2), 0, None, true),
            ((1, 2), 12, Some(13), true),
        ];
        for (components, from, to, expected) in rows {
            let new = pair(components, from, to);
            assert_eq!(new.overlaps(&stored), expected, "{components:?} {from}..{to:?}");
            assert_eq!(stored.overlaps(&new), expected, "{components:?} {from}..{to:?}, the other way round");
            let is_refused = new.check_overlaps([&stored, &new].into_iter()).is_err();
            assert_eq!(is_refused, expected, "a pair does not overlap itself");
        }
        let endless = pair((1, 2), 10, None);
        assert!(endless.overlaps(&pair((1, 2), 99, None)) && !endless.overlaps(&pair((1, 2), 0, Some(10))));
    }

    proptest! {
        #[test]
        fn pairs_overlap_exactly_when_a_time_is_in_both(
            (a, a_length) in (0..20_i64, 0..20_i64),
            (b, b_length) in (0..20_i64, 0..20_i64),
        ) {
            // Without a length a pair has no end.
            let end = |from: i64, length: i64| (length > 0).then_some(from + length);
            let has = |from: i64, length: i64, at: i64| at >= from && end(from, length).is_none_or(|end| at < end);
            let is_common = (0..60).any(|at| has(a, a_length, at) && has(b, b_length, at));
            let (one, other) = (pair((1, 2), a, end(a, a_length)), pair((2, 1), b, end(b, b_length)));
            prop_assert_eq!(one.overlaps(&other), is_common);
        }
    }
}
