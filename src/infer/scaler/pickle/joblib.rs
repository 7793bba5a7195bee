//! joblib's framing: an array is an object in the pickle, and its bytes follow in the file right after it.
//!
//! `joblib.numpy_pickle.NumpyArrayWrapper.write_array`: the wrapper's BUILD is followed by a byte with the length of
//! a padding (only where the wrapper has `numpy_array_alignment_bytes`, joblib 1.2 and later), the padding, and the
//! raw bytes; an array of objects is a whole pickle instead, without padding. Then the outer pickle goes on.

use super::Machine;
use super::value::{Id, Value};
use crate::infer::scaler::Refused;
use crate::infer::scaler::array::{Dtype, Number, count};

impl<'a> Machine<'a> {
    /// The array in place of a wrapper, by the wrapper's state.
    pub fn wrapped(&mut self, state: Id) -> Result<Value<'a>, Refused> {
        self.expect_ndarray(self.wrapper_entry(state, "subclass")?)?;
        let shape = self.heap.shape(self.wrapper_entry(state, "shape")?)?;
        let fortran = self.heap.text(self.wrapper_entry(state, "order")?)? == "F";
        match self.heap.dtype(self.wrapper_entry(state, "dtype")?)? {
            Dtype::Object => self.names(),
            Dtype::Number(number) => {
                let alignment = self.heap.entry(state, "numpy_array_alignment_bytes");
                if !matches!(alignment, None | Some(Value::None)) {
                    let padding = self.input.byte()?;
                    self.input.take(padding.into())?;
                }
                self.raw(number, shape, fortran)
            }
        }
    }

    fn raw(&mut self, number: Number, shape: Vec<usize>, fortran: bool) -> Result<Value<'a>, Refused> {
        let count = count(&shape)?;
        let bytes = self.input.take(number.size_of(count).ok_or(Refused::Truncated)?)?;
        self.budget.make_array(&shape)?;
        Ok(Value::Array(Some(number.decode(bytes, shape, fortran)?)))
    }

    /// An array of texts is a pickle of its own, with a stack and a memo of its own. The names it may refer to are
    /// the same few.
    fn names(&mut self) -> Result<Value<'a>, Refused> {
        if self.nested {
            return Err(Refused::Malformed("an array of objects within another"));
        }
        let (stack, memo) = (std::mem::take(&mut self.stack), std::mem::take(&mut self.memo));
        self.nested = true;
        let array = self.run()?;
        self.nested = false;
        (self.stack, self.memo) = (stack, memo);
        match std::mem::replace(self.heap.get_mut(array), Value::None) {
            Value::Names(names) => Ok(Value::Names(names)),
            _ => Err(Refused::Malformed("an array of objects that are not texts")),
        }
    }

    fn wrapper_entry(&self, state: Id, key: &str) -> Result<Id, Refused> {
        self.heap
            .entry_id(state, key)
            .ok_or(Refused::Malformed("joblib's wrapper of an array is not complete"))
    }
}
