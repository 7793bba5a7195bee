//! Pickle machine that executes nothing: its only effect is to build values and numpy arrays.
//!
//! A pickle is a program for a stack machine (CPython's `pickletools` documents its opcodes), which in Python may
//! import and call whatever it names. Here a name must be on a list (`globals.rs`), a call is one of five conversions
//! (`objects.rs`), and opcodes that no scaler file uses are refused. Memory and time are bounded by the input's length
//! and by `PickleBudget`; recursion is limited to one level, for joblib's arrays of strings.

mod globals;
mod joblib;
mod objects;
mod opcode;
mod reader;
mod value;

use std::borrow::Cow;
use std::collections::HashMap;

use super::ScalerError;
use super::numpy_array::element_count;
use reader::{PickleReader, parse_utf8};
pub use value::{Heap, PickleValue, ValueId};

/// Limits of what a file may cost beyond its own bytes, shared by the pickle, nested pickles and the resulting scaler.
/// Values that a pickle shares are counted each time they are copied.
#[derive(Debug)]
pub struct PickleBudget {
    /// Opcodes. A scaler has some hundred, plus three per feature name.
    steps: usize,
    /// Derived bytes: an opcode of a few bytes may convert the same megabyte repeatedly.
    made_bytes: usize,
}

const MAX_BUDGET: PickleBudget = PickleBudget { steps: 200_000, made_bytes: 16 << 20 };

impl PickleBudget {
    fn charge_step(&mut self) -> Result<(), ScalerError> {
        self.steps =
            self.steps.checked_sub(1).ok_or(ScalerError::Excessive("too many pickle instructions"))?;
        Ok(())
    }

    /// Charges bytes before they are produced.
    pub fn charge_bytes(&mut self, bytes: usize) -> Result<(), ScalerError> {
        self.made_bytes =
            self.made_bytes.checked_sub(bytes).ok_or(ScalerError::Excessive("an array is too large"))?;
        Ok(())
    }

    /// Charges an array before it is decoded; it keeps its shape beside its values.
    fn charge_array(&mut self, shape: &[usize]) -> Result<(), ScalerError> {
        let values = element_count(shape)?.saturating_mul(size_of::<f64>());
        self.charge_bytes(values.saturating_add(size_of_val(shape)))
    }
}

struct PickleMachine<'a> {
    input: PickleReader<'a>,
    heap: Heap<'a>,
    stack: Vec<ValueId>,
    memo: HashMap<u32, ValueId>,
    budget: PickleBudget,
    /// Whether this is the pickle of an object array, which may contain no further one.
    nested: bool,
}

/// Result of a pickle: a value, its heap, and the remaining budget.
pub struct UnpickledValue<'a> {
    /// All values that the pickle made.
    pub heap: Heap<'a>,
    /// The value on top of the stack at `STOP`.
    pub root: ValueId,
    /// Budget left for the scaler that is built from the value.
    pub budget: PickleBudget,
}

/// Runs a pickle to its end. Bytes after it are ignored, as in Python.
pub fn unpickle(bytes: &[u8]) -> Result<UnpickledValue<'_>, ScalerError> {
    let mut machine = PickleMachine {
        input: PickleReader::new(bytes),
        heap: Heap::default(),
        stack: Vec::new(),
        memo: HashMap::new(),
        budget: MAX_BUDGET,
        nested: false,
    };
    let root = machine.run()?;
    Ok(UnpickledValue { heap: machine.heap, root, budget: machine.budget })
}

impl<'a> PickleMachine<'a> {
    /// Runs one pickle, which begins with its protocol.
    fn run(&mut self) -> Result<ValueId, ScalerError> {
        if self.input.byte()? != opcode::PROTO || !(2..=5).contains(&self.input.byte()?) {
            return Err(ScalerError::NotAPickle);
        }
        loop {
            self.budget.charge_step()?;
            match self.input.byte()? {
                opcode::STOP => return self.pop(),
                instruction => self.execute(instruction)?,
            }
        }
    }

