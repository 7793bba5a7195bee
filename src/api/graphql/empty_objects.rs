//! Objects of which a request selects no field: `{ device(rowId: 3) { name @skip(if: true) } }` answers `{"device": {}}`.
//! async-graphql alone answers null, which means that there is no such object.
//!
//! A selection that may be empty gets a hidden field before execution, which is removed from the response. The extension of
//! memory_extension.rs does both: an extension of its own would be asked about each field.

use std::collections::HashSet;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value};

/// Response name of the hidden field; names with two underscores are GraphQL's own.
const HIDDEN_FIELD: &str = "__present";
/// Field whose type is an interface: a fragment on another type selects nothing there.
const INTERFACE_FIELD: &str = "node";

/// Adds a hidden field to each selection that may be empty. Returns whether there was one. Subscriptions stay as they are:
/// each of their messages has its field.
pub fn add_hidden_fields(document: &mut ExecutableDocument) -> bool {
    let mut types = document.operations.iter().map(|(_, operation)| operation.node.ty);
    if types.any(|ty| ty == OperationType::Subscription) {
        return false;
    }
    let with_field = document.fragments.iter().filter(|(_, one)| has_field(&one.node.selection_set.node));
    let fragments = with_field.map(|(name, _)| name.clone()).collect();
    let mut editor = SelectionEditor { fragments, has_added: false };
    match &mut document.operations {
        DocumentOperations::Single(operation) => editor.edit(&mut operation.node.selection_set, false),
        DocumentOperations::Multiple(operations) => {
            operations.values_mut().for_each(|one| editor.edit(&mut one.node.selection_set, false));
        }
    }
    for fragment in document.fragments.values_mut() {
        editor.edit_within(&mut fragment.node.selection_set.node);
    }
    editor.has_added
}

struct SelectionEditor {
    /// Fragments that select a field whatever the variables are.
    fragments: HashSet<Name>,
    has_added: bool,
}

impl SelectionEditor {
    fn edit(&mut self, set: &mut Positioned<SelectionSet>, is_of_interface: bool) {
        self.edit_within(&mut set.node);
        if self.is_never_empty(&set.node, is_of_interface) {
            return;
        }
        let pos = set.pos;
        let field = Field {
            alias: Some(Positioned::new(Name::new(HIDDEN_FIELD), pos)),
            name: Positioned::new(Name::new("__typename"), pos),
            arguments: Vec::new(),
            directives: Vec::new(),
            selection_set: Positioned::new(SelectionSet::default(), pos),
        };
        set.node.items.push(Positioned::new(Selection::Field(Positioned::new(field, pos)), pos));
        self.has_added = true;
    }

    /// Edits the sets of the fields in a set.
    fn edit_within(&mut self, set: &mut SelectionSet) {
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) => {
                    let Field { name, selection_set, .. } = &mut field.node;
                    if !selection_set.node.items.is_empty() {
                        self.edit(selection_set, name.node.as_str() == INTERFACE_FIELD);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    self.edit_within(&mut fragment.node.selection_set.node)
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// Whether a set selects a field whatever the variables are, and of an interface whatever the type is. Fragments within
    /// fragments are not followed: they may refer to each other in very many ways.
    fn is_never_empty(&self, set: &SelectionSet, is_of_interface: bool) -> bool {
        set.items.iter().any(|selection| {
            let selects = match &selection.node {
                Selection::Field(_) => true,
                Selection::InlineFragment(fragment) => {
                    (fragment.node.type_condition.is_none() || !is_of_interface)
                        && self.is_never_empty(&fragment.node.selection_set.node, is_of_interface)
                }
                Selection::FragmentSpread(spread) => {
                    !is_of_interface && self.fragments.contains(&spread.node.fragment_name.node)
                }
            };
            selects && is_unconditional(selection.node.directives())
        })
    }
}

fn has_field(set: &SelectionSet) -> bool {
    let is_field = |one: &Selection| matches!(one, Selection::Field(_)) && is_unconditional(one.directives());
    set.items.iter().any(|selection| is_field(&selection.node))
}

fn is_unconditional(directives: &[Positioned<Directive>]) -> bool {
    !directives.iter().any(|one| ["skip", "include"].contains(&one.node.name.node.as_str()))
}

/// Removes the hidden fields from a response.
pub fn remove_hidden_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.shift_remove(HIDDEN_FIELD);
            fields.values_mut().for_each(remove_hidden_fields);
        }
        Value::List(items) => items.iter_mut().for_each(remove_hidden_fields),
        _ => {}
    }
}
