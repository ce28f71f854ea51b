use super::*;
use crate::command::Side;

/// Made by hand, two levels: a submission, one behind it, executions in turn, a reduction, a
/// deletion that lets a level rise that was not shown, a hidden execution, a halt.
const MESSAGES: &str = "\
34200.000000001,1,11,100,1000000,1
34200.000000002,1,12,50,1000000,1
34200.1,4,7,20,1000000,1
34200.2,4,11,60,1000000,1
34200.3,2,12,10,1000000,1
34200.3,1,13,5,1000100,-1
34200.4,5,0,30,1000050,1
34200.5,3,13,5,1000100,-1
34200.6,7,0,0,-1,-1
34200.7,3,8,40,999900,1
";

const BOOK: &str = "\
1000200,10,1000000,120,1000300,20,999900,40
1000200,10,1000000,170,1000300,20,999900,40
1000200,10,1000000,150,1000300,20,999900,40
1000200,10,1000000,90,1000300,20,999900,40
1000200,10,1000000,80,1000300,20,999900,40
1000100,5,1000000,80,1000200,10,999900,40
1000100,5,1000000,80,1000200,10,999900,40
1000200,10,1000000,80,1000300,25,999900,40
1000200,10,1000000,80,1000300,25,999900,40
1000200,10,1000000,80,1000300,25,999800,7
";

fn run(messages: &str, book: &str) -> Result<Replayed, LobsterError> {
    replay(&read_messages(messages)?, &read_book(book)?, 2)
}

#[test]
fn a_small_file_replays_row_by_row() {
    let done = run(MESSAGES, BOOK).unwrap();
    assert_eq!((done.rows, done.out_of_turn), (10, 0));
    // Four levels at first, one that rose, and one that sank, changed unseen and rose again.
    assert_eq!(done.adopted, 6);
    assert!(done.commands.len() > 10);
}

#[test]
fn what_is_read_is_what_is_written() {
    let messages = read_messages(MESSAGES).unwrap();
    assert_eq!(messages[2].time, 34_200_100_000_000);
    assert_eq!(messages[3].what, MessageType::Execution);
    assert_eq!((messages[5].side, messages[5].price), (Side::Ask, 1_000_100));
    let rows = read_book("1000,5,900,1,9999999999,0,-9999999999,0\n").unwrap();
    assert_eq!(rows[0], LobsterRow { bids: vec![(900, 1)], asks: vec![(1_000, 5)] });
}

/// A replay with line `line` (from 1) of one file replaced, or left out if `with` is empty.
fn spoilt(line: usize, in_book: bool, with: &str) -> LobsterError {
    let change = |text: &str| {
        let mut lines: Vec<_> = text.lines().collect();
        lines[line - 1] = with;
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    };
    let result = match in_book {
        true => run(MESSAGES, &change(BOOK)),
        false => run(&change(MESSAGES), BOOK),
    };
    result.expect_err("spoilt")
}

#[test]
fn gaps_and_errors_are_refused_with_their_line() {
    let lengths = LobsterError::Lengths { messages: 9, rows: 10 };
    assert_eq!(spoilt(4, false, ""), lengths);
    assert_eq!(spoilt(4, false, "34200.05,4,11,60,1000000,1"), LobsterError::Time { line: 4 });
    let columns = LobsterError::Columns { line: 4, found: 5, expected: 6 };
    assert_eq!(spoilt(4, false, "34200.2,4,11,60,1000000"), columns);
    for (field, row) in [
        ("time", "34200.0000000001,4,11,60,1000000,1"),
        ("time", "x,4,11,60,1000000,1"),
        ("type", "34200.2,8,11,60,1000000,1"),
        ("order id", "34200.2,4,-1,60,1000000,1"),
        ("size", "34200.2,4,11,0,1000000,1"),
        ("price", "34200.2,4,11,60,1.5,1"),
        ("direction", "34200.2,4,11,60,1000000,2"),
    ] {
        match spoilt(4, false, row) {
            LobsterError::Field { line: 4, field: found, .. } => assert_eq!(found, field),
            other => panic!("{row}: {other}"),
        }
    }
    // A message of another size: the row shows it. One of an order that is not there is named.
    let differs = spoilt(4, false, "34200.2,4,11,61,1000000,1");
    assert!(matches!(differs, LobsterError::Differs { line: 4, level: 1, .. }), "{differs}");
    let unknown = spoilt(4, false, "34200.2,4,99,60,1000050,1");
    assert_eq!(unknown, LobsterError::Unknown { line: 4, id: 99 });
    let twice = spoilt(4, false, "34200.2,1,12,60,1000000,1");
    assert_eq!(twice, LobsterError::Submission { line: 4, id: 12 });
    let crossing = spoilt(4, false, "34200.2,1,14,60,1000200,1");
    assert_eq!(crossing, LobsterError::Submission { line: 4, id: 14 });
    assert_eq!(
        spoilt(5, true, "1000200,10,1000000,80,1000200,20,999900,40"),
        LobsterError::Levels { line: 5 }
    );
    assert!(matches!(spoilt(5, true, "1000200,10,1000000"), LobsterError::Columns { line: 5, .. }));
    let row = spoilt(5, true, "1000200,11,1000000,80,1000300,20,999900,40");
    assert!(matches!(row, LobsterError::Differs { line: 5, side: Side::Ask, .. }), "{row}");
}

