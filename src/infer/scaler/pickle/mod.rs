//! A pickle machine that executes nothing: it makes values and numpy arrays, and knows no other effect.
//!
//! A pickle is a program for a stack machine (CPython's `pickletools` documents its instructions), which in Python may
//! import and call whatever it names. Here a name is one of a list (`globals.rs`), a call is one of five
//! conversions (`build.rs`), and an instruction that no scaler's file has is refused. Memory and time are bounded by
//! the length of the input and by `Budget`; nothing recurses but one level of joblib's arrays of texts.

mod build;
mod globals;
mod input;
mod joblib;
mod opcode;
mod value;

use std::borrow::Cow;
use std::collections::HashMap;

use super::Refused;
use super::array::count;
use input::{Input, text};
pub use value::{Heap, Id, Value};

/// What a file may cost beyond its own bytes; one budget for the pickle, those within it, and the scaler made of it. Values
/// that a pickle shares are counted each time they are copied.
#[derive(Debug)]
pub struct Budget {
    /// Instructions. A scaler has some hundred, and three for the name of each feature.
    steps: usize,
    /// Bytes that are made out of others: an instruction of a few bytes may convert the same megabyte again.
    made_bytes: usize,
}

const BUDGET: Budget = Budget { steps: 200_000, made_bytes: 16 << 20 };

impl Budget {
    fn step(&mut self) -> Result<(), Refused> {
        self.steps = self.steps.checked_sub(1).ok_or(Refused::Excessive("too many pickle instructions"))?;
        Ok(())
    }

    /// To be asked before so many bytes are made.
    pub fn make(&mut self, bytes: usize) -> Result<(), Refused> {
        self.made_bytes =
            self.made_bytes.checked_sub(bytes).ok_or(Refused::Excessive("an array is too large"))?;
        Ok(())
    }

    /// To be asked before an array of that shape is decoded, which keeps its shape beside its values.
    fn make_array(&mut self, shape: &[usize]) -> Result<(), Refused> {
        let values = count(shape)?.saturating_mul(size_of::<f64>());
        self.make(values.saturating_add(size_of_val(shape)))
    }
}

struct Machine<'a> {
    input: Input<'a>,
    heap: Heap<'a>,
    stack: Vec<Id>,
    memo: HashMap<u32, Id>,
    budget: Budget,
    /// Within an array of objects, which may hold no further one.
    nested: bool,
}

/// What a pickle has made: a value, the heap it is on, and what is left to make more of it.
pub struct Pickled<'a> {
    pub heap: Heap<'a>,
    pub root: Id,
    pub budget: Budget,
}

/// Runs a pickle to its end. What follows that is not looked at, as in Python.
pub fn read(bytes: &[u8]) -> Result<Pickled<'_>, Refused> {
    let mut machine = Machine {
        input: Input::new(bytes),
        heap: Heap::default(),
        stack: Vec::new(),
        memo: HashMap::new(),
        budget: BUDGET,
        nested: false,
    };
    let root = machine.run()?;
    Ok(Pickled { heap: machine.heap, root, budget: machine.budget })
}

impl<'a> Machine<'a> {
    /// To the end of one pickle, which begins with its protocol.
    fn run(&mut self) -> Result<Id, Refused> {
        if self.input.byte()? != opcode::PROTO || !(2..=5).contains(&self.input.byte()?) {
            return Err(Refused::NotAPickle);
        }
        loop {
            self.budget.step()?;
            match self.input.byte()? {
                opcode::STOP => return self.pop(),
                instruction => self.step(instruction)?,
            }
        }
    }

