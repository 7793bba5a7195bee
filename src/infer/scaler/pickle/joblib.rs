//! joblib's framing: an array is an object in the pickle, and its bytes follow right after it in the file.
//!
//! `joblib.numpy_pickle.NumpyArrayWrapper.write_array`: the wrapper's BUILD is followed by a byte with the length of
//! a padding (only where the wrapper has `numpy_array_alignment_bytes`, joblib 1.2 and later), the padding, and the
//! raw bytes; an array of objects is a whole pickle instead, without padding. Then the outer pickle continues.

use super::PickleMachine;
use super::value::{PickleValue, ValueId};
use crate::infer::scaler::ScalerError;
use crate::infer::scaler::numpy_array::{Dtype, NumericType, element_count};

impl<'a> PickleMachine<'a> {
    /// Reads the array that a wrapper with this state stands for.
    pub fn read_wrapped_array(&mut self, state: ValueId) -> Result<PickleValue<'a>, ScalerError> {
        self.expect_ndarray(self.wrapper_entry(state, "subclass")?)?;
        let shape = self.heap.shape(self.wrapper_entry(state, "shape")?)?;
        let fortran = self.heap.text(self.wrapper_entry(state, "order")?)? == "F";
        match self.heap.dtype(self.wrapper_entry(state, "dtype")?)? {
            Dtype::Object => self.names(),
            Dtype::Number(number) => {
                let alignment = self.heap.entry(state, "numpy_array_alignment_bytes");
                if !matches!(alignment, None | Some(PickleValue::None)) {
                    let padding = self.input.byte()?;
                    self.input.take(padding.into())?;
                }
                self.raw(number, shape, fortran)
            }
        }
    }

    fn raw(
        &mut self,
        number: NumericType,
        shape: Vec<usize>,
        fortran: bool,
    ) -> Result<PickleValue<'a>, ScalerError> {
        let count = element_count(&shape)?;
        let bytes = self.input.take(number.byte_len(count).ok_or(ScalerError::Truncated)?)?;
        self.budget.charge_array(&shape)?;
        Ok(PickleValue::Array(Some(number.decode(bytes, shape, fortran)?)))
    }

    /// Reads an array of strings, which is a separate pickle with its own stack and memo and the same allowed globals.
    fn names(&mut self) -> Result<PickleValue<'a>, ScalerError> {
        if self.nested {
            return Err(ScalerError::Malformed("an array of objects within another"));
        }
        let (stack, memo) = (std::mem::take(&mut self.stack), std::mem::take(&mut self.memo));
        self.nested = true;
        let array = self.run()?;
        self.nested = false;
        (self.stack, self.memo) = (stack, memo);
        match std::mem::replace(self.heap.get_mut(array), PickleValue::None) {
            PickleValue::Names(names) => Ok(PickleValue::Names(names)),
            _ => Err(ScalerError::Malformed("an array of objects that are not texts")),
        }
    }

    fn wrapper_entry(&self, state: ValueId, key: &str) -> Result<ValueId, ScalerError> {
        self.heap
            .entry_id(state, key)
            .ok_or(ScalerError::Malformed("joblib's wrapper of an array is not complete"))
    }
}
