//! Definitions of the structures in a Parquet footer and page header that the reader knows (parquet.thrift,
//! apache/parquet-format 2.12). The reader skips fields that are not listed here.

/// A structure and its known fields by number.
pub struct StructDef {
    pub name: &'static str,
    pub fields: &'static [(i16, FieldType)],
}

/// The type of a field.
pub enum FieldType {
    Bool,
    Byte,
    I16,
    I32,
    I64,
    Double,
    Binary,
    Struct(&'static StructDef),
    List(&'static FieldType),
}

use FieldType::{Binary, Bool, Byte, Double, I16, I32, I64, List, Struct};

/// The structure of a footer (`FileMetaData`).
pub static FILE: StructDef = StructDef {
    name: "FileMetaData",
    fields: &[
        (1, I32),
        (2, List(&Struct(&SCHEMA_ELEMENT))),
        (3, I64),
        (4, List(&Struct(&ROW_GROUP))),
        (5, List(&Struct(&KEY_VALUE))),
        (6, Binary),
        (7, List(&Struct(&COLUMN_ORDER))),
        (9, Binary),
    ],
};

static SCHEMA_ELEMENT: StructDef = StructDef {
    name: "SchemaElement",
    fields: &[
        (1, I32),
        (2, I32),
        (3, I32),
        (4, Binary),
        (5, I32),
        (6, I32),
        (7, I32),
        (8, I32),
        (9, I32),
        (10, Struct(&LOGICAL_TYPE)),
    ],
};

/// A union; its empty members only name a type.
static LOGICAL_TYPE: StructDef = StructDef {
    name: "LogicalType",
    fields: &[
        (1, Struct(&NOTHING)),
        (2, Struct(&NOTHING)),
        (3, Struct(&NOTHING)),
        (4, Struct(&NOTHING)),
        (5, Struct(&DECIMAL)),
        (6, Struct(&NOTHING)),
        (7, Struct(&TIME)),
        (8, Struct(&TIME)),
        (10, Struct(&INTEGER)),
        (11, Struct(&NOTHING)),
        (12, Struct(&NOTHING)),
        (13, Struct(&NOTHING)),
        (14, Struct(&NOTHING)),
        (15, Struct(&NOTHING)),
        (16, Struct(&VARIANT)),
        (17, Struct(&GEOMETRY)),
        (18, Struct(&GEOGRAPHY)),
    ],
};

static NOTHING: StructDef = StructDef { name: "nothing", fields: &[] };
static DECIMAL: StructDef = StructDef { name: "DecimalType", fields: &[(1, I32), (2, I32)] };
static TIME: StructDef = StructDef { name: "TimeType", fields: &[(1, Bool), (2, Struct(&TIME_UNIT))] };
static TIME_UNIT: StructDef = StructDef {
    name: "TimeUnit",
    fields: &[(1, Struct(&NOTHING)), (2, Struct(&NOTHING)), (3, Struct(&NOTHING))],
};
static INTEGER: StructDef = StructDef { name: "IntType", fields: &[(1, Byte), (2, Bool)] };
static VARIANT: StructDef = StructDef { name: "VariantType", fields: &[(1, Byte)] };
static GEOMETRY: StructDef = StructDef { name: "GeometryType", fields: &[(1, Binary)] };
static GEOGRAPHY: StructDef = StructDef { name: "GeographyType", fields: &[(1, Binary), (2, I32)] };

static ROW_GROUP: StructDef = StructDef {
    name: "RowGroup",
    fields: &[
        (1, List(&Struct(&COLUMN_CHUNK))),
        (2, I64),
        (3, I64),
        (4, List(&Struct(&SORTING_COLUMN))),
        (5, I64),
        (6, I64),
        (7, I16),
    ],
};

static SORTING_COLUMN: StructDef =
    StructDef { name: "SortingColumn", fields: &[(1, I32), (2, Bool), (3, Bool)] };

static COLUMN_CHUNK: StructDef = StructDef {
    name: "ColumnChunk",
    fields: &[
        (1, Binary),
        (2, I64),
        (3, Struct(&COLUMN_METADATA)),
        (4, I64),
        (5, I32),
        (6, I64),
        (7, I32),
        (9, Binary),
    ],
};

static COLUMN_METADATA: StructDef = StructDef {
    name: "ColumnMetaData",
    fields: &[
        (1, I32),
        (2, List(&I32)),
        (3, List(&Binary)),
        (4, I32),
        (5, I64),
        (6, I64),
        (7, I64),
        (8, List(&Struct(&KEY_VALUE))),
        (9, I64),
        (10, I64),
        (11, I64),
        (12, Struct(&STATISTICS)),
        (13, List(&Struct(&ENCODING_STATS))),
        (14, I64),
        (15, I32),
        (16, Struct(&SIZE_STATISTICS)),
        (17, Struct(&GEOSPATIAL)),
    ],
};

static STATISTICS: StructDef = StructDef {
    name: "Statistics",
    fields: &[(1, Binary), (2, Binary), (3, I64), (4, I64), (5, Binary), (6, Binary), (7, Bool), (8, Bool)],
};

static ENCODING_STATS: StructDef =
    StructDef { name: "PageEncodingStats", fields: &[(1, I32), (2, I32), (3, I32)] };
static SIZE_STATISTICS: StructDef =
    StructDef { name: "SizeStatistics", fields: &[(1, I64), (2, List(&I64)), (3, List(&I64))] };
static GEOSPATIAL: StructDef =
    StructDef { name: "GeospatialStatistics", fields: &[(1, Struct(&BOUNDING_BOX)), (2, List(&I32))] };
static BOUNDING_BOX: StructDef = StructDef {
    name: "BoundingBox",
    fields: &[
        (1, Double),
        (2, Double),
        (3, Double),
        (4, Double),
        (5, Double),
        (6, Double),
        (7, Double),
        (8, Double),
    ],
};

static KEY_VALUE: StructDef = StructDef { name: "KeyValue", fields: &[(1, Binary), (2, Binary)] };
static COLUMN_ORDER: StructDef =
    StructDef { name: "ColumnOrder", fields: &[(1, Struct(&NOTHING)), (2, Struct(&NOTHING))] };

/// The structure before each page of a column chunk (`PageHeader`).
pub static PAGE: StructDef = StructDef {
    name: "PageHeader",
    fields: &[
        (1, I32),
        (2, I32),
        (3, I32),
        (4, I32),
        (5, Struct(&DATA_PAGE)),
        (6, Struct(&NOTHING)),
        (7, Struct(&DICTIONARY_PAGE)),
        (8, Struct(&DATA_PAGE_V2)),
    ],
};

static DATA_PAGE: StructDef = StructDef {
    name: "DataPageHeader",
    fields: &[(1, I32), (2, I32), (3, I32), (4, I32), (5, Struct(&STATISTICS))],
};
static DICTIONARY_PAGE: StructDef =
    StructDef { name: "DictionaryPageHeader", fields: &[(1, I32), (2, I32), (3, Bool)] };
static DATA_PAGE_V2: StructDef = StructDef {
    name: "DataPageHeaderV2",
    fields: &[
        (1, I32),
        (2, I32),
        (3, I32),
        (4, I32),
        (5, I32),
        (6, I32),
        (7, Bool),
        (8, Struct(&STATISTICS)),
    ],
};
