//! Document size: depth and width of the fields with fragments expanded, and the size of their arguments.
//!
//! A fragment counts every time it is spread but is measured only once: a small document with many nested spreads can
//! expand to billions of fields, and all later stages walk all of them.

use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, ServerError, Value};

use super::errors::limit_error;
use super::size_estimate;

/// Maximum nesting of selection sets and fragments, which bounds the recursion here and in validation.
pub const MAX_SELECTION_DEPTH: u64 = 100;
/// Maximum number of arguments of a field or directive; no field of the schema has half as many. Validation compares
/// the arguments of fields with the same name pairwise.
const MAX_ARGUMENTS: usize = 32;
/// Introspection lists, each of which multiplies the response by tens.
const INTROSPECTION_LISTS: [&str; 5] = ["fields", "inputFields", "interfaces", "possibleTypes", "types"];

/// Size of a selection set with its fragments expanded. Counters saturate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SelectionSize {
    /// Nesting depth of fields.
    pub depth: u64,
    /// Nesting depth of selection sets and fragments.
    pub nested: u64,
    /// Number of fields.
    pub fields: u64,
    /// Number of arguments and directives.
    pub arguments: u64,
    /// Number of fields with an alias.
    pub aliases: u64,
    /// Nesting depth of introspection lists.
    pub schema_lists: u64,
    /// Size of all arguments after variable substitution, bytes.
    pub argument_bytes: u64,
    /// Argument size of the field with the largest arguments, bytes: that field may be resolved once for each row above
    /// it.
    pub field_bytes: u64,
}

impl SelectionSize {
    /// Returns the size of two siblings.
    pub fn combine(self, other: SelectionSize) -> SelectionSize {
        SelectionSize {
            depth: self.depth.max(other.depth),
            nested: self.nested.max(other.nested),
            fields: self.fields.saturating_add(other.fields),
            arguments: self.arguments.saturating_add(other.arguments),
            aliases: self.aliases.saturating_add(other.aliases),
            schema_lists: self.schema_lists.max(other.schema_lists),
            argument_bytes: self.argument_bytes.saturating_add(other.argument_bytes),
            field_bytes: self.field_bytes.max(other.field_bytes),
        }
    }
}

/// Measures the selection sets, fragments and directives of one document.
pub struct DocumentMeasurer<'a> {
    document: &'a ExecutableDocument,
    variables: &'a HashMap<Name, u64>,
    /// Fragments measured so far; `None` while one is being measured.
    known: HashMap<&'a Name, Option<SelectionSize>>,
}

impl<'a> DocumentMeasurer<'a> {
    /// Creates a measurer; `variables` gives the size of each variable, bytes.
    pub fn new(document: &'a ExecutableDocument, variables: &'a HashMap<Name, u64>) -> Self {
        Self { document, variables, known: HashMap::new() }
    }

    /// Measures a selection set.
    pub fn measure_set(&mut self, set: &'a Positioned<SelectionSet>) -> Result<SelectionSize, ServerError> {
        self.measure_set_at(set, 1)
    }

    /// Measures a fragment, whether it is spread or not: validation visits all of them.
    pub fn measure_fragment(&mut self, name: &'a Name) -> Result<SelectionSize, ServerError> {
        self.fragment(name, 1)
    }

    fn measure_set_at(
        &mut self,
        set: &'a Positioned<SelectionSet>,
        level: u64,
    ) -> Result<SelectionSize, ServerError> {
        if level > MAX_SELECTION_DEPTH {
            return Err(too_nested());
        }
        let mut size = SelectionSize::default();
        for selection in &set.node.items {
            let of_one = match &selection.node {
                Selection::Field(field) => self.field(&field.node, level)?,
                Selection::InlineFragment(fragment) => {
                    let within = self.measure_set_at(&fragment.node.selection_set, level + 1)?;
                    within.combine(self.directives(&fragment.node.directives)?)
                }
                Selection::FragmentSpread(spread) => {
                    let within = self.fragment(&spread.node.fragment_name.node, level + 1)?;
                    within.combine(self.directives(&spread.node.directives)?)
                }
            };
            size = size.combine(of_one);
        }
        size.nested += 1;
        if size.nested > MAX_SELECTION_DEPTH {
            return Err(too_nested());
        }
        Ok(size)
    }

