//! Reference pairs of an inventory file: which of them collide, and how they are put.

use std::collections::HashMap;
use std::sync::Arc;

use super::form::{DocumentImport, FileDocument, RowKind};
use super::reference_pair_form::FileReferencePair;
use crate::app::inventory::{ImportProblem, InventoryFiles};
use crate::domain::document::{Document, DocumentKind, DocumentSpec};
use crate::domain::{Error, Principal, Result};

/// The mistakes of pairs of a file that have a time in common. Two of one begin are the same row, which is another mistake.
pub(super) fn overlap_problems(documents: &[DocumentImport]) -> Vec<ImportProblem> {
    let mut of_components: HashMap<(&str, &str), Vec<(&FileReferencePair, u64)>> = HashMap::new();
    for DocumentImport { line, document } in documents {
        if let FileDocument::ReferencePair(pair) = document {
            of_components.entry(pair.components()).or_default().push((pair, *line));
        }
    }
    let mut problems = Vec::new();
    for pairs in of_components.values_mut() {
        pairs.sort_by_key(|(pair, _)| pair.valid_from);
        for neighbours in pairs.windows(2) {
            let [(before, first_line), (after, line)] = neighbours else { continue };
            let is_apart = before.valid_to.is_some_and(|end| end <= after.valid_from);
            if !is_apart && before.valid_from != after.valid_from {
                let message = format!("the pair in line {first_line} has a part of this time.");
                problems.push(ImportProblem { line: *line, column: "valid_from".to_owned(), message });
            }
        }
    }
    problems
}

impl InventoryFiles {
    /// Creates a pair or replaces the one of its components and begin.
    pub(super) async fn put_reference_pair(&self, who: &Principal, pair: FileReferencePair) -> Result<()> {
        let component = |name: &str| self.uuid_of(who, &(RowKind::Component, name.to_owned()));
        let components = (component(&pair.primary_component)?, component(&pair.reference_component)?);
        let (new, problems) = self.documents.reference_pair(who, pair.fields(components))?;
        Error::check(problems)?;
        let is_match = |row: &&Arc<Document>| {
            row.reference_pair()
                .is_some_and(|stored| stored.has_components_of(&new) && stored.valid_from == new.valid_from)
        };
        let stored = self.documents.documents(who, DocumentKind::ReferencePair)?;
        let Some(stored) = stored.iter().find(is_match) else {
            return self.documents.create_document(who, DocumentSpec::ReferencePair(new)).await.map(drop);
        };
        let place = (DocumentKind::ReferencePair, stored.uuid);
        let change = |spec: &mut DocumentSpec| {
            if let DocumentSpec::ReferencePair(stored) = spec {
                *stored = stored.replaced_by(new);
            }
        };
        self.documents.update_document(who, place, None, change).await.map(drop)
    }
}