    fn step(&mut self, instruction: u8) -> Result<(), Refused> {
        match instruction {
            // How much of the file to buffer: of no meaning when all of it is here.
            opcode::FRAME => self.input.take(8).map(drop),
            opcode::MARK => self.push(Value::Mark),
            opcode::POP => self.stack.pop().map(drop).ok_or(UNDERFLOW),
            opcode::POP_MARK => self.items().map(drop),
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
                self.recall(key.into())
            }
            opcode::LONG_BINGET => {
                let key = self.input.u32()?;
                self.recall(key)
            }
            opcode::GLOBAL => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.push(Value::Global(globals::find(module, name)?))
            }
            opcode::STACK_GLOBAL => {
                let (name, module) = (self.pop()?, self.pop()?);
                let global = globals::find(self.heap.text(module)?, self.heap.text(name)?)?;
                self.push(Value::Global(global))
            }
            opcode::REDUCE => self.call(),
            opcode::NEWOBJ => self.make_object(),
            opcode::BUILD => self.build(),
            other => self.container(other),
        }
    }

    fn container(&mut self, instruction: u8) -> Result<(), Refused> {
        match instruction {
            opcode::EMPTY_LIST => self.push(Value::List(Vec::new())),
            opcode::EMPTY_TUPLE => self.push(Value::Tuple(Vec::new())),
            opcode::EMPTY_DICT => self.push(Value::Dict(Vec::new())),
            opcode::TUPLE => {
                let items = self.items()?;
                self.push(Value::Tuple(items))
            }
            opcode::TUPLE1..=opcode::TUPLE3 => {
                let count = 1 + instruction - opcode::TUPLE1;
                let mut items = (0..count).map(|_| self.pop()).collect::<Result<Vec<_>, _>>()?;
                items.reverse();
                self.push(Value::Tuple(items))
            }
            opcode::APPEND => {
                let item = self.pop()?;
                self.heap.extend_list(self.top()?, &[item])
            }
            opcode::APPENDS => {
                let items = self.items()?;
                self.heap.extend_list(self.top()?, &items)
            }
            opcode::SETITEM => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.heap.set_entries(self.top()?, &[key, value])
            }
            opcode::SETITEMS => {
                let flat = self.items()?;
                self.heap.set_entries(self.top()?, &flat)
            }
            other => {
                let value = self.literal(other)?;
                self.push(value)
            }
        }
    }

    fn literal(&mut self, instruction: u8) -> Result<Value<'a>, Refused> {
        Ok(match instruction {
            opcode::NONE => Value::None,
            opcode::NEWTRUE => Value::Bool(true),
            opcode::NEWFALSE => Value::Bool(false),
            opcode::BININT => Value::Int(i32::from_le_bytes(self.input.array()?).into()),
            opcode::BININT1 => Value::Int(self.input.byte()?.into()),
            opcode::BININT2 => Value::Int(self.input.u16()?.into()),
            opcode::LONG1 => Value::Int(long(self.input.sized(1)?)?),
            opcode::BINFLOAT => Value::Float(f64::from_be_bytes(self.input.array()?)),
            opcode::SHORT_BINUNICODE => Value::Text(text(self.input.sized(1)?)?),
            opcode::BINUNICODE => Value::Text(text(self.input.sized(4)?)?),
            opcode::BINUNICODE8 => Value::Text(text(self.input.sized(8)?)?),
            opcode::SHORT_BINBYTES => Value::Bytes(Cow::Borrowed(self.input.sized(1)?)),
            opcode::BINBYTES => Value::Bytes(Cow::Borrowed(self.input.sized(4)?)),
            opcode::BINBYTES8 | opcode::BYTEARRAY8 => Value::Bytes(Cow::Borrowed(self.input.sized(8)?)),
            other => return Err(Refused::Instruction(other)),
        })
    }

    fn push(&mut self, value: Value<'a>) -> Result<(), Refused> {
        self.stack.push(self.heap.add(value));
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, Refused> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    /// The last value, which is no mark.
    fn top(&self) -> Result<Id, Refused> {
        let id = *self.stack.last().ok_or(UNDERFLOW)?;
        if matches!(self.heap.get(id), Value::Mark) { Err(UNDERFLOW) } else { Ok(id) }
    }

    /// What is on the stack above the last mark, which goes as well.
    fn items(&mut self) -> Result<Vec<Id>, Refused> {
        let is_mark = |id: &Id| matches!(self.heap.get(*id), Value::Mark);
        let mark = self.stack.iter().rposition(is_mark).ok_or(UNDERFLOW)?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn memoize(&mut self, key: u32) -> Result<(), Refused> {
        self.memo.insert(key, self.top()?);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), Refused> {
        let id = *self.memo.get(&key).ok_or(Refused::Malformed("the pickle recalls what it has not kept"))?;
        self.stack.push(id);
        Ok(())
    }
}

const UNDERFLOW: Refused = Refused::Malformed("the pickle takes more than it has put");

/// A whole number of up to eight bytes, two's complement, low byte first.
fn long(bytes: &[u8]) -> Result<i64, Refused> {
    let negative = bytes.last().is_some_and(|high| high & 0x80 != 0);
    let mut whole = if negative { [0xff; 8] } else { [0; 8] };
    let low = whole.get_mut(..bytes.len()).ok_or(Refused::Malformed("a number is too large"))?;
    low.copy_from_slice(bytes);
    Ok(i64::from_le_bytes(whole))
}
