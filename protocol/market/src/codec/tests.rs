use super::*;
use crate::draw::Draws;

fn order(kind: Kind) -> Order {
    Order {
        id: OrderId::new(3, 9),
        instrument: 2,
        side: Side::Ask,
        price: 1 << 39,
        quantity: 77,
        kind,
    }
}

fn all() -> Vec<Command> {
    let id = OrderId::new(u32::MAX, 1 << 30);
    let mut all = vec![
        Command::Deposit { id, cash: i128::MAX },
        Command::Withdraw { id, cash: -1 },
        Command::DepositLots { id, instrument: 7, lots: i64::MIN },
        Command::WithdrawLots { id, instrument: 7, lots: 5 },
        Command::Cancel { id },
        Command::Reduce { id, to: 9 },
        Command::Replace { id, number: 4, price: 5, quantity: 6 },
        Command::Decide { id, coordinator: 3, commit: true },
        Command::Reveal { id, preimage: [7; 32] },
        Command::Kill { account: 3, on: false },
        Command::Place(order(Kind::Market)),
        Command::Place(order(Kind::Iceberg { display: 5 })),
        Command::Prepare { order: order(Kind::Market), terms: Terms::Decision { coordinator: 1 } },
    ];
    for force in [Force::Rest, Force::Immediate, Force::Fill, Force::Post] {
        all.push(Command::Place(order(Kind::Limit(force))));
        let stop = order(Kind::Stop { trigger: 12, force });
        all.push(Command::Place(stop));
        let terms = Terms::Hash { lock: u128::MAX - 1, deadline: 1 << 40 };
        all.push(Command::Prepare { order: stop, terms });
    }
    all
}

#[test]
fn commands_read_back_and_prefixes_do_not() {
    let mut longest = 0;
    for command in all() {
        let bytes = encode(&command);
        assert_eq!(decode(&bytes), Ok(command));
        for end in 0..bytes.len() {
            assert_eq!(decode(&bytes[..end]), Err(CodecError::Short), "{command:?} to {end}");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(decode(&longer), Err(CodecError::Long));
        longest = longest.max(bytes.len());
    }
    assert_eq!(longest, MAX_BYTES);
    assert_eq!(size_of::<Command>(), 80, "room for it in a message of 112 bytes");
}

#[test]
fn arbitrary_bytes_do_not_panic_and_have_one_reading() {
    let mut draws = Draws::new(7);
    let templates = all();
    let mut read = 0;
    for _ in 0..200_000 {
        let mut bytes = encode(&templates[draws.below(templates.len() as u64) as usize]);
        for _ in 0..draws.below(4) {
            let at = draws.below(bytes.len() as u64) as usize;
            bytes[at] = draws.word() as u8;
        }
        if draws.below(8) == 0 {
            bytes.truncate(draws.below(bytes.len() as u64 + 1) as usize);
        }
        if let Ok(command) = decode(&bytes) {
            assert_eq!(encode(&command), bytes);
            read += 1;
        }
    }
    assert!(read > 50_000);
}
