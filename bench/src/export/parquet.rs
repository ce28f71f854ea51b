//! A CSV table once more as Parquet, whose columns have types.
//!
//! One function of the CSV's text: what a program reads from either is the same, and no command
//! describes its columns twice. A column is `BOOLEAN`, `INT64` (unsigned if a value needs it) or
//! `DOUBLE` if each of its cells that is not empty is one exactly as CSV has it, and text
//! otherwise; an empty cell is null. Digests are text, though one may consist of digits. All rows
//! are one row group, not compressed: the library for that would be larger than the rest, and the
//! dictionaries that Parquet makes of repeated values do most of it.

use std::sync::Arc;

use anyhow::Context as _;
use parquet::basic::{ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

/// Columns that are text whatever their cells look like.
const TEXT: [&str; 1] = ["digest"];

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Boolean,
    Signed,
    Unsigned,
    Double,
    Text,
}

/// The table as a Parquet file.
///
/// # Errors
/// If it is no table: a row without a cell for each column.
pub(crate) fn of_csv(csv: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut reader = csv::Reader::from_reader(csv);
    let names: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> =
        reader.records().collect::<Result<_, _>>().context("cannot read the table again")?;
    let column = |index: usize| rows.iter().map(move |row| row.get(index).unwrap_or_default());
    let kinds: Vec<Kind> = names.iter().enumerate().map(|(i, n)| Kind::of(n, column(i))).collect();
    let fields = names.iter().zip(&kinds).map(|(name, kind)| kind.field(name).map(Arc::new));
    let schema =
        Type::group_type_builder("table").with_fields(fields.collect::<Result<_, _>>()?).build()?;
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties)?;
    let mut group = file.next_row_group()?;
    for (index, kind) in kinds.iter().enumerate() {
        let mut writer = group.next_column()?.context("a column for each field")?;
        kind.write(column(index), &mut writer)?;
        writer.close()?;
    }
    group.close()?;
    Ok(file.into_inner()?)
}

impl Kind {
    /// The narrowest that every cell is.
    fn of<'a>(name: &str, cells: impl Iterator<Item = &'a str> + Clone) -> Self {
        let full = cells.filter(|cell| !cell.is_empty());
        let every = |is: fn(&str) -> bool| full.clone().all(is);
        if TEXT.contains(&name) {
            Self::Text
        } else if full.clone().next().is_none() {
            // As pandas reads it.
            Self::Double
        } else if every(|cell| cell.parse::<bool>().is_ok()) {
            Self::Boolean
        } else if every(|cell| whole(cell) && cell.parse::<i64>().is_ok()) {
            Self::Signed
        } else if every(|cell| whole(cell) && cell.parse::<u64>().is_ok()) {
            Self::Unsigned
        } else if every(|cell| numeral(cell) && cell.parse::<f64>().is_ok()) {
            Self::Double
        } else {
            Self::Text
        }
    }

    fn field(self, name: &str) -> Result<Type, parquet::errors::ParquetError> {
        let (physical, converted) = match self {
            Self::Boolean => (Physical::BOOLEAN, ConvertedType::NONE),
            Self::Signed => (Physical::INT64, ConvertedType::NONE),
            Self::Unsigned => (Physical::INT64, ConvertedType::UINT_64),
            Self::Double => (Physical::DOUBLE, ConvertedType::NONE),
            Self::Text => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_converted_type(converted)
            .build()
    }

    fn write<'a>(
        self,
        cells: impl Iterator<Item = &'a str> + Clone,
        writer: &mut SerializedColumnWriter<'_>,
    ) -> anyhow::Result<()> {
        let there: Vec<i16> = cells.clone().map(|cell| i16::from(!cell.is_empty())).collect();
        let there = Some(&there[..]);
        let full = cells.filter(|cell| !cell.is_empty());
        match self {
            Self::Boolean => {
                let values: Vec<bool> = full.map(str::parse).collect::<Result<_, _>>()?;
                writer.typed::<BoolType>().write_batch(&values, there, None)?;
            }
            Self::Signed => {
                let values: Vec<i64> = full.map(str::parse).collect::<Result<_, _>>()?;
                writer.typed::<Int64Type>().write_batch(&values, there, None)?;
            }
            Self::Unsigned => {
                // The same bits; the field says that they have no sign.
                let value = |cell: &str| cell.parse::<u64>().map(u64::cast_signed);
                let values: Vec<i64> = full.map(value).collect::<Result<_, _>>()?;
                writer.typed::<Int64Type>().write_batch(&values, there, None)?;
            }
            Self::Double => {
                let values: Vec<f64> = full.map(str::parse).collect::<Result<_, _>>()?;
                writer.typed::<DoubleType>().write_batch(&values, there, None)?;
            }
            Self::Text => {
                let values: Vec<ByteArray> = full.map(ByteArray::from).collect();
                writer.typed::<ByteArrayType>().write_batch(&values, there, None)?;
            }
        }
        Ok(())
    }
}