    fn execute(&mut self, instruction: u8) -> Result<(), ScalerError> {
        match instruction {
            // A hint how much to buffer, without meaning for a file that is in memory.
            opcode::FRAME => self.input.take(8).map(drop),
            opcode::MARK => self.push(PickleValue::Mark),
            opcode::POP => self.stack.pop().map(drop).ok_or(STACK_UNDERFLOW),
            opcode::POP_MARK => self.pop_to_mark().map(drop),
            opcode::DUP => self.top().map(|top| self.stack.push(top)),
            opcode::MEMOIZE => self.memoize(self.memo.len() as u32),
            opcode::BINPUT => {
                let key = self.input.byte()?;
                self.memoize(key.into())
            }
            opcode::LONG_BINPUT => {
                let key = self.input.u32()?;
                self.memoize(key)
            }
            opcode::BINGET => {
                let key = self.input.byte()?;
                self.push_memo(key.into())
            }
            opcode::LONG_BINGET => {
                let key = self.input.u32()?;
                self.push_memo(key)
            }
            opcode::GLOBAL => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.push(PickleValue::Global(globals::resolve(module, name)?))
            }
            opcode::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let global = globals::resolve(self.heap.text(module)?, self.heap.text(name)?)?;
                self.push(PickleValue::Global(global))
            }
            opcode::REDUCE => self.call(),
            opcode::NEWOBJ => self.make_object(),
            opcode::BUILD => self.build(),
            other => self.container(other),
        }
    }

    fn container(&mut self, instruction: u8) -> Result<(), ScalerError> {
        match instruction {
            opcode::EMPTY_LIST => self.push(PickleValue::List(Vec::new())),
            opcode::EMPTY_TUPLE => self.push(PickleValue::Tuple(Vec::new())),
            opcode::EMPTY_DICT => self.push(PickleValue::Dict(Vec::new())),
            opcode::TUPLE => {
                let items = self.pop_to_mark()?;
                self.push(PickleValue::Tuple(items))
            }
            opcode::TUPLE1..=opcode::TUPLE3 => {
                let count = 1 + instruction - opcode::TUPLE1;
                let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
                items.reverse();
                self.push(PickleValue::Tuple(items))
            }
            opcode::APPEND => {
                let item = self.pop()?;
                self.heap.extend_list(self.top()?, &[item])
            }
            opcode::APPENDS => {
                let items = self.pop_to_mark()?;
                self.heap.extend_list(self.top()?, &items)
            }
            opcode::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.heap.set_entries(self.top()?, &[key, value])
            }
            opcode::SETITEMS => {
                let flat = self.pop_to_mark()?;
                self.heap.set_entries(self.top()?, &flat)
            }
            other => {
                let value = self.literal(other)?;
                self.push(value)
            }
        }
    }

    fn literal(&mut self, instruction: u8) -> Result<PickleValue<'a>, ScalerError> {
        Ok(match instruction {
            opcode::NONE => PickleValue::None,
            opcode::NEWTRUE => PickleValue::Bool(true),
            opcode::NEWFALSE => PickleValue::Bool(false),
            opcode::BININT => PickleValue::Int(i32::from_le_bytes(self.input.array()?).into()),
            opcode::BININT1 => PickleValue::Int(self.input.byte()?.into()),
            opcode::BININT2 => PickleValue::Int(self.input.u16()?.into()),
            opcode::LONG1 => PickleValue::Int(parse_long(self.input.length_prefixed(1)?)?),
            opcode::BINFLOAT => PickleValue::Float(f64::from_be_bytes(self.input.array()?)),
            opcode::SHORT_BINUNICODE => PickleValue::Text(parse_utf8(self.input.length_prefixed(1)?)?),
            opcode::BINUNICODE => PickleValue::Text(parse_utf8(self.input.length_prefixed(4)?)?),
            opcode::BINUNICODE8 => PickleValue::Text(parse_utf8(self.input.length_prefixed(8)?)?),
            opcode::SHORT_BINBYTES => PickleValue::Bytes(Cow::Borrowed(self.input.length_prefixed(1)?)),
            opcode::BINBYTES => PickleValue::Bytes(Cow::Borrowed(self.input.length_prefixed(4)?)),
            opcode::BINBYTES8 | opcode::BYTEARRAY8 => {
                PickleValue::Bytes(Cow::Borrowed(self.input.length_prefixed(8)?))
            }
            other => return Err(ScalerError::Instruction(other)),
        })
    }

    fn push(&mut self, value: PickleValue<'a>) -> Result<(), ScalerError> {
        self.stack.push(self.heap.add(value));
        Ok(())
    }

    fn pop(&mut self) -> Result<ValueId, ScalerError> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    /// Returns the top value, which must not be a mark.
    fn top(&self) -> Result<ValueId, ScalerError> {
        let id = *self.stack.last().ok_or(STACK_UNDERFLOW)?;
        if matches!(self.heap.get(id), PickleValue::Mark) { Err(STACK_UNDERFLOW) } else { Ok(id) }
    }

    /// Pops the values above the last mark, and the mark.
    fn pop_to_mark(&mut self) -> Result<Vec<ValueId>, ScalerError> {
        let is_mark = |id: &ValueId| matches!(self.heap.get(*id), PickleValue::Mark);
        let mark = self.stack.iter().rposition(is_mark).ok_or(STACK_UNDERFLOW)?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn memoize(&mut self, key: u32) -> Result<(), ScalerError> {
        self.memo.insert(key, self.top()?);
        Ok(())
    }

    fn push_memo(&mut self, key: u32) -> Result<(), ScalerError> {
        let id =
            *self.memo.get(&key).ok_or(ScalerError::Malformed("the pickle recalls what it has not kept"))?;
        self.stack.push(id);
        Ok(())
    }
}

const STACK_UNDERFLOW: ScalerError = ScalerError::Malformed("the pickle takes more than it has put");

/// Parses an integer of up to eight bytes, two's complement, little-endian.
fn parse_long(bytes: &[u8]) -> Result<i64, ScalerError> {
    let negative = bytes.last().is_some_and(|high| high & 0x80 != 0);
    let mut whole = if negative { [0xff; 8] } else { [0; 8] };
    let low = whole.get_mut(..bytes.len()).ok_or(ScalerError::Malformed("a number is too large"))?;
    low.copy_from_slice(bytes);
    Ok(i64::from_le_bytes(whole))
}
