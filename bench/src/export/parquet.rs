//! A CSV table once more as Parquet, whose columns have types.
//!
//! One function of the CSV's text and of what its columns are declared to hold: what a program reads
//! from either is the same. A column is `BOOLEAN`, `INT64` (unsigned), `DOUBLE` or text as its
//! [`Columns`] say, whatever its cells look like: two runs have one schema. An empty cell is null.
//! All rows are one row group, not compressed: the library for that would be larger than the rest,
//! and the dictionaries that Parquet makes of repeated values do most of it.

use std::sync::Arc;

use anthill_engine::scenario::parse_count;
use anyhow::{Context as _, bail};
use parquet::basic::{ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::columns::{Columns, Kind};

/// The table as a Parquet file.
///
/// # Errors
/// If it is no table: a row without a cell for each column; if nobody declared a column, or a cell is
/// not what its column holds.
pub(crate) fn of_csv(csv: &[u8], columns: &Columns) -> anyhow::Result<Vec<u8>> {
    let mut reader = csv::Reader::from_reader(csv);
    let names: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> =
        reader.records().collect::<Result<_, _>>().context("cannot read the table again")?;
    let column = |index: usize| rows.iter().map(move |row| row.get(index).unwrap_or_default());
    let kind = |name: &String| {
        columns.kind(name).with_context(|| format!("nobody declared what the column {name} holds"))
    };
    let kinds: Vec<Kind> = names.iter().map(kind).collect::<Result<_, _>>()?;
    let fields = names.iter().zip(&kinds).map(|(name, kind)| kind.field(name).map(Arc::new));
    let schema =
        Type::group_type_builder("table").with_fields(fields.collect::<Result<_, _>>()?).build()?;
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties)?;
    let mut group = file.next_row_group()?;
    for (index, (kind, name)) in kinds.iter().zip(&names).enumerate() {
        let mut writer = group.next_column()?.context("a column for each field")?;
        kind.write(column(index), &mut writer).with_context(|| format!("column {name}"))?;
        writer.close()?;
    }
    group.close()?;
    Ok(file.into_inner()?)
}

impl Kind {
    fn field(self, name: &str) -> Result<Type, parquet::errors::ParquetError> {
        let (physical, converted) = match self {
            Self::Flag => (Physical::BOOLEAN, ConvertedType::NONE),
            Self::Count => (Physical::INT64, ConvertedType::UINT_64),
            Self::Number => (Physical::DOUBLE, ConvertedType::NONE),
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
            Self::Flag => {
                let values: Vec<bool> = full.map(str::parse).collect::<Result<_, _>>()?;
                writer.typed::<BoolType>().write_batch(&values, there, None)?;
            }
            Self::Count => {
                // The same bits; the field says that they have no sign.
                let value = |cell| count(cell).map(u64::cast_signed);
                let values: Vec<i64> = full.map(value).collect::<Result<_, _>>()?;
                writer.typed::<Int64Type>().write_batch(&values, there, None)?;
            }
            Self::Number => {
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

/// A whole number: as we print it, as a scenario's key takes it (`10k`), or the float that JSON's
/// readers make of one near 2⁶⁴.
fn count(cell: &str) -> anyhow::Result<u64> {
    if let Ok(count) = parse_count(cell) {
        return Ok(count);
    }
    match cell.parse::<f64>() {
        // The cast saturates.
        Ok(number) if number >= 0.0 && number.fract() == 0.0 => Ok(number as u64),
        _ => bail!("`{cell}` is no whole number from 0 on"),
    }
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

    fn columns() -> Columns {
        Columns::default()
            .with(Kind::Flag, "ok")
            .with(Kind::Count, "n m")
            .with(Kind::Number, "x y")
            .with(Kind::Text, "w digest")
    }

    fn table(csv: &str) -> anyhow::Result<Vec<u8>> {
        of_csv(csv.as_bytes(), &columns())
    }

    fn column(csv: &str) -> Vec<String> {
        read(table(csv).expect("a table")).remove(0).1
    }

    #[test]
    fn columns_have_the_type_of_their_declaration() {
        assert_eq!(column("ok\ntrue\nfalse\n"), ["bool true", "bool false"]);
        assert_eq!(column("n\n0\n18446744073709551615\n"), ["u64 0", "u64 18446744073709551615"]);
        assert_eq!(column("n\n10k\n18446744073709551616\n")[0], "u64 10000");
        assert_eq!(column("x\n0.1\n2\n1e300\n"), ["f64 0.1", "f64 2", &format!("f64 {}", 1e300)]);
        assert_eq!(column("w\n1\npush\n"), ["str 1", "str push"]);
        assert_eq!(column("w\n\"a,\"\"b\"\n"), ["str a,\"b"]);
        assert_eq!(column("digest\n1234567890123456\n"), ["str 1234567890123456"]);
    }

    /// The cells never say what a column is.
    #[test]
    fn the_schema_is_the_same_for_any_cells() {
        let schema = |csv: &str| {
            let bytes = bytes::Bytes::from(table(csv).expect("a table"));
            let reader = SerializedFileReader::new(bytes).expect("a file");
            format!("{:?}", reader.metadata().file_metadata().schema())
        };
        let first = schema("ok,n,x,w\ntrue,1,1,1\n");
        for other in ["", "false,18446744073709551615,0.5,true\n", ",,,\n", ",7,,x\n"] {
            assert_eq!(schema(&format!("ok,n,x,w\n{other}")), first, "{other}");
        }
    }

    #[test]
    fn what_is_not_declared_or_not_of_its_kind_is_an_error() {
        for (csv, part) in [
            ("z\n1\n", "the column z"),
            ("n\n-1\n", "column n: `-1` is no whole number"),
            ("n\n0.5\n", "column n: `0.5`"),
            ("ok\n1\n", "column ok"),
            ("x\npush\n", "column x"),
            ("n,m\n1\n", "cannot read the table again"),
        ] {
            let error = format!("{:#}", table(csv).expect_err("refused"));
            assert!(error.contains(part), "{csv:?}: {error}");
        }
    }

    #[test]
    fn an_empty_cell_is_null() {
        assert_eq!(column("x,y\n0.5,1\n,1\n7,1\n"), ["f64 0.5", "", "f64 7"]);
        assert_eq!(column("n,y\n,1\n,1\n"), ["", ""]);
        assert_eq!(column("w,y\na,1\n,1\n"), ["str a", ""]);
    }

    #[test]
    fn a_table_without_rows_keeps_its_columns() {
        let columns = read(table("n,m\n").expect("a table"));
        assert_eq!(columns, [("n".to_owned(), vec![]), ("m".to_owned(), vec![])]);
    }

    #[test]
    fn the_same_table_gives_the_same_bytes() {
        let csv = "n,digest,x\n0,45a98628d1f3ced0,1\n5,45a98628d1f3ced1,2.5\n";
        assert_eq!(table(csv).expect("a table"), table(csv).expect("a table"));
    }
}
