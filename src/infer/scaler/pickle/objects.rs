//! Calls and object states of a pickle. A call converts existing values; a state is stored and never applied.

use std::borrow::Cow;

use super::PickleMachine;
use super::globals::Global;
use super::value::{PickleValue, ValueId};
use crate::infer::scaler::ScalerError;
use crate::infer::scaler::numpy_array::Dtype;

const TOO_FEW_ARGUMENTS: ScalerError = ScalerError::Malformed("a call has too few arguments");

impl PickleMachine<'_> {
    /// REDUCE: replaces a function and its argument tuple by the result.
    pub fn call(&mut self) -> Result<(), ScalerError> {
        let (arguments, function) = (self.pop()?, self.pop()?);
        let PickleValue::Global(function) = *self.heap.get(function) else {
            return Err(ScalerError::Malformed("a call of what is no function"));
        };
        let arguments = self.heap.tuple(arguments)?;
        let argument = |at: usize| arguments.get(at).copied().ok_or(TOO_FEW_ARGUMENTS);
        let made = match function {
            Global::Reconstruct => {
                self.expect_ndarray(argument(0)?)?;
                PickleValue::Array(None)
            }
            Global::Dtype => PickleValue::Dtype(Dtype::parse(self.heap.text(argument(0)?)?)?),
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
                return Err(ScalerError::Malformed("a call of a class"));
            }
        };
        self.push(made)
    }

    /// NEWOBJ: replaces a class and its argument tuple by an object without a state.
    pub fn make_object(&mut self) -> Result<(), ScalerError> {
        let (arguments, class) = (self.pop()?, self.pop()?);
        if !self.heap.tuple(arguments)?.is_empty() {
            return Err(ScalerError::Malformed("an object is made with arguments"));
        }
        let made = match *self.heap.get(class) {
            PickleValue::Global(Global::Scaler(kind)) => PickleValue::Scaler(kind, None),
            PickleValue::Global(Global::Wrapper) => PickleValue::Wrapper,
            _ => return Err(ScalerError::Malformed("an object of what is no class")),
        };
        self.push(made)
    }

    /// BUILD: sets the state of the object below it on the stack, once per object.
    pub fn build(&mut self) -> Result<(), ScalerError> {
        let (state, object) = (self.pop()?, self.top()?);
        let built = match *self.heap.get(object) {
            PickleValue::Scaler(kind, None) if matches!(self.heap.get(state), PickleValue::Dict(_)) => {
                PickleValue::Scaler(kind, Some(state))
            }
            PickleValue::Dtype(dtype) => PickleValue::Dtype(self.dtype_from_state(dtype, state)?),
            PickleValue::Array(None) => self.array_from_state(state)?,
            PickleValue::Wrapper => self.read_wrapped_array(state)?,
            _ => return Err(ScalerError::Malformed("a state for what takes none")),
        };
        *self.heap.get_mut(object) = built;
        Ok(())
    }

    /// Reads numpy's state of a dtype: (version, byte order, subarray, names, fields, ...).
    fn dtype_from_state(&self, dtype: Dtype, state: ValueId) -> Result<Dtype, ScalerError> {
        let [_, order, structure @ ..] = self.heap.tuple(state)? else {
            return Err(ScalerError::Malformed("the type of an array has a wrong state"));
        };
        if structure.iter().take(3).any(|part| !matches!(self.heap.get(*part), PickleValue::None)) {
            return Err(ScalerError::ArrayType("structured".to_owned()));
        }
        Ok(dtype.with_byte_order(self.heap.text(*order)?))
    }

    /// Reads numpy's state of an array: (version, shape, dtype, whether in Fortran order, bytes or a list of objects).
    fn array_from_state<'m>(&mut self, state: ValueId) -> Result<PickleValue<'m>, ScalerError> {
        let [_, shape, dtype, fortran, content] = *self.heap.tuple(state)? else {
            return Err(ScalerError::Malformed("an array has a wrong state"));
        };
        let PickleValue::List(objects) = self.heap.get(content) else {
            let fortran = matches!(self.heap.get(fortran), PickleValue::Bool(true) | PickleValue::Int(1));
            return self.array(content, dtype, shape, fortran);
        };
        self.budget.charge_bytes(size_of_val(objects.as_slice()))?;
        if objects.iter().all(|id| matches!(self.heap.get(*id), PickleValue::Text(_))) {
            Ok(PickleValue::Names(objects.clone()))
        } else {
            Err(ScalerError::Malformed("an array of objects that are not texts"))
        }
    }

    /// Reads an array from a buffer within the pickle.
    fn array<'m>(
        &mut self,
        bytes: ValueId,
        dtype: ValueId,
        shape: ValueId,
        fortran: bool,
    ) -> Result<PickleValue<'m>, ScalerError> {
        let shape = self.heap.shape(shape)?;
        let Dtype::Number(number) = self.heap.dtype(dtype)? else {
            return Err(ScalerError::Malformed("an array of objects that are not texts"));
        };
        self.budget.charge_array(&shape)?;
        let array = number.decode(self.heap.bytes(bytes)?, shape, fortran)?;
        Ok(PickleValue::Array(Some(array)))
    }

    /// Reads a scalar of a dtype from its bytes.
    fn scalar<'m>(&self, dtype: ValueId, bytes: ValueId) -> Result<PickleValue<'m>, ScalerError> {
        let Dtype::Number(number) = self.heap.dtype(dtype)? else {
            return Err(ScalerError::Malformed("a number is an object"));
        };
        let array = number.decode(self.heap.bytes(bytes)?, Vec::new(), false)?;
        array.values.first().map(|value| PickleValue::Float(*value)).ok_or(TOO_FEW_ARGUMENTS)
    }

    /// Encodes a latin-1 string as bytes. Python writes no other encoding for them.
    fn encode<'m>(&mut self, text: ValueId, encoding: ValueId) -> Result<PickleValue<'m>, ScalerError> {
        if !matches!(self.heap.text(encoding)?, "latin1" | "latin-1") {
            return Err(ScalerError::Malformed("bytes are not written as latin-1"));
        }
        let text = self.heap.text(text)?;
        self.budget.charge_bytes(text.len())?;
        let bytes = text.chars().map(u8::try_from).collect::<Result<Vec<u8>, _>>();
        let bytes = bytes.map_err(|_| ScalerError::Malformed("bytes are not written as latin-1"))?;
        Ok(PickleValue::Bytes(Cow::Owned(bytes)))
    }

    /// Refuses subclasses of ndarray: they have code of their own, and no scaler contains one.
    pub fn expect_ndarray(&self, class: ValueId) -> Result<(), ScalerError> {
        match self.heap.get(class) {
            PickleValue::Global(Global::Ndarray) => Ok(()),
            _ => Err(ScalerError::Malformed("an array of a class of its own")),
        }
    }
}
