//! Wire forms.

use crate::dialogues::WitnessMessage::{self, *};
use crate::objects::refusal::Refusal;
use anthill_protocol::{Message, Shared, Signature, Time, fingerprint_bytes};

/// A message of each kind, in the order of their numbers.
fn one_of_each() -> [WitnessMessage; 25] {
    let (contract, receipt) = (Shared::new(1, 2, 300), Shared::new(3, 4, 5_000));
    let signature = Signature([9; 64]);
    [
        Hello { payment: 7, time: Time(6), settled: 5, tip: u64::MAX },
        Here { payment: 8, settled: 9, tip: 10 },
        Propose { contract },
        Agree { contract, signature },
        Refuse { contract, source: 255, why: Refusal::Quorum },
        Ask { contract, source: 1 },
        Promise { contract, source: 2, signature },
        Pay { receipt },
        Accept { receipt },
        Settle { receipt, source: 0 },
        Settled { receipt, source: 3, signature },
        Entrust { receipt },
        Kept { receipt },
        Publish { event: contract },
        Probe { probes: contract },
        Since { batch: contract },
        Rest { batch: receipt },
        Stamp { event: receipt },
        Stamped { event: receipt, time: Time(77), signature },
        Claim { claim: receipt },
        Upheld { claim: receipt, time: Time(78), signature },
        Renew { rollover: receipt },
        Renewed { rollover: receipt, signature },
        Carry { rollover: receipt },
        Carried { rollover: receipt },
    ]
}

/// Of [`one_of_each`]: a hash of the bytes, the length, the fingerprint.
const ON_RECORD: [(u64, u32, u64); 25] = [
    (0x2460_7e74_26dc_4ed5, 92, 0x4e82_dc0d_9e76_bd05),
    (0xea29_9ebe_1ba7_1ebe, 84, 0xe753_e52a_6567_aa70),
    (0x35cc_161d_173d_133e, 316, 0x0a30_0e1b_56ee_4296),
    (0x4a08_068c_ee2c_eab2, 112, 0x5b2b_e2be_ab31_38be),
    (0x3de8_d181_0c99_84dd, 50, 0x2008_f4c3_3486_62c6),
    (0x9e05_1e01_e836_614f, 317, 0x3479_4d94_d9c0_8e20),
    (0x31c8_ce7f_1566_7470, 113, 0xe2bb_af4c_bbbb_9cc1),
    (0x2477_d362_dca7_f718, 5016, 0x5c51_5a5d_aeac_808f),
    (0x7e8d_3ccb_5fe4_21ad, 48, 0x4004_6f10_e659_9a0f),
    (0x730e_978b_9276_aca0, 5017, 0x082a_5c43_f2e7_3d1d),
    (0xcac3_ba4b_be99_ba28, 113, 0xe128_b521_fbb6_91c7),
    (0xf66a_2f4e_e4ec_1393, 5016, 0x67fe_1f35_9dd4_5fdf),
    (0xfea1_3b26_8abf_5954, 48, 0xbf51_bfaa_af4d_8c74),
    (0x4de4_0f0a_6794_d4d6, 316, 0x46c2_f7b6_cc84_a79f),
    (0x0712_9147_60fe_201b, 316, 0xfc21_cf8e_35c7_bf35),
    (0x2369_fcd0_9f79_15ae, 316, 0x2dd3_1c41_129a_e8dd),
    (0xc1a2_8c5e_1f58_c790, 5016, 0x676b_72a4_fb7e_906e),
    (0x058a_74a0_4dff_9b4d, 5016, 0xaeea_3bd2_149b_a942),
    (0x5af0_3ef4_cea0_c80d, 120, 0xa886_d8a8_99b5_8066),
    (0x86c6_46d5_5dd2_e783, 5016, 0xb65a_e0c4_45cf_37ae),
    (0xf87c_ae0c_0493_af5a, 120, 0xc26b_b89f_2953_090b),
    (0xab71_1253_3a10_0982, 5016, 0xfeec_21b6_7eea_9723),
    (0xea5a_c9b1_cd98_2c84, 112, 0xeead_e3a1_2679_9fe9),
    (0x68cb_a5be_a4f8_aa10, 5016, 0x5561_1adf_4b78_2673),
    (0xcf84_d061_1b69_3e21, 48, 0x7b92_2e28_577c_82f7),
];

/// The digests of runs depend on them.
#[test]
fn wire_forms_are_those_on_record() {
    for (message, on_record) in one_of_each().into_iter().zip(ON_RECORD) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        let found = (fingerprint_bytes(&bytes), message.encoded_len(), message.fingerprint());
        assert_eq!(found, on_record, "{message:?}");
    }
}

#[test]
fn every_message_round_trips_at_its_stated_length() {
    let all = one_of_each();
    assert_eq!(all.len(), WitnessMessage::KINDS.len());
    for (kind, message) in all.into_iter().enumerate() {
        assert_eq!(message.kind(), kind);
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        assert_eq!(bytes.len(), message.encoded_len() as usize, "{message:?}");
        assert_eq!(WitnessMessage::decode(&bytes), Some(message));
        assert_eq!(WitnessMessage::decode(&bytes[..bytes.len() - 1]), None);
        for bit in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Some(other) = WitnessMessage::decode(&changed) {
                assert_ne!(other, message, "bit {bit}");
            }
        }
    }
}

#[test]
fn a_message_fits_an_event_of_128_bytes() {
    assert!(size_of::<WitnessMessage>() <= 112 - 8);
}

/// Each field of each kind, signatures aside, whose bytes differ between the modes.
#[test]
fn fingerprints_tell_messages_apart() {
    let (a, b) = (Shared::new(1, 0, 100), Shared::new(2, 0, 100));
    let [one, other] = [Signature([1; 64]), Signature([2; 64])];
    let mut all = Vec::new();
    for (payment, settled, tip) in [(1, 5, 7), (2, 5, 7), (1, 6, 7), (1, 5, 8)] {
        all.push(Hello { payment, time: Time(3), settled, tip });
        all.push(Here { payment, settled, tip });
    }
    all.push(Hello { payment: 1, time: Time(4), settled: 5, tip: 7 });
    for body in [a, b] {
        let (contract, receipt, event, claim, rollover) = (body, body, body, body, body);
        all.extend([
            Propose { contract },
            Agree { contract, signature: one },
            Pay { receipt },
            Accept { receipt },
            Entrust { receipt },
            Kept { receipt },
            Publish { event },
            Probe { probes: body },
            Since { batch: body },
            Rest { batch: body },
            Stamp { event },
            Claim { claim },
            Renew { rollover },
            Renewed { rollover, signature: one },
            Carry { rollover },
            Carried { rollover },
        ]);
        for source in [0, 1] {
            all.extend([
                Ask { contract, source },
                Promise { contract, source, signature: one },
                Settle { receipt, source },
                Settled { receipt, source, signature: one },
                Refuse { contract, source, why: Refusal::Time },
                Refuse { contract, source, why: Refusal::State },
            ]);
        }
        for time in [Time(0), Time(1), Time(1 << 40)] {
            all.push(Stamped { event, time, signature: one });
            all.push(Upheld { claim, time, signature: one });
        }
    }
    let mut prints: Vec<u64> = all.iter().map(Message::fingerprint).collect();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), all.len());
    let signed = |signature| Agree { contract: a, signature }.fingerprint();
    assert_eq!(signed(one), signed(other));
}
