//! Values of a pickle, on a heap where they refer to each other by index.
//!
//! Indices instead of nesting: a value that contains itself or is shared a thousand times costs nothing, and nothing
//! here recurses.

use std::borrow::Cow;

use super::globals::Global;
use crate::infer::scaler::numpy_array::{Dtype, NumpyArray};
use crate::infer::scaler::{ScalerError, ScalerKind};

/// Index of a value on the heap that issued it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueId(usize);

/// A value, or the mark of a container that is being built. Texts and bytes borrow from the file where they can.
#[derive(Debug)]
pub enum PickleValue<'a> {
    /// Marks where the items of a container begin on the stack.
    Mark,
    None,
    Bool(bool),
    /// An integer of up to eight bytes; larger ones are refused.
    Int(i64),
    Float(f64),
    Text(&'a str),
    Bytes(Cow<'a, [u8]>),
    Tuple(Vec<ValueId>),
    List(Vec<ValueId>),
    /// Key and value of each entry, in the order of insertion; a repeated key stays twice.
    Dict(Vec<(ValueId, ValueId)>),
    /// An allowed global, which is never imported or called.
    Global(Global),
    /// A scaler, with its state (a dict) once BUILD has set it.
    Scaler(ScalerKind, Option<ValueId>),
    /// A joblib array wrapper without its state.
    Wrapper,
    /// The element type of arrays.
    Dtype(Dtype),
    /// An array, once it has its state.
    Array(Option<NumpyArray>),
    /// An array of objects, of which only strings are accepted: the feature names.
    Names(Vec<ValueId>),
}

/// Maximum number of entries in a dict. A scaler's state has about a dozen, and look-up is linear.
const MAX_DICT_ENTRIES: usize = 128;
/// Maximum number of dimensions of an array (numpy's own limit before version 2).
const MAX_DIMENSIONS: usize = 32;

/// All values of one pickle. Nothing is ever removed, so that every id stays valid.
#[derive(Debug, Default)]
pub struct Heap<'a> {
    values: Vec<PickleValue<'a>>,
}

impl<'a> Heap<'a> {
    /// Adds a value and returns its id.
    pub fn add(&mut self, value: PickleValue<'a>) -> ValueId {
        self.values.push(value);
        ValueId(self.values.len() - 1)
    }

    /// Returns the value of an id that this heap issued.
    pub fn get(&self, id: ValueId) -> &PickleValue<'a> {
        self.values.get(id.0).expect("a heap gives only ids of its values and forgets none")
    }

    /// Returns the value of an id to be replaced, as BUILD does.
    pub fn get_mut(&mut self, id: ValueId) -> &mut PickleValue<'a> {
        self.values.get_mut(id.0).expect("a heap gives only ids of its values and forgets none")
    }

    /// Returns a text; `Malformed` if the value is none.
    pub fn text(&self, id: ValueId) -> Result<&'a str, ScalerError> {
        match self.get(id) {
            PickleValue::Text(text) => Ok(text),
            _ => Err(ScalerError::Malformed("a text is missing")),
        }
    }

    /// Returns bytes; `Malformed` if the value is none.
    pub fn bytes(&self, id: ValueId) -> Result<&[u8], ScalerError> {
        match self.get(id) {
            PickleValue::Bytes(bytes) => Ok(bytes),
            _ => Err(ScalerError::Malformed("bytes are missing")),
        }
    }

    /// Returns the items of a tuple; `Malformed` if the value is none.
    pub fn tuple(&self, id: ValueId) -> Result<&[ValueId], ScalerError> {
        match self.get(id) {
            PickleValue::Tuple(items) => Ok(items),
            _ => Err(ScalerError::Malformed("a tuple is missing")),
        }
    }

    /// Returns an element type; `Malformed` if the value is none.
    pub fn dtype(&self, id: ValueId) -> Result<Dtype, ScalerError> {
        match self.get(id) {
            PickleValue::Dtype(dtype) => Ok(*dtype),
            _ => Err(ScalerError::Malformed("the type of an array is missing")),
        }
    }

    /// Returns the lengths of an array's dimensions from a number or a tuple.
    pub fn shape(&self, id: ValueId) -> Result<Vec<usize>, ScalerError> {
        let dimensions = match self.get(id) {
            PickleValue::Int(_) => std::slice::from_ref(&id),
            PickleValue::Tuple(items) if items.len() <= MAX_DIMENSIONS => items,
            _ => return Err(ScalerError::Malformed("the shape of an array is wrong")),
        };
        let length = |id: &ValueId| match self.get(*id) {
            PickleValue::Int(length) => usize::try_from(*length).ok(),
            _ => None,
        };
        let lengths = dimensions.iter().map(length).collect::<Option<_>>();
        lengths.ok_or(ScalerError::Malformed("the shape of an array is wrong"))
    }

    /// Returns the value of a key in a dict; the last one wins, as in Python.
    pub fn entry(&self, dict: ValueId, key: &str) -> Option<&PickleValue<'a>> {
        self.entry_id(dict, key).map(|id| self.get(id))
    }

    /// Returns the id of a key's value in a dict; `None` if the key is absent or `dict` is no dict.
    pub fn entry_id(&self, dict: ValueId, key: &str) -> Option<ValueId> {
        let PickleValue::Dict(entries) = self.get(dict) else { return None };
        let named = |id: &ValueId| matches!(self.get(*id), PickleValue::Text(text) if *text == key);
        entries.iter().rev().find(|(id, _)| named(id)).map(|(_, value)| *value)
    }

    /// Adds alternating keys and values to a dict.
    pub fn set_entries(&mut self, dict: ValueId, flat: &[ValueId]) -> Result<(), ScalerError> {
        let PickleValue::Dict(entries) = self.get_mut(dict) else {
            return Err(ScalerError::Malformed("a dict is missing"));
        };
        let (pairs, rest) = flat.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(ScalerError::Malformed("a key is without a value"));
        }
        if entries.len() + pairs.len() > MAX_DICT_ENTRIES {
            return Err(ScalerError::Excessive("too many entries in a dict"));
        }
        entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        Ok(())
    }

    /// Appends items to a list; `Malformed` if the value is none.
    pub fn extend_list(&mut self, list: ValueId, items: &[ValueId]) -> Result<(), ScalerError> {
        let PickleValue::List(list) = self.get_mut(list) else {
            return Err(ScalerError::Malformed("a list is missing"));
        };
        list.extend(items);
        Ok(())
    }
}
