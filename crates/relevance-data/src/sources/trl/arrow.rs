//! Training records to and from Arrow columns.

use super::TrlColumn;
use super::object::Object;
use crate::sources::parquet_columns::{integer_of, text_of};
use arrow_array::builder::{
    BooleanBuilder, Float64Builder, ListBuilder, StringBuilder, StructBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema};
use serde_json::Value;
use std::sync::Arc;

/// Whether [`value_of`] can read a column of this type.
pub(super) fn is_readable(found: &DataType) -> bool {
    use DataType::{
        Boolean, Dictionary, Float32, Float64, Int8, Int16, Int32, Int64, LargeList, LargeUtf8,
        List, Null, Struct, UInt8, UInt16, UInt32, UInt64, Utf8, Utf8View,
    };
    match found {
        Null | Boolean | Float32 | Float64 | Utf8 | LargeUtf8 | Utf8View => true,
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 => true,
        Dictionary(_, values) => is_readable(values),
        List(element) | LargeList(element) => is_readable(element.data_type()),
        Struct(fields) => fields.iter().all(|field| is_readable(field.data_type())),
        _ => false,
    }
}

/// The rows of a batch as objects; nulls are left out.
pub(super) fn objects_of(batch: &RecordBatch) -> Vec<Object> {
    let schema = batch.schema();
    let row = |index| {
        let cells = schema.fields().iter().zip(batch.columns());
        cells
            .map(|(field, array)| (field.name().clone(), value_of(array, index)))
            .filter(|(_, value)| !value.is_null())
            .collect()
    };
    (0..batch.num_rows()).map(row).collect()
}

/// One cell as JSON. What is no number in JSON (NaN, infinities) is null there.
fn value_of(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Float32 => f64::from(array.as_primitive::<Float32Type>().value(row)).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::UInt8 => array.as_primitive::<UInt8Type>().value(row).into(),
        DataType::UInt16 => array.as_primitive::<UInt16Type>().value(row).into(),
        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::List(_) => elements(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => elements(&array.as_list::<i64>().value(row)),
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            let members = fields.iter().zip(columns);
            let members =
                members.map(|(field, array)| (field.name().clone(), value_of(array, row)));
            Value::Object(members.collect())
        }
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            integer_of(array, row).map_or(Value::Null, Value::from)
        }
        _ => text_of(array, row).map_or(Value::Null, |text| text.into()),
    }
}

fn elements(array: &ArrayRef) -> Value {
    (0..array.len()).map(|row| value_of(array, row)).collect()
}

/// The Arrow type of a column.
pub(super) fn data_type(column: TrlColumn) -> DataType {
    match column {
        TrlColumn::Text => DataType::Utf8,
        TrlColumn::Flag => DataType::Boolean,
        TrlColumn::Score => DataType::Float64,
        TrlColumn::Conversation => DataType::List(turn_field()),
    }
}

fn turn_field() -> Arc<Field> {
    let turn = DataType::Struct(turn_fields());
    Arc::new(Field::new("element", turn, false))
}

fn turn_fields() -> Fields {
    let text = |name| Field::new(name, DataType::Utf8, false);
    [text("role"), text("content")].into_iter().collect()
}

/// Rows of a record type's columns as a batch.
///
/// The rows come from serde's view of a record, whose fields are the columns, so each value is of its
/// column's kind; a missing one is null, which only a score may be.
pub(super) fn batch_of(
    schema: &Arc<Schema>,
    columns: &[(&str, TrlColumn)],
    rows: &[Object],
) -> Result<RecordBatch, ArrowError> {
    let arrays = columns.iter().map(|(name, column)| {
        let cells = rows.iter().map(|row| row.get(*name));
        array_of(*column, cells)
    });
    RecordBatch::try_new(Arc::clone(schema), arrays.collect())
}

fn array_of<'a>(column: TrlColumn, cells: impl Iterator<Item = Option<&'a Value>>) -> ArrayRef {
    match column {
        TrlColumn::Text => {
            let mut texts = StringBuilder::new();
            cells.for_each(|cell| texts.append_option(cell.and_then(Value::as_str)));
            Arc::new(texts.finish())
        }
        TrlColumn::Flag => {
            let mut flags = BooleanBuilder::new();
            cells.for_each(|cell| flags.append_option(cell.and_then(Value::as_bool)));
            Arc::new(flags.finish())
        }
        TrlColumn::Score => {
            let mut scores = Float64Builder::new();
            cells.for_each(|cell| scores.append_option(cell.and_then(Value::as_f64)));
            Arc::new(scores.finish())
        }
        TrlColumn::Conversation => conversations(cells),
    }
}

fn conversations<'a>(cells: impl Iterator<Item = Option<&'a Value>>) -> ArrayRef {
    let turns = StructBuilder::from_fields(turn_fields(), 0);
    let mut conversations = ListBuilder::new(turns).with_field(turn_field());
    for cell in cells {
        let cell = cell.and_then(Value::as_array);
        for turn in cell.into_iter().flatten() {
            let turns = conversations.values();
            for (index, key) in ["role", "content"].into_iter().enumerate() {
                let texts = turns.field_builder::<StringBuilder>(index);
                let texts = texts.expect("turn_fields makes both of text");
                texts.append_option(turn.get(key).and_then(Value::as_str));
            }
            turns.append(true);
        }
        conversations.append(cell.is_some());
    }
    Arc::new(conversations.finish())
}
