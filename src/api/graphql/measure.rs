//! The size of a document: how deep and wide its fields are with fragments spread out, and what their arguments hold.
//!
//! Fragments are counted as often as they are spread, but looked at once: a small document of many nested spreads can
//! stand for billions of fields, and everything behind this walks them all.

use std::collections::HashMap;
use std::convert::Infallible;

use async_graphql::parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, ServerError, Value};

use super::limits::over;
use super::weight;

/// Selection sets and fragments within each other. It bounds what is called for each of them, here and in validation.
pub const MOST_NESTED: u64 = 100;
/// Arguments of one field or directive; no field of the schema has half as many. Validation compares those of fields with
/// the same name one by one.
const MOST_ARGUMENTS: usize = 32;
/// Lists of the schema, each of which multiplies the answer by tens.
const SCHEMA_LISTS: [&str; 5] = ["fields", "inputFields", "interfaces", "possibleTypes", "types"];

/// Of a selection set, with its fragments spread out. Numbers stop growing at the largest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    /// Fields within fields.
    pub depth: u64,
    /// Selection sets and fragments within each other.
    pub nested: u64,
    pub fields: u64,
    /// Arguments and directives.
    pub arguments: u64,
    pub aliases: u64,
    /// Lists of the schema within lists of the schema.
    pub schema_lists: u64,
    /// What the arguments hold once variables are put in, bytes.
    pub argument_bytes: u64,
    /// The same of the field that holds the most: it may be resolved once for each row above it.
    pub field_bytes: u64,
}

impl Size {
    /// Of two beside each other.
    pub fn and(self, other: Size) -> Size {
        Size {
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

/// Measures the parts of one document.
pub struct Measure<'a> {
    document: &'a ExecutableDocument,
    variables: &'a HashMap<Name, u64>,
    /// Fragments looked at; `None` while one is being looked at.
    known: HashMap<&'a Name, Option<Size>>,
}

impl<'a> Measure<'a> {
    /// `variables` says how many bytes each of them holds.
    pub fn new(document: &'a ExecutableDocument, variables: &'a HashMap<Name, u64>) -> Self {
        Self { document, variables, known: HashMap::new() }
    }

    pub fn of(&mut self, set: &'a Positioned<SelectionSet>) -> Result<Size, ServerError> {
        self.within(set, 1)
    }

    /// Of a fragment, whether it is spread or not: validation looks at all of them.
    pub fn of_fragment(&mut self, name: &'a Name) -> Result<Size, ServerError> {
        self.fragment(name, 1)
    }

    fn within(&mut self, set: &'a Positioned<SelectionSet>, level: u64) -> Result<Size, ServerError> {
        if level > MOST_NESTED {
            return Err(too_nested());
        }
        let mut size = Size::default();
        for selection in &set.node.items {
            let of_one = match &selection.node {
                Selection::Field(field) => self.field(&field.node, level)?,
                Selection::InlineFragment(fragment) => {
                    let within = self.within(&fragment.node.selection_set, level + 1)?;
                    within.and(self.directives(&fragment.node.directives)?)
                }
                Selection::FragmentSpread(spread) => {
                    let within = self.fragment(&spread.node.fragment_name.node, level + 1)?;
                    within.and(self.directives(&spread.node.directives)?)
                }
            };
            size = size.and(of_one);
        }
        size.nested += 1;
        if size.nested > MOST_NESTED {
            return Err(too_nested());
        }
        Ok(size)
    }

    fn field(&mut self, field: &'a Field, level: u64) -> Result<Size, ServerError> {
        let within = match field.selection_set.node.items.is_empty() {
            true => Size::default(),
            false => self.within(&field.selection_set, level + 1)?,
        };
        let held =
            field.arguments.iter().map(|(_, value)| self.held(|put| value.node.clone().into_const_with(put)));
        let own = arguments(held)?.and(self.directives(&field.directives)?);
        let both = within.and(own);
        let is_list = SCHEMA_LISTS.contains(&field.name.node.as_str());
        Ok(Size {
            depth: within.depth + 1,
            fields: both.fields.saturating_add(1),
            aliases: both.aliases.saturating_add(u64::from(field.alias.is_some())),
            schema_lists: within.schema_lists + u64::from(is_list),
            field_bytes: within.field_bytes.max(own.argument_bytes),
            ..both
        })
    }

    fn fragment(&mut self, name: &'a Name, level: u64) -> Result<Size, ServerError> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(over(format!("The fragment `{name}` spreads itself."))),
            None => {}
        }
        // Validation tells of one that does not exist.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Size::default()) };
        self.known.insert(name, None);
        let within = self.within(&fragment.node.selection_set, level)?;
        let size = within.and(self.directives(&fragment.node.directives)?);
        self.known.insert(name, Some(size));
        Ok(size)
    }

    /// Of the directives of anything.
    pub fn directives(&self, directives: &[Positioned<Directive>]) -> Result<Size, ServerError> {
        let mut size = Size::default();
        for directive in directives {
            let given = directive.node.arguments.iter();
            let held = given.map(|(_, value)| self.held(|put| value.node.clone().into_const_with(put)));
            size = size.and(arguments(held)?);
            size.arguments = size.arguments.saturating_add(1);
        }
        Ok(size)
    }

    /// What a value of the document holds once its variables are put in. One that is not given has its default, which
    /// is counted as a short one: it is no longer than the document.
    fn held(
        &self,
        resolve: impl FnOnce(&mut dyn FnMut(Name) -> Result<Value, Infallible>) -> Result<Value, Infallible>,
    ) -> u64 {
        let mut of_variables = 0_u64;
        let constant = resolve(&mut |name| {
            let held = self.variables.get(&name).copied().unwrap_or_default();
            of_variables = of_variables.saturating_add(held);
            Ok(Value::Null)
        });
        let Ok(constant) = constant;
        weight::of_value(&constant).saturating_add(of_variables)
    }
}

/// Of the arguments of one field or directive, which hold so much each.
fn arguments(held: impl ExactSizeIterator<Item = u64>) -> Result<Size, ServerError> {
    let count = held.len();
    if count > MOST_ARGUMENTS {
        return Err(over(format!("A field has {count} arguments; at most {MOST_ARGUMENTS}.")));
    }
    let argument_bytes = held.fold(0, u64::saturating_add);
    Ok(Size { arguments: count as u64, argument_bytes, ..Size::default() })
}

fn too_nested() -> ServerError {
    over(format!("The document has selections nested more than {MOST_NESTED} deep, fragments included."))
}