#[test]
fn an_order_that_trades_before_its_turn_is_counted() {
    let messages = MESSAGES.replace("34200.2,4,11,60", "34200.2,4,12,40");
    let book = BOOK.replace("1000000,90", "1000000,110").replace("1000000,80", "1000000,100");
    assert_eq!(run(&messages, &book).map(|done| done.out_of_turn), Ok(1));
}

#[test]
fn a_message_file_alone_is_a_flow_with_what_was_there_before() {
    let steps = flow(&read_messages(MESSAGES).unwrap()).unwrap();
    let told: Vec<_> = steps.iter().map(|it| (it.order, it.act)).collect();
    let place = |lots| Act::Place { lots };
    assert_eq!(
        told,
        [
            // Orders 7 and 8 are older than any that is submitted.
            (0, place(20)),
            (1, place(40)),
            (2, place(100)),
            (3, place(50)),
            (0, Act::Take { lots: 20 }),
            (2, Act::Take { lots: 60 }),
            (3, Act::Reduce { to: 40 }),
            (4, place(5)),
            (4, Act::Cancel),
            (1, Act::Cancel),
        ]
    );
    assert_eq!((steps[0].after, steps[2].after, steps[4].after), (None, Some(0), Some(99_999_999)));
    assert_eq!((steps[7].side, steps[7].price), (Side::Ask, 1_000_100));
}

/// Every kind of hole, double and nonsense is refused, by its line.
#[test]
fn a_flow_with_gaps_doubles_or_more_than_there_is_is_refused() {
    let refused = |change: &dyn Fn(&mut Vec<&str>)| {
        let mut lines: Vec<&str> = MESSAGES.lines().collect();
        change(&mut lines);
        flow(&read_messages(&lines.join("\n")).unwrap()).unwrap_err().to_string()
    };
    // The submission of order 12 is gone; those of 11, too.
    assert!(refused(&|it| _ = it.remove(1)).starts_with("line 4: order 12 was never submitted"));
    assert!(refused(&|it| it.insert(1, it[0])).starts_with("line 2: order 11 cannot be submitted"));
    assert!(
        refused(&|it| it[3] = "34200.2,4,11,160,1000000,1").starts_with("line 4: order 11 is not")
    );
    assert!(
        refused(&|it| it[7] = "34200.5,3,13,4,1000100,-1").starts_with("line 8: order 13 is not")
    );
    assert!(
        refused(&|it| it[4] = "34200.3,2,12,10,1000100,1").contains("price or side than on line 2")
    );
    assert!(
        refused(&|it| it.push("34201,3,8,40,999900,-1")).starts_with("line 10: order 8 is not")
    );
    let junk = read_messages("34200.1,1,1,5,100,1\n34200.2,1,2,x,100,1\n").unwrap_err();
    assert!(junk.to_string().starts_with("line 2: size: \"x\" is no whole number"), "{junk}");
    for (line, problem) in [
        ("34200.1,1,1,5,150.25,1", "price: \"150.25\" is no whole number"),
        ("34200.1,1,1,99999999999999999999,100,1", "size: \"99999999999999999999\" is no"),
        ("34200.1,1,-1,5,100,1", "order id: \"-1\" is not a whole number"),
        ("34200.1,1,1,-5,100,1", "size: -5 is outside 1..="),
    ] {
        let refused = read_messages(line).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("line 1: {problem}")), "{refused}");
    }
}
