//! What instructions of a pickle make: values on a heap that refer to each other by number.
//!
//! Numbers instead of nesting: a value that holds itself or is shared a thousand times costs nothing, and nothing
//! here recurses.

use std::borrow::Cow;

use super::globals::Global;
use crate::infer::scaler::array::{Array, Dtype};
use crate::infer::scaler::{Kind, Refused};

/// A value of the heap that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Id(usize);

#[derive(Debug)]
pub enum Value<'a> {
    /// Where the items of a container begin on the stack.
    Mark,
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'a str),
    Bytes(Cow<'a, [u8]>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// A scaler; its state is a dict, once it has one.
    Scaler(Kind, Option<Id>),
    /// An array that joblib has not yet given its state.
    Wrapper,
    Dtype(Dtype),
    /// An array, once it has its state.
    Array(Option<Array>),
    /// An array of objects, of which only texts are taken: the names of features.
    Names(Vec<Id>),
}

/// Most entries of a dict. The state of a scaler has about a dozen, and they are searched one by one.
const MAX_ENTRIES: usize = 128;
/// Most dimensions of an array (numpy's own limit, before version 2).
const MAX_DIMENSIONS: usize = 32;

#[derive(Debug, Default)]
pub struct Heap<'a> {
    values: Vec<Value<'a>>,
}

impl<'a> Heap<'a> {
    pub fn add(&mut self, value: Value<'a>) -> Id {
        self.values.push(value);
        Id(self.values.len() - 1)
    }

    pub fn get(&self, id: Id) -> &Value<'a> {
        self.values.get(id.0).expect("a heap gives only ids of its values and forgets none")
    }

    pub fn get_mut(&mut self, id: Id) -> &mut Value<'a> {
        self.values.get_mut(id.0).expect("a heap gives only ids of its values and forgets none")
    }

    pub fn text(&self, id: Id) -> Result<&'a str, Refused> {
        match self.get(id) {
            Value::Text(text) => Ok(text),
            _ => Err(Refused::Malformed("a text is missing")),
        }
    }

    pub fn bytes(&self, id: Id) -> Result<&[u8], Refused> {
        match self.get(id) {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(Refused::Malformed("bytes are missing")),
        }
    }

    pub fn tuple(&self, id: Id) -> Result<&[Id], Refused> {
        match self.get(id) {
            Value::Tuple(items) => Ok(items),
            _ => Err(Refused::Malformed("a tuple is missing")),
        }
    }

    pub fn dtype(&self, id: Id) -> Result<Dtype, Refused> {
        match self.get(id) {
            Value::Dtype(dtype) => Ok(*dtype),
            _ => Err(Refused::Malformed("the type of an array is missing")),
        }
    }

    /// The lengths of an array's dimensions: one number or a tuple of them.
    pub fn shape(&self, id: Id) -> Result<Vec<usize>, Refused> {
        let dimensions = match self.get(id) {
            Value::Int(_) => std::slice::from_ref(&id),
            Value::Tuple(items) if items.len() <= MAX_DIMENSIONS => items,
            _ => return Err(Refused::Malformed("the shape of an array is wrong")),
        };
        let length = |id: &Id| match self.get(*id) {
            Value::Int(length) => usize::try_from(*length).ok(),
            _ => None,
        };
        let lengths = dimensions.iter().map(length).collect::<Option<_>>();
        lengths.ok_or(Refused::Malformed("the shape of an array is wrong"))
    }

    /// The value of a key in a dict, the last where it is given twice, as in Python.
    pub fn entry(&self, dict: Id, key: &str) -> Option<&Value<'a>> {
        self.entry_id(dict, key).map(|id| self.get(id))
    }

    pub fn entry_id(&self, dict: Id, key: &str) -> Option<Id> {
        let Value::Dict(entries) = self.get(dict) else { return None };
        let named = |id: &Id| matches!(self.get(*id), Value::Text(text) if *text == key);
        entries.iter().rev().find(|(id, _)| named(id)).map(|(_, value)| *value)
    }

    /// Puts pairs of key and value, flat, into a dict.
    pub fn set_entries(&mut self, dict: Id, flat: &[Id]) -> Result<(), Refused> {
        let Value::Dict(entries) = self.get_mut(dict) else {
            return Err(Refused::Malformed("a dict is missing"));
        };
        let (pairs, rest) = flat.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(Refused::Malformed("a key is without a value"));
        }
        if entries.len() + pairs.len() > MAX_ENTRIES {
            return Err(Refused::Excessive("too many entries in a dict"));
        }
        entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
        Ok(())
    }

    pub fn extend_list(&mut self, list: Id, items: &[Id]) -> Result<(), Refused> {
        let Value::List(list) = self.get_mut(list) else {
            return Err(Refused::Malformed("a list is missing"));
        };
        list.extend(items);
        Ok(())
    }
}
