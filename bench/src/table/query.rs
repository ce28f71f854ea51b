//! Which rows of the table are wanted, in which order: checked against its columns.

use anthill_engine::scenario::{nearest, parse_count};
use anthill_protocol::{Column, Holds};
use thiserror::Error;

use super::{MOST_ROWS, Value};
use crate::args::RowArgs;
use crate::units;

/// Rows that are printed without `--limit`.
const DEFAULT_LIMIT: usize = 20;

/// What every node has, whatever it runs.
const COMMON: [Column; 2] = [
    Column { name: "node", about: "its id", holds: Holds::Figure },
    Column { name: "region", about: "where it is", holds: Holds::Word },
];

/// What cannot be asked for.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum QueryError {
    #[error("{flag} {value}: there is no column `{name}`{hint}; columns: {columns}")]
    NoColumn { flag: &'static str, value: String, name: String, hint: String, columns: String },
    #[error("--where {0}: write a column, one of = != < <= > >=, and a value, as in credit>100")]
    NoCondition(String),
    #[error("--where {value}: `{column}` holds figures, and `{with}` {problem}")]
    NoFigure { value: String, column: &'static str, with: String, problem: String },
    #[error("--where {value}: `{column}` holds words, which only = and != compare")]
    WordOrder { value: String, column: &'static str },
    #[error("--sort {0}: write the column alone, or with :desc or :asc")]
    NoOrder(String),
    #[error("--limit {value} {problem}")]
    Limit { value: String, problem: String },
}

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Query {
    columns: Vec<Column>,
    conditions: Vec<Condition>,
    order: Option<(usize, bool)>,
    limit: usize,
}

#[derive(Debug)]
struct Condition {
    column: usize,
    relation: Relation,
    with: Operand,
}

#[derive(Debug)]
enum Operand {
    Count(u64),
    Word(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// The longer ones first, so that `<=` is not read as `<`.
const RELATIONS: [(&str, Relation); 6] = [
    ("!=", Relation::Unequal),
    ("<=", Relation::AtMost),
    (">=", Relation::AtLeast),
    ("=", Relation::Equal),
    ("<", Relation::Less),
    (">", Relation::Greater),
];

impl Query {
    /// Checks what was asked for.
    ///
    /// # Errors
    /// On what the columns do not have.
    pub(crate) fn new(args: &RowArgs, columns: &[Column]) -> Result<Self, QueryError> {
        let columns = [&COMMON, columns].concat();
        let order = match &args.sort {
            Some(text) => Some(order(text, &columns)?),
            None => None,
        };
        let condition = |text: &String| condition(text, &columns);
        let conditions = args.conditions.iter().map(condition).collect::<Result<_, _>>()?;
        let limit = args.limit.as_deref().map_or(Ok(DEFAULT_LIMIT), limit)?;
        Ok(Self { columns, conditions, order, limit })
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The column to sort by, and whether the greatest comes first.
    pub(crate) fn order(&self) -> Option<(usize, bool)> {
        self.order
    }

    /// Rows to print.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Whether a row of these values is wanted.
    pub(crate) fn admits<'a>(&self, value: impl Fn(usize) -> Value<'a>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(value(condition.column)))
    }
}

impl Condition {
    fn holds(&self, value: Value<'_>) -> bool {
        let with = match &self.with {
            Operand::Count(count) => Value::Count(*count),
            Operand::Word(word) => Value::Word(word),
        };
        match self.relation {
            Relation::Equal => value == with,
            Relation::Unequal => value != with,
            Relation::Less => value < with,
            Relation::AtMost => value <= with,
            Relation::Greater => value > with,
            Relation::AtLeast => value >= with,
        }
    }
}

fn column(
    name: &str,
    (flag, value): (&'static str, &str),
    columns: &[Column],
) -> Result<usize, QueryError> {
    let names = || columns.iter().map(|column| column.name);
    names().position(|known| known == name).ok_or_else(|| QueryError::NoColumn {
        flag,
        value: value.to_owned(),
        name: name.to_owned(),
        hint: nearest(name, names())
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?")),
        columns: names().collect::<Vec<_>>().join(", "),
    })
}

fn order(text: &str, columns: &[Column]) -> Result<(usize, bool), QueryError> {
    let (name, descending) = match text.split_once(':') {
        None | Some((_, "asc")) => (text.trim_end_matches(":asc"), false),
        Some((name, "desc")) => (name, true),
        Some(_) => return Err(QueryError::NoOrder(text.to_owned())),
    };
    Ok((column(name, ("--sort", text), columns)?, descending))
}

fn condition(text: &str, columns: &[Column]) -> Result<Condition, QueryError> {
    // The first place where a relation stands; of several there, the longest.
    let place = text.find(['!', '<', '>', '=']);
    let found = place.and_then(|place| {
        let (name, rest) = text.split_at(place);
        let read = |(sign, relation): &(&str, Relation)| {
            rest.strip_prefix(sign).map(|with| (name, *relation, with))
        };
        RELATIONS.iter().find_map(read)
    });
    let (name, relation, with) = found.ok_or_else(|| QueryError::NoCondition(text.to_owned()))?;
    let (name, with) = (name.trim(), with.trim());
    let index = column(name, ("--where", text), columns)?;
    let Column { name: column, holds, .. } = columns[index];
    let value = text.to_owned();
    let with = match holds {
        Holds::Word if matches!(relation, Relation::Equal | Relation::Unequal) => {
            Operand::Word(with.to_owned())
        }
        Holds::Word => return Err(QueryError::WordOrder { value, column }),
        Holds::Figure | Holds::Sum => {
            Operand::Count(parse_count(with).map_err(|problem| QueryError::NoFigure {
                value,
                column,
                with: with.to_owned(),
                problem: problem.to_string(),
            })?)
        }
    };
    Ok(Condition { column: index, relation, with })
}

fn limit(text: &str) -> Result<usize, QueryError> {
    let refuse = |problem: String| QueryError::Limit { value: text.to_owned(), problem };
    match parse_count(text) {
        Ok(count) if (1..=MOST_ROWS as u64).contains(&count) => Ok(count as usize),
        Ok(_) => {
            let most = units::count(MOST_ROWS as u64);
            Err(refuse(format!("is out of bounds: write 1 to {most}")))
        }
        Err(problem) => Err(refuse(problem.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::tests::COLUMNS;

    fn refused(sort: Option<&str>, condition: Option<&str>, limit: Option<&str>) -> String {
        let args = RowArgs {
            sort: sort.map(str::to_owned),
            conditions: condition.map(str::to_owned).into_iter().collect(),
            limit: limit.map(str::to_owned),
        };
        Query::new(&args, COLUMNS).expect_err("must be refused").to_string()
    }

    #[test]
    fn every_relation_is_read_and_holds_where_it_should() {
        for (text, expected) in [
            ("credit = 5", [false, true, false]),
            ("credit!=5", [true, false, true]),
            ("credit<5", [true, false, false]),
            ("credit<=5", [true, true, false]),
            ("credit>5", [false, false, true]),
            ("credit>=5", [false, true, true]),
        ] {
            let columns = [&COMMON, COLUMNS].concat();
            let condition = condition(text, &columns).expect(text);
            assert_eq!([4, 5, 6].map(|n| condition.holds(Value::Count(n))), expected, "{text}");
        }
    }

    #[test]
    fn what_the_table_does_not_have_is_refused() {
        assert_eq!(
            refused(Some("credt:desc"), None, None),
            "--sort credt:desc: there is no column `credt`; did you mean `credit`?; \
             columns: node, region, role, credit, degree"
        );
        assert_eq!(refused(Some("credit:up"), None, None).split(": ").count(), 2);
        for text in ["credit", "", "credit~5"] {
            assert!(refused(None, Some(text), None).contains("write a column, one of"), "{text}");
        }
        assert!(refused(None, Some("credit>lots"), None).contains("`credit` holds figures"));
        assert!(refused(None, Some("role>user"), None).contains("only = and != compare"));
        assert!(refused(None, Some("rol=user"), None).contains("did you mean `role`?"));
        assert!(refused(None, None, Some("0")).contains("write 1 to 200,000"));
        assert!(refused(None, None, Some("-3")).contains("--limit -3 is negative"));
    }
}
