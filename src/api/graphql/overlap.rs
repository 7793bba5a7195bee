//! Fields of one answer under the same name have to ask for the same. The rule is validation's own; it is looked at here
//! first because that one collects an error for every pair of arguments that differ, and a small document has millions.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Positioned, ServerError};

/// The first two fields that ask for different things under one name, if there are any.
///
/// # Errors
/// In the words of validation.
pub fn check(document: &ExecutableDocument) -> Result<(), ServerError> {
    for (_, operation) in document.operations.iter() {
        every_set(document, &operation.node.selection_set)?;
    }
    for fragment in document.fragments.values() {
        every_set(document, &fragment.node.selection_set)?;
    }
    Ok(())
}

/// A set and those within it; what it spreads is looked at by itself.
fn every_set(document: &ExecutableDocument, set: &Positioned<SelectionSet>) -> Result<(), ServerError> {
    let mut answer = Answer { document, fields: HashMap::new(), spread: HashSet::new() };
    answer.add(None, set)?;
    for selection in &set.node.items {
        match &selection.node {
            Selection::Field(field) => every_set(document, &field.node.selection_set)?,
            Selection::InlineFragment(fragment) => every_set(document, &fragment.node.selection_set)?,
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}

/// The members of one object of an answer, for each type it may be of.
struct Answer<'a> {
    document: &'a ExecutableDocument,
    fields: HashMap<(Option<&'a str>, &'a str), &'a Positioned<Field>>,
    spread: HashSet<&'a str>,
}

impl<'a> Answer<'a> {
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
