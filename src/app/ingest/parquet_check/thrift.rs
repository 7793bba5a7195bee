//! Thrift's compact protocol, read by the table of what may stand where (grammar.rs). Every list is counted against the
//! bytes there are, and a field is of its type or the file is refused: a reader that knows fields by their numbers alone
//! would read the same bytes as something else.

use super::damaged;
use super::grammar::{Form, Shape};
use crate::domain::Result;

/// Structures within structures; the deepest there are have six.
const MAX_DEPTH: usize = 16;
/// The longest list that is read: no file of a request has more of anything.
const MAX_LIST: usize = 1 << 16;

/// What is told of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    /// A list of so many begins.
    List(usize),
    /// The structure is over; the field is 0.
    End,
}

/// Is told of every known field of every structure by the structure's name and the field's number.
pub trait Visit<'a> {
    fn see(&mut self, form: &'static str, field: i16, value: Value<'a>) -> Result<()>;
}

/// What is left of the bytes.
pub struct Thrift<'a>(pub &'a [u8]);

/// What stands before the value of a field.
struct FieldHead {
    /// The structure that it is of.
    form: &'static str,
    id: i16,
    wire: u8,
}

impl<'a> Thrift<'a> {
    /// Reads a structure.
    pub fn structure(&mut self, form: &'static Form, visit: &mut impl Visit<'a>) -> Result<()> {
        self.fields(form, visit, 0)
    }

    fn fields(&mut self, form: &'static Form, visit: &mut impl Visit<'a>, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(damaged("its structures are nested too deeply"));
        }
        let mut last = 0;
        while let Some((wire, id)) = self.field(last)? {
            match form.fields.iter().find(|(known, _)| *known == id) {
                Some((_, shape)) if !is_of(wire, shape) => {
                    return Err(damaged(&format!("field {id} of {} is of another type", form.name)));
                }
                Some((_, shape)) => {
                    let head = FieldHead { form: form.name, id, wire };
                    self.known(head, shape, visit, depth)?
                }
                None => self.skip(wire, depth)?,
            }
            last = id;
        }
        visit.see(form.name, 0, Value::End)
    }

    /// Type and number of the next field; `None` at the end of the structure.
    fn field(&mut self, last: i16) -> Result<Option<(u8, i16)>> {
        let head = self.byte()?;
        let (delta, wire) = (i16::from(head >> 4), head & 15);
        if wire == 0 {
            return Ok(None);
        }
        let id = match delta {
            0 => i16::try_from(self.integer()?).ok(),
            delta => last.checked_add(delta),
        };
        let id = id.filter(|id| *id > last).ok_or_else(|| damaged("its fields are not in order"))?;
        Ok(Some((wire, id)))
    }

    fn known(
        &mut self,
        FieldHead { form, id, wire }: FieldHead,
        shape: &'static Shape,
        visit: &mut impl Visit<'a>,
        depth: usize,
    ) -> Result<()> {
        let value = match shape {
            Shape::Bool => Value::Int(i64::from(wire == 1)),
            Shape::Struct(inner) => return self.fields(inner, visit, depth + 1),
            Shape::List(of) => {
                let (wire, count) = self.list()?;
                visit.see(form, id, Value::List(count))?;
                if count > 0 && !is_of(wire, of) {
                    return Err(damaged(&format!("the list {id} of {form} is of another type")));
                }
                for _ in 0..count {
                    match of {
                        Shape::Struct(inner) => self.fields(inner, visit, depth + 1)?,
                        plain => drop(self.scalar(plain)?),
                    }
                }
                return Ok(());
            }
            plain => self.scalar(plain)?,
        };
        visit.see(form, id, value)
    }

    fn scalar(&mut self, shape: &Shape) -> Result<Value<'a>> {
        let outside = || damaged("it has a number beyond its type");
        Ok(match shape {
            Shape::Byte => Value::Int(i64::from(self.byte()?)),
            Shape::I16 => Value::Int(i16::try_from(self.integer()?).map_err(|_| outside())?.into()),
            Shape::I32 => Value::Int(i32::try_from(self.integer()?).map_err(|_| outside())?.into()),
            Shape::I64 => Value::Int(self.integer()?),
            Shape::Double => Value::Bytes(self.take(8)?),
            Shape::Binary => {
                let length = self.varint()?;
                Value::Bytes(self.take(usize::try_from(length).unwrap_or(usize::MAX))?)
            }
            Shape::Bool | Shape::Struct(_) | Shape::List(_) => {
                return Err(damaged("a list is of another type"));
            }
        })
    }

    /// A field that is not known, as the reader would pass over it.
    fn skip(&mut self, wire: u8, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(damaged("its structures are nested too deeply"));
        }
        match wire {
            1 | 2 => Ok(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.take(8).map(drop),
            8 => self.scalar(&Shape::Binary).map(drop),
            9 => {
                let (of, count) = self.list()?;
                // Whether booleans of a list take a byte is not agreed upon; the format has no such list.
                if count > 0 && of <= 2 {
                    return Err(damaged("it has a list of booleans"));
                }
                (0..count).try_for_each(|_| self.skip(of, depth + 1))
            }
            12 => {
                let mut last = 0;
                while let Some((wire, id)) = self.field(last)? {
                    self.skip(wire, depth + 1)?;
                    last = id;
                }
                Ok(())
            }
            _ => Err(damaged("it has a field of a type that the format does not use")),
        }
    }

    fn list(&mut self) -> Result<(u8, usize)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => usize::try_from(self.varint()?).unwrap_or(usize::MAX),
            short => usize::from(short),
        };
        if count > MAX_LIST || count > self.0.len() {
            return Err(damaged("it has a list that is longer than the file"));
        }
        Ok((head & 15, count))
    }

    fn integer(&mut self) -> Result<i64> {
        let raw = self.varint()?;
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    /// An unsigned number of seven bits a byte.
    pub fn varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged("it has a number that is too long"))
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| damaged("it is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Whether a field written with this type is of this shape.
fn is_of(wire: u8, shape: &Shape) -> bool {
    match shape {
        Shape::Bool => matches!(wire, 1 | 2),
        Shape::Byte => wire == 3,
        Shape::I16 => wire == 4,
        Shape::I32 => wire == 5,
        Shape::I64 => wire == 6,
        Shape::Double => wire == 7,
        Shape::Binary => wire == 8,
        Shape::List(_) => wire == 9,
        Shape::Struct(_) => wire == 12,
    }
}
