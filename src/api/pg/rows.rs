//! Encoder of record batches as PostgreSQL rows, in the requested formats.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_pg::datatypes::arrow_schema_to_pg_fields;
use arrow_pg::row_encoder::RowEncoder;
use pgwire::api::portal::Format;
use pgwire::api::results::{FieldFormat, FieldInfo};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::{FieldDescription, RowDescription};

use super::error::PgError;
use crate::app::sql::{has_value_text, value_texts};
use crate::domain::Error;

/// Maximum columns of a result, as in PostgreSQL; the protocol counts them in 16 bits.
const MAX_COLUMNS: usize = 1664;
/// Maximum digits of a decimal that the encoder supports.
const MAX_DECIMAL_DIGITS: u8 = 28;

/// Columns of a result with their PostgreSQL types and formats.
#[derive(Debug, Clone)]
pub struct ResultColumns {
    /// Schema to which batches are cast before they are encoded.
    schema: SchemaRef,
    /// The same after columns have been given their texts.
    encoded: SchemaRef,
    fields: Arc<Vec<FieldInfo>>,
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
        let fields = schema.fields().iter().map(encodable).collect::<Vec<_>>();
        let schema = Arc::new(Schema::new(fields));
        let fields = arrow_schema_to_pg_fields(&schema, &format, None).map_err(|e| {
            let message = "not supported: a column of a type that PostgreSQL's protocol has none for";
            PgError::Domain(Error::invalid(message).with_source(e))
        })?;
        let encoded =
            schema.fields().iter().zip(&fields).map(|(field, info)| match has_own_text(field, info) {
                true => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8)),
                false => Arc::clone(field),
            });
        let encoded = Arc::new(Schema::new(encoded.collect::<Vec<_>>()));
        Ok(ResultColumns { schema, encoded, fields: Arc::new(fields) })
    }

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
    pub fn encode(&self, batch: &RecordBatch) -> Result<RowEncoder, PgError> {
        let cast = self.cast(batch);
        let batch =
            cast.map_err(|e| Error::internal("an answer of other columns than described").with_source(e))?;
        Ok(RowEncoder::new(batch, self.fields.clone()))
    }

    fn cast(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let texts =
            |column: &ArrayRef| value_texts(column).map_err(|why| ArrowError::ExternalError(Box::new(why)));
        let columns = batch.columns().iter().zip(self.schema.fields());
        let columns = columns.zip(self.fields.iter()).map(|((column, field), info)| {
            let column = match column.data_type() == field.data_type() {
                true => column.clone(),
                false if *field.data_type() == DataType::Utf8 && has_value_text(column.data_type()) => {
                    texts(column)?
                }
                false => cast(column, field.data_type())?,
            };
            if has_own_text(field, info) { texts(&column) } else { Ok(column) }
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, ArrowError>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.encoded.clone(), columns, &options)
    }
}

/// Whether the values of a column are sent as texts of ours.
fn has_own_text(field: &Field, info: &FieldInfo) -> bool {
    info.format() == FieldFormat::Text && has_value_text(field.data_type())
}

/// Returns the field with a type that the encoder supports without loss: timestamps in UTC, dictionaries as their
/// values, long decimals and intervals as text (it mishandles null intervals).
fn encodable(field: &Arc<Field>) -> Arc<Field> {
    let data_type = match field.data_type() {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
        DataType::Interval(_) | DataType::Duration(_) | DataType::Decimal256(..) => DataType::Utf8,
        DataType::Decimal128(precision, _) if *precision > MAX_DECIMAL_DIGITS => DataType::Utf8,
        DataType::Decimal32(..) | DataType::Decimal64(..) => DataType::Float64,
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        DataType::Float16 => DataType::Float32,
        _ => return field.clone(),
    };
    // Only nullability is lost, which the protocol does not carry.
    Arc::new(field.as_ref().clone().with_data_type(data_type).with_nullable(true))
}
