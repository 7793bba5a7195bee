//! Validation rule: fields with the same response name must be identical. async-graphql has this rule too; it is
//! checked here first because async-graphql collects an error for every pair of differing arguments, of which a small
//! document can have millions.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Positioned, ServerError};

/// Checks that fields with the same response name in one object are identical.
///
/// # Errors
/// The first conflict, worded as in async-graphql's validation.
pub fn check(document: &ExecutableDocument) -> Result<(), ServerError> {
    for (_, operation) in document.operations.iter() {
        check_set(document, &operation.node.selection_set)?;
    }
    for fragment in document.fragments.values() {
        check_set(document, &fragment.node.selection_set)?;
    }
    Ok(())
}

/// Checks a selection set and the sets within it; fragments are checked on their own.
fn check_set(document: &ExecutableDocument, set: &Positioned<SelectionSet>) -> Result<(), ServerError> {
    let mut answer = ResponseFields { document, fields: HashMap::new(), spread: HashSet::new() };
    answer.add(None, set)?;
    for selection in &set.node.items {
        match &selection.node {
            Selection::Field(field) => check_set(document, &field.node.selection_set)?,
            Selection::InlineFragment(fragment) => check_set(document, &fragment.node.selection_set)?,
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}

/// Fields of one response object by type condition and response name.
struct ResponseFields<'a> {
    document: &'a ExecutableDocument,
    fields: HashMap<(Option<&'a str>, &'a str), &'a Positioned<Field>>,
    spread: HashSet<&'a str>,
}

impl<'a> ResponseFields<'a> {
    fn add(&mut self, on: Option<&'a str>, set: &'a Positioned<SelectionSet>) -> Result<(), ServerError> {
        for selection in &set.node.items {
            match &selection.node {
                Selection::Field(field) => self.add_field(on, field)?,
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let on = condition.map(|condition| condition.node.on.node.as_str());
                    self.add(on, &fragment.node.selection_set)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name)
                        && self.spread.insert(name.as_str())
                    {
                        let on = Some(fragment.node.type_condition.node.on.node.as_str());
                        self.add(on, &fragment.node.selection_set)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn add_field(&mut self, on: Option<&'a str>, field: &'a Positioned<Field>) -> Result<(), ServerError> {
        let name = field.node.alias.as_ref().unwrap_or(&field.node.name).node.as_str();
        let Some(other) = self.fields.insert((on, name), field) else { return Ok(()) };
        let (own, others) = (&field.node, &other.node);
        let is_same = own.arguments.len() == others.arguments.len()
            && others.arguments.iter().all(|(name, value)| own.get_argument(&name.node) == Some(value));
        let why = if own.name.node != others.name.node {
            format!("\"{}\" and \"{}\" are different fields", others.name.node, own.name.node)
        } else if !is_same {
            "they have differing arguments".to_owned()
        } else {
            return Ok(());
        };
        let message = format!(
            "Fields \"{name}\" conflict because {why}. Use different aliases on the fields to fetch both if this was intentional."
        );
        Err(ServerError::new(message, Some(field.pos)))
    }
}
