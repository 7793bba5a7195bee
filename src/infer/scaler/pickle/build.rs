//! What calls and states become. A call is a conversion of values that are here; a state is kept, not applied.

use std::borrow::Cow;

use super::Machine;
use super::globals::Global;
use super::value::{Id, Value};
use crate::infer::scaler::Refused;
use crate::infer::scaler::array::Dtype;

const ARGUMENTS: Refused = Refused::Malformed("a call has too few arguments");

impl Machine<'_> {
    /// REDUCE: a function and the tuple of its arguments become its result.
    pub fn call(&mut self) -> Result<(), Refused> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let Value::Global(function) = *self.heap.get(function) else {
            return Err(Refused::Malformed("a call of what is no function"));
        };
        let arguments = self.heap.tuple(arguments)?;
        let argument = |at: usize| arguments.get(at).copied().ok_or(ARGUMENTS);
        let made = match function {
            Global::Reconstruct => {
                self.expect_ndarray(argument(0)?)?;
                Value::Array(None)
            }
            Global::Dtype => Value::Dtype(Dtype::parse(self.heap.text(argument(0)?)?)?),
            Global::Scalar => self.scalar(argument(0)?, argument(1)?)?,
            Global::FromBuffer => {
                let (buffer, dtype, shape) = (argument(0)?, argument(1)?, argument(2)?);
                let fortran = self.heap.text(argument(3)?)? == "F";
                self.array(buffer, dtype, shape, fortran)?
            }
            Global::Encode => {
                let (text, encoding) = (argument(0)?, argument(1)?);
                self.encode(text, encoding)?
            }
            Global::Scaler(_) | Global::Wrapper | Global::Ndarray => {
                return Err(Refused::Malformed("a call of a class"));
            }
        };
        self.push(made)
    }

    /// NEWOBJ: a class and the tuple of its arguments become an object without a state.
    pub fn make_object(&mut self) -> Result<(), Refused> {
        let (arguments, class) = (self.pop()?, self.pop()?);
        if !self.heap.tuple(arguments)?.is_empty() {
            return Err(Refused::Malformed("an object is made with arguments"));
        }
        let made = match *self.heap.get(class) {
            Value::Global(Global::Scaler(kind)) => Value::Scaler(kind, None),
            Value::Global(Global::Wrapper) => Value::Wrapper,
            _ => return Err(Refused::Malformed("an object of what is no class")),
        };
        self.push(made)
    }

    /// BUILD: gives the object below a state. Each takes one once.
    pub fn build(&mut self) -> Result<(), Refused> {
        let (state, object) = (self.pop()?, self.top()?);
        let built = match *self.heap.get(object) {
            Value::Scaler(kind, None) if matches!(self.heap.get(state), Value::Dict(_)) => {
                Value::Scaler(kind, Some(state))
            }
            Value::Dtype(dtype) => Value::Dtype(self.ordered(dtype, state)?),
            Value::Array(None) => self.array_of_state(state)?,
            Value::Wrapper => self.wrapped(state)?,
            _ => return Err(Refused::Malformed("a state for what takes none")),
        };
        *self.heap.get_mut(object) = built;
        Ok(())
    }

    /// numpy's state of a dtype: (version, order of bytes, subarray, names, fields, ...).
    fn ordered(&self, dtype: Dtype, state: Id) -> Result<Dtype, Refused> {
        let [_, order, structure @ ..] = self.heap.tuple(state)? else {
            return Err(Refused::Malformed("the type of an array has a wrong state"));
        };
        if structure.iter().take(3).any(|part| !matches!(self.heap.get(*part), Value::None)) {
            return Err(Refused::ArrayType("structured".to_owned()));
        }
        Ok(dtype.in_order(self.heap.text(*order)?))
    }

    /// numpy's state of an array: (version, shape, dtype, whether by columns, bytes or a list of objects).
    fn array_of_state<'m>(&mut self, state: Id) -> Result<Value<'m>, Refused> {
        let [_, shape, dtype, fortran, content] = *self.heap.tuple(state)? else {
            return Err(Refused::Malformed("an array has a wrong state"));
        };
        let Value::List(objects) = self.heap.get(content) else {
            let fortran = matches!(self.heap.get(fortran), Value::Bool(true) | Value::Int(1));
            return self.array(content, dtype, shape, fortran);
        };
        self.budget.make(size_of_val(objects.as_slice()))?;
        if objects.iter().all(|id| matches!(self.heap.get(*id), Value::Text(_))) {
            Ok(Value::Names(objects.clone()))
        } else {
            Err(Refused::Malformed("an array of objects that are not texts"))
        }
    }

    /// The array of a buffer that the pickle holds.
    fn array<'m>(&mut self, bytes: Id, dtype: Id, shape: Id, fortran: bool) -> Result<Value<'m>, Refused> {
        let shape = self.heap.shape(shape)?;
        let Dtype::Number(number) = self.heap.dtype(dtype)? else {
            return Err(Refused::Malformed("an array of objects that are not texts"));
        };
        self.budget.make_array(&shape)?;
        let array = number.decode(self.heap.bytes(bytes)?, shape, fortran)?;
        Ok(Value::Array(Some(array)))
    }

    /// One number of a dtype, out of its bytes.
    fn scalar<'m>(&self, dtype: Id, bytes: Id) -> Result<Value<'m>, Refused> {
        let Dtype::Number(number) = self.heap.dtype(dtype)? else {
            return Err(Refused::Malformed("a number is an object"));
        };
        let array = number.decode(self.heap.bytes(bytes)?, Vec::new(), false)?;
        array.values.first().map(|value| Value::Float(*value)).ok_or(ARGUMENTS)
    }

    /// Text whose characters are bytes. Python writes no other encoding for them.
    fn encode<'m>(&mut self, text: Id, encoding: Id) -> Result<Value<'m>, Refused> {
        if !matches!(self.heap.text(encoding)?, "latin1" | "latin-1") {
            return Err(Refused::Malformed("bytes are not written as latin-1"));
        }
        let text = self.heap.text(text)?;
        self.budget.make(text.len())?;
        let bytes = text.chars().map(u8::try_from).collect::<Result<Vec<u8>, _>>();
        let bytes = bytes.map_err(|_| Refused::Malformed("bytes are not written as latin-1"))?;
        Ok(Value::Bytes(Cow::Owned(bytes)))
    }

    /// Subclasses of arrays have code of their own, and no scaler has one.
    pub fn expect_ndarray(&self, class: Id) -> Result<(), Refused> {
        match self.heap.get(class) {
            Value::Global(Global::Ndarray) => Ok(()),
            _ => Err(Refused::Malformed("an array of a class of its own")),
        }
    }
}