    fn field(&mut self, field: &'a Field, level: u64) -> Result<SelectionSize, ServerError> {
        let within = match field.selection_set.node.items.is_empty() {
            true => SelectionSize::default(),
            false => self.measure_set_at(&field.selection_set, level + 1)?,
        };
        let sizes = field
            .arguments
            .iter()
            .map(|(_, value)| self.argument_value_bytes(|put| value.node.clone().into_const_with(put)));
        let own = arguments(sizes)?.combine(self.directives(&field.directives)?);
        let both = within.combine(own);
        let is_list = INTROSPECTION_LISTS.contains(&field.name.node.as_str());
        Ok(SelectionSize {
            depth: within.depth + 1,
            fields: both.fields.saturating_add(1),
            aliases: both.aliases.saturating_add(u64::from(field.alias.is_some())),
            schema_lists: within.schema_lists + u64::from(is_list),
            field_bytes: within.field_bytes.max(own.argument_bytes),
            ..both
        })
    }

    fn fragment(&mut self, name: &'a Name, level: u64) -> Result<SelectionSize, ServerError> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(limit_error(format!("The fragment `{name}` spreads itself."))),
            None => {}
        }
        // Validation reports a fragment that does not exist.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(SelectionSize::default()) };
        self.known.insert(name, None);
        let within = self.measure_set_at(&fragment.node.selection_set, level)?;
        let size = within.combine(self.directives(&fragment.node.directives)?);
        self.known.insert(name, Some(size));
        Ok(size)
    }

    /// Measures directives.
    pub fn directives(&self, directives: &[Positioned<Directive>]) -> Result<SelectionSize, ServerError> {
        let mut size = SelectionSize::default();
        for directive in directives {
            let directive_arguments = directive.node.arguments.iter();
            let sizes = directive_arguments
                .map(|(_, value)| self.argument_value_bytes(|put| value.node.clone().into_const_with(put)));
            size = size.combine(arguments(sizes)?);
            size.arguments = size.arguments.saturating_add(1);
        }
        Ok(size)
    }

    /// Returns the size of an argument value after variable substitution, bytes. A variable without a value has its
    /// default, which counts as a short one: it is no longer than the document.
    fn argument_value_bytes(
        &self,
        resolve: impl FnOnce(&mut dyn FnMut(Name) -> Result<Value, Infallible>) -> Result<Value, Infallible>,
    ) -> u64 {
        let mut of_variables = 0_u64;
        let constant = resolve(&mut |name| {
            let bytes = self.variables.get(&name).copied().unwrap_or_default();
            of_variables = of_variables.saturating_add(bytes);
            Ok(Value::Null)
        });
        let Ok(constant) = constant;
        size_estimate::value_bytes(&constant).saturating_add(of_variables)
    }
}

/// Adds up the arguments of one field or directive from the size of each.
fn arguments(sizes: impl ExactSizeIterator<Item = u64>) -> Result<SelectionSize, ServerError> {
    let count = sizes.len();
    if count > MAX_ARGUMENTS {
        return Err(limit_error(format!("A field has {count} arguments; at most {MAX_ARGUMENTS}.")));
    }
    let argument_bytes = sizes.fold(0, u64::saturating_add);
    Ok(SelectionSize { arguments: count as u64, argument_bytes, ..SelectionSize::default() })
}

fn too_nested() -> ServerError {
    limit_error(format!(
        "The document has selections nested more than {MAX_SELECTION_DEPTH} deep, fragments included."
    ))
}
