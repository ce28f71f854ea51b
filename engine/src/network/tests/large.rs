//! Tables of as many sites as the largest measured one that is in use: King's 1,740.

use std::fmt::Write as _;

use super::*;

const SITES: usize = 1_740;

/// The latency between two sites in µs; no two pairs of a row are alike.
fn micros(from: usize, to: usize) -> usize {
    if from == to { 400 } else { 5_000 + (from * 7 + to * 131) % 90_001 }
}

fn name(site: usize) -> String {
    format!("s{site:04}")
}

/// Text of a line for every pair, or of a cell in a line for every site.
fn pairs(mut write: impl FnMut(&mut String, usize, usize)) -> String {
    let mut text = String::with_capacity(SITES * SITES * 24);
    for from in 0..SITES {
        for to in 0..SITES {
            write(&mut text, from, to);
        }
    }
    text
}

fn ms(from: usize, to: usize) -> f64 {
    micros(from, to) as f64 / 1000.0
}

/// Asserts that a table has all sites, and gives some delays over it.
fn some_delays(table: RegionsSpec) -> Vec<u64> {
    let network = Network::build(&regional(table), 5_000, 1).unwrap();
    assert_eq!((network.regions().len(), network.left_out().len()), (SITES, 0));
    assert!(network.notes().is_empty(), "{:?}", network.notes());
    // 24 bytes a pair, and little else.
    assert!(network.memory_bytes() < (SITES * SITES) as u64 * 24 + (4 << 20));
    (0..500).map(|i| network.delay(NodeId(i), NodeId(4_999 - i), i).0).collect()
}

fn of_file(content: &str, format: RegionFormat) -> Vec<u64> {
    let (_folder, path) = written(content);
    some_delays(RegionsSpec::File { path, p90_path: None, format, latency: LatencyKind::RoundTrip })
}

#[test]
fn kings_size_loads_in_every_format_alike() {
    let matrix = pairs(|text, from, to| {
        let label = if to == 0 { name(from) + " " } else { String::new() };
        let end = if to + 1 == SITES { '\n' } else { ' ' };
        write!(text, "{label}{}{end}", ms(from, to)).unwrap();
    });
    let expected = of_file(&matrix, RegionFormat::Matrix);
    drop(matrix);
    let json = pairs(|text, from, to| {
        match (from, to) {
            (0, 0) => text.push_str("{\"data\": {"),
            (_, 0) => text.push_str("}, "),
            _ => text.push_str(", "),
        }
        if to == 0 {
            write!(text, "\"{}\": {{", name(from)).unwrap();
        }
        write!(text, "\"{}\": {}", name(to), ms(from, to)).unwrap();
    }) + "}}}";
    assert!(json.len() > 32 << 20);
    assert_eq!(of_file(&json, RegionFormat::AwsJson), expected);
    drop(json);
    let p50_ms = (0..SITES).map(|a| (0..SITES).map(|b| ms(a, b)).collect()).collect();
    let names = (0..SITES).map(name).collect();
    let latency = LatencyKind::RoundTrip;
    let inline = RegionsSpec::Inline { names, p50_ms, p90_ms: None, latency };
    assert_eq!(some_delays(inline), expected);

    // These state means, which are not far from medians.
    let head = "from,to,rtt_avg_ms\n".to_owned();
    let rows = pairs(|text, from, to| {
        writeln!(text, "{},{},{}", name(from), name(to), ms(from, to)).unwrap();
    });
    let means = of_file(&(head + &rows), RegionFormat::CityPairs);
    drop(rows);
    assert!(means.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) < b / 4 + 300_000));
    let head = "cty1,cty2,rtt_avg\n".to_owned();
    let rows = pairs(|text, from, to| {
        if from <= to {
            writeln!(text, "{},{},{}", name(from), name(to), ms(from, to)).unwrap();
        }
    });
    assert_eq!(of_file(&(head + &rows), RegionFormat::RipeCountry).len(), expected.len());
}

/// Written out in a scenario, the same table passes the parser of scenarios.
#[test]
fn kings_size_fits_into_a_scenario() {
    let row = |from: usize| {
        let cells: Vec<String> = (0..SITES).map(|to| ms(from, to).to_string()).collect();
        format!("[{}]", cells.join(","))
    };
    let rows: Vec<String> = (0..SITES).map(row).collect();
    let names: Vec<String> = (0..SITES).map(|site| format!("\"{}\"", name(site))).collect();
    let text = format!(
        "nodes = 10\nuntil = \"1s\"\nprotocol.name = \"phold\"\n[network.regions]\nlatency = \
         \"rtt\"\nnames = [{}]\np50_ms = [{}]\n",
        names.join(","),
        rows.join(",\n")
    );
    let phold = crate::scenario::ProtocolInfo::of::<anthill_protocol::phold::Phold>();
    let scenario = crate::scenario::parse_text("king", &text, &[phold]).unwrap();
    let ModelSpec::Regional { regions: RegionsSpec::Inline { p50_ms, .. }, .. } =
        &scenario.network.model
    else {
        panic!("{:?}", scenario.network.topology)
    };
    assert_eq!((p50_ms.len(), p50_ms[3][1_739]), (SITES, ms(3, 1_739)));
}

#[test]
fn tables_beyond_the_limit_name_it() {
    let row: Vec<String> = (0..=3_000).map(|i| format!("\"n{i}\": 1")).collect();
    let json = format!("{{\"data\": {{\"n0\": {{{}}}}}}}", row.join(","));
    let rows: String = (0..3_001).map(|i| format!("n0,n{i},1\n")).collect();
    for (format, content) in [
        (RegionFormat::AwsJson, json),
        (RegionFormat::CityPairs, format!("from,to,rtt_avg_ms\n{rows}")),
        (RegionFormat::RipeCountry, format!("cty1,cty2,rtt_avg\n{rows}")),
        (RegionFormat::Matrix, vec!["1"; 3_001].join(",") + "\n"),
    ] {
        let (_folder, path) = written(&content);
        let error = message(&file(path, format));
        assert!(error.contains("more than 3000"), "{format:?}: {error}");
    }
}
