//! Reader of Thrift's compact protocol, driven by the struct definitions in thrift_schema.rs. Every list length is
//! checked against the available bytes, and a field of another type than defined refuses the file: a reader that knows
//! fields only by number would read the same bytes as something else.

use super::damaged;
use super::thrift_schema::{FieldType, StructDef};
use crate::domain::Result;

/// Maximum nesting of structures; Parquet's deepest has six levels.
const MAX_DEPTH: usize = 16;
/// Maximum list length: no file of a request has more of anything.
const MAX_LIST: usize = 1 << 16;

/// The value of a field, as passed to the visitor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ThriftValue<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    /// A list of this length begins.
    List(usize),
    /// The structure ends; the field number is 0.
    End,
}

/// Receives every known field of every structure, by the structure's name and the field's number.
pub trait ThriftVisitor<'a> {
    fn visit_field(&mut self, form: &'static str, field: i16, value: ThriftValue<'a>) -> Result<()>;
}

/// Reads from the front of the bytes, which shrink to the rest.
pub struct ThriftReader<'a>(pub &'a [u8]);

/// The header of a field.
struct FieldHead {
    /// Name of the structure that the field belongs to.
    form: &'static str,
    id: i16,
    wire: u8,
}

impl<'a> ThriftReader<'a> {
    /// Reads a structure.
    pub fn structure(&mut self, form: &'static StructDef, visit: &mut impl ThriftVisitor<'a>) -> Result<()> {
        self.fields(form, visit, 0)
    }

    fn fields(
        &mut self,
        form: &'static StructDef,
        visit: &mut impl ThriftVisitor<'a>,
        depth: usize,
    ) -> Result<()> {
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
        visit.visit_field(form.name, 0, ThriftValue::End)
    }

    /// Returns wire type and number of the next field; `None` at the end of the structure.
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
        shape: &'static FieldType,
        visit: &mut impl ThriftVisitor<'a>,
        depth: usize,
    ) -> Result<()> {
        let value = match shape {
            FieldType::Bool => ThriftValue::Int(i64::from(wire == 1)),
            FieldType::Struct(inner) => return self.fields(inner, visit, depth + 1),
            FieldType::List(of) => {
                let (wire, count) = self.list()?;
                visit.visit_field(form, id, ThriftValue::List(count))?;
                if count > 0 && !is_of(wire, of) {
                    return Err(damaged(&format!("the list {id} of {form} is of another type")));
                }
                for _ in 0..count {
                    match of {
                        FieldType::Struct(inner) => self.fields(inner, visit, depth + 1)?,
                        plain => drop(self.scalar(plain)?),
                    }
                }
                return Ok(());
            }
            plain => self.scalar(plain)?,
        };
        visit.visit_field(form, id, value)
    }

    fn scalar(&mut self, shape: &FieldType) -> Result<ThriftValue<'a>> {
        let outside = || damaged("it has a number beyond its type");
        Ok(match shape {
            FieldType::Byte => ThriftValue::Int(i64::from(self.byte()?)),
            FieldType::I16 => ThriftValue::Int(i16::try_from(self.integer()?).map_err(|_| outside())?.into()),
            FieldType::I32 => ThriftValue::Int(i32::try_from(self.integer()?).map_err(|_| outside())?.into()),
            FieldType::I64 => ThriftValue::Int(self.integer()?),
            FieldType::Double => ThriftValue::Bytes(self.take(8)?),
            FieldType::Binary => {
                let length = self.varint()?;
                ThriftValue::Bytes(self.take(usize::try_from(length).unwrap_or(usize::MAX))?)
            }
            FieldType::Bool | FieldType::Struct(_) | FieldType::List(_) => {
                return Err(damaged("a list is of another type"));
            }
        })
    }

    /// Skips an unknown field as the reader does.
    fn skip(&mut self, wire: u8, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            return Err(damaged("its structures are nested too deeply"));
        }
        match wire {
            1 | 2 => Ok(()),
            3 => self.byte().map(drop),
            4..=6 => self.varint().map(drop),
            7 => self.take(8).map(drop),
            8 => self.scalar(&FieldType::Binary).map(drop),
            9 => {
                let (of, count) = self.list()?;
                // Implementations disagree on whether a boolean in a list takes a byte; the format has no such list.
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

    /// Reads an unsigned LEB128 number (seven bits a byte).
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

/// Returns whether a wire type matches a field type.
fn is_of(wire: u8, shape: &FieldType) -> bool {
    match shape {
        FieldType::Bool => matches!(wire, 1 | 2),
        FieldType::Byte => wire == 3,
        FieldType::I16 => wire == 4,
        FieldType::I32 => wire == 5,
        FieldType::I64 => wire == 6,
        FieldType::Double => wire == 7,
        FieldType::Binary => wire == 8,
        FieldType::List(_) => wire == 9,
        FieldType::Struct(_) => wire == 12,
    }
}
