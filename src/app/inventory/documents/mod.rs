//! Documents of the MK platform in inventory files: `documents`, a list of maps with a `kind`. Only YAML files have it.
//!
//! A document is identified by its kind and name, and refers to others by name, so a file fits any organization. Devices
//! and streams are put in one transaction; the documents are put after them, one by one and in an order in which each finds
//! what it names. So a document that is refused late leaves the ones before it changed, and the same file can be
//! imported again.

mod dashboard_form;
mod export;
mod form;
mod import;
mod reference_pair;
mod reference_pair_form;

pub(super) use self::form::DocumentImport;
pub use self::form::FileDocument;
pub(super) use self::import::{DocumentPlan, read};

#[cfg(test)]
#[path = "documents_tests.rs"]
mod tests;