/// Digits that would be printed the same: `007` and `+1` are names.
fn whole(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    digits == "0" || (!digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What Rust prints a number as; not the names of those that are none.
fn numeral(cell: &str) -> bool {
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits
            .strip_prefix('0')
            .is_none_or(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    /// Type and cells of each column, read back with the library.
    fn read(bytes: Vec<u8>) -> Vec<(String, Vec<String>)> {
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("a file");
        let mut columns: Vec<(String, Vec<String>)> = Vec::new();
        for field in reader.metadata().file_metadata().schema().get_fields() {
            columns.push((field.name().to_owned(), Vec::new()));
        }
        for row in reader.get_row_iter(None).expect("rows") {
            for (column, (_, field)) in
                columns.iter_mut().zip(row.expect("a row").get_column_iter())
            {
                column.1.push(match field {
                    Field::Null => String::new(),
                    Field::Bool(value) => format!("bool {value}"),
                    Field::Long(value) => format!("i64 {value}"),
                    Field::ULong(value) => format!("u64 {value}"),
                    Field::Double(value) => format!("f64 {value}"),
                    Field::Str(value) => format!("str {value}"),
                    other => panic!("{other:?}"),
                });
            }
        }
        columns
    }

    fn column(csv: &str) -> Vec<String> {
        read(of_csv(csv.as_bytes()).expect("a table")).remove(0).1
    }

    #[test]
    fn columns_have_the_type_of_their_cells() {
        assert_eq!(column("ok\ntrue\nfalse\n"), ["bool true", "bool false"]);
        assert_eq!(column("n\n-3\n9007199254740993\n"), ["i64 -3", "i64 9007199254740993"]);
        assert_eq!(column("n\n0\n18446744073709551615\n"), ["u64 0", "u64 18446744073709551615"]);
        assert_eq!(column("x\n0.1\n2\n1e300\n"), ["f64 0.1", "f64 2", &format!("f64 {}", 1e300)]);
        assert_eq!(column("w\n1\npush\n"), ["str 1", "str push"]);
        assert_eq!(column("w\n\"a,\"\"b\"\n"), ["str a,\"b"]);
    }

    #[test]
    fn what_only_looks_like_a_number_stays_text() {
        assert_eq!(column("digest\n1234567890123456\n"), ["str 1234567890123456"]);
        for text in ["007", "+1", "inf", "NaN", "1e", "0x1", "-", "00.5", ".5"] {
            assert_eq!(column(&format!("w\n{text}\n")), [format!("str {text}")]);
        }
    }

    #[test]
    fn an_empty_cell_is_null() {
        assert_eq!(column("x,y\n0.5,1\n,1\n7,1\n"), ["f64 0.5", "", "f64 7"]);
        assert_eq!(column("x,y\n,1\n,1\n"), ["", ""]);
        assert_eq!(column("x,y\na,1\n,1\n"), ["str a", ""]);
    }

    #[test]
    fn a_table_without_rows_keeps_its_columns() {
        let columns = read(of_csv(b"a,b\n").expect("a table"));
        assert_eq!(columns, [("a".to_owned(), vec![]), ("b".to_owned(), vec![])]);
        assert!(of_csv(b"a,b\n1\n").is_err(), "a row that is too short");
    }

    #[test]
    fn the_same_table_gives_the_same_bytes() {
        let csv = b"start_ns,digest,x\n0,45a98628d1f3ced0,1\n5,45a98628d1f3ced1,2.5\n";
        assert_eq!(of_csv(csv).expect("a table"), of_csv(csv).expect("a table"));
    }
}
