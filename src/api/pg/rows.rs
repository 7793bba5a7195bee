//! Encoder of record batches as PostgreSQL rows, in the requested formats.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_pg::datatypes::{PG_OID_ALIAS_KEY, arrow_schema_to_pg_fields};
use arrow_pg::row_encoder::RowEncoder;
use pgwire::api::Type;
use pgwire::api::portal::Format;
use pgwire::api::results::{FieldFormat, FieldInfo};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::{FieldDescription, RowDescription};

use super::error::PgError;
use super::{interval, numeric, result_type, text};
use crate::domain::Error;

/// Maximum columns of a result, as in PostgreSQL; the protocol counts them in 16 bits.
const MAX_COLUMNS: usize = 1664;

/// Columns of a result with their PostgreSQL types and formats.
#[derive(Debug, Clone)]
pub struct ResultColumns {
    /// Schema to which batches are cast before they are encoded.
    schema: SchemaRef,
    /// Encoder of each column.
    encodings: Vec<Encoding>,
    /// The schema after our own encoding.
    encoded: SchemaRef,
    /// Descriptions for the client.
    fields: Vec<FieldInfo>,
    /// Descriptions for the library, to which columns of our own encoding are texts or bytes.
    written: Arc<Vec<FieldInfo>>,
}

impl ResultColumns {
    /// Takes the `formats` of a Bind message: none for text, one for all, or one each.
    pub fn new(schema: &SchemaRef, formats: &[i16]) -> Result<ResultColumns, PgError> {
        let count = schema.fields().len();
        if count > MAX_COLUMNS {
            return Err(PgError::Protocol(
                "54011",
                format!("an answer of {count} columns; {MAX_COLUMNS} are the most"),
            ));
        }
        if formats.len() > 1 && formats.len() != count {
            let message = format!("{} formats for an answer of {count} columns", formats.len());
            return Err(PgError::Protocol("08P01", message));
        }
        let format = match formats {
            [] => Format::UnifiedText,
            [one] => Format::from(*one),
            each => Format::Individual(each.to_vec()),
        };
        let fields = schema.fields().iter().map(sent_field).collect::<Vec<_>>();
        let schema = Arc::new(Schema::new(fields));
        let fields = arrow_schema_to_pg_fields(&schema, &format, None).map_err(|e| {
            let message = "not supported: a column of a type that PostgreSQL's protocol has none for";
            PgError::Domain(Error::invalid(message).with_source(e))
        })?;
        let columns = schema.fields().iter().zip(&fields);
        let encodings = columns.map(|(field, info)| Encoding::of(field, info)).collect::<Vec<_>>();
        let encoded = schema.fields().iter().zip(&encodings).map(|(field, encoding)| encoding.field(field));
        let encoded = Arc::new(Schema::new(encoded.collect::<Vec<_>>()));
        let written = fields.iter().zip(&encodings).map(|(info, encoding)| encoding.info(info));
        let written = Arc::new(written.collect());
        Ok(ResultColumns { schema, encodings, encoded, fields, written })
    }

    /// Builds the RowDescription message, which comes before the rows of a simple query and answers Describe.
    pub fn description(&self) -> PgWireBackendMessage {
        let fields = self.fields.iter().map(FieldDescription::from).collect();
        PgWireBackendMessage::RowDescription(RowDescription::new(fields))
    }

    /// Returns the schema to which batches are cast.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the names of the columns.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.fields.iter().map(FieldInfo::name)
    }

    /// Whether these columns are sent in the same types and formats as `other`.
    pub fn is_encoded_as(&self, other: &ResultColumns) -> bool {
        self.fields == other.fields
    }

    /// Encodes the rows of a batch, cast to the described types.
    ///
    /// # Errors
    /// SQLSTATE 22003 for an unsigned number that `bigint` does not hold.
    pub fn encode(&self, batch: &RecordBatch) -> Result<RowEncoder, PgError> {
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns.zip(&self.encodings).map(|((column, field), encoding)| {
            let column = result_type::convert(column, field.data_type())
                .map_err(|why| conversion_error(column.data_type(), field.name(), why))?;
            encoding.apply(column).map_err(mismatch)
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, PgError>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let batch = RecordBatch::try_new_with_options(self.encoded.clone(), columns, &options);
        Ok(RowEncoder::new(batch.map_err(mismatch)?, self.written.clone()))
    }
}

fn mismatch(why: ArrowError) -> PgError {
    Error::internal("an answer of other columns than described").with_source(why).into()
}

fn conversion_error(from: &DataType, name: &str, why: ArrowError) -> PgError {
    match from {
        DataType::UInt64 => {
            let message =
                format!("bigint out of range: the column \"{name}\" has a value above {}", i64::MAX);
            PgError::Protocol("22003", message)
        }
        _ => mismatch(why),
    }
}

/// Encoder of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// The library.
    Library,
    /// We write their texts.
    Text,
    /// We write intervals in the binary format: the library mishandles null intervals.
    BinaryInterval,
    /// We write decimals in the binary format: the library has none of more than 28 digits.
    BinaryNumeric,
}

impl Encoding {
    fn of(field: &Field, info: &FieldInfo) -> Encoding {
        match (info.format(), field.data_type()) {
            (FieldFormat::Text, data_type) if text::has_own_text(data_type) => Encoding::Text,
            (FieldFormat::Binary, DataType::Interval(_)) => Encoding::BinaryInterval,
            (FieldFormat::Binary, DataType::Decimal128(..)) => Encoding::BinaryNumeric,
            _ => Encoding::Library,
        }
    }

    /// Returns the field of the encoded values.
    fn field(self, field: &Arc<Field>) -> Arc<Field> {
        match self {
            Encoding::Library => Arc::clone(field),
            Encoding::Text => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
            Encoding::BinaryInterval | Encoding::BinaryNumeric => {
                Arc::new(Field::new(field.name(), DataType::Binary, true))
            }
        }
    }

    /// Returns what the library is told of the column, so that it changes nothing of what we encoded.
    fn info(self, info: &FieldInfo) -> FieldInfo {
        let written_as = match self {
            Encoding::Library => return info.clone(),
            Encoding::Text => Type::TEXT,
            Encoding::BinaryInterval | Encoding::BinaryNumeric => Type::BYTEA,
        };
        FieldInfo::new(info.name().to_owned(), None, None, written_as, info.format())
    }

    fn apply(self, column: ArrayRef) -> Result<ArrayRef, ArrowError> {
        match self {
            Encoding::Library => Ok(column),
            Encoding::Text => text::texts(&column),
            Encoding::BinaryInterval => Ok(interval::binary(&column)),
            Encoding::BinaryNumeric => numeric::binary(&column),
        }
    }
}

/// Returns the field with the type that is sent.
fn sent_field(field: &Arc<Field>) -> Arc<Field> {
    let mut sent = field.as_ref().clone().with_data_type(result_type::sent_type(field.data_type()));
    if sent.data_type() == &DataType::Utf8 {
        // `pg_catalog` has functions by their names, which are no numbers as clients expect of `regproc`.
        sent.metadata_mut().remove(PG_OID_ALIAS_KEY);
    }
    // Only nullability is lost, which the protocol does not carry.
    Arc::new(sent.with_nullable(true))
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
