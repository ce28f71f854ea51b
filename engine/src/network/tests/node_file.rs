//! Node files: what is read, what is refused.

use super::*;

fn with_file(mut network: NetworkSpec, path: InputFile) -> NetworkSpec {
    network.node_file = Some(NodeFileSpec { path });
    network
}

/// The network of four nodes with this file, or the error.
fn built(network: NetworkSpec, content: &str) -> Result<Network, String> {
    let (_folder, path) = written(content);
    Network::build(&with_file(network, path), 4, 1).map_err(|e| e.to_string())
}

fn error(content: &str) -> String {
    built(preset("bitcoin-2019"), content).expect_err("a broken file")
}

#[test]
fn all_columns_are_read_in_any_order_and_others_named() {
    let network = built(
        preset("bitcoin-2019"),
        "down,Region,note,stake,up,id\n\
         40Mbit,AU,\"a, b\",7.5,20Mbit,2\n\
         1Gbit,EU,,0,1.5Mbit,0\n\
         40Mbit,AU,,1e6,20Mbit/s,3\n\
         8kbit,JP,,3,8kbit,1\n",
    )
    .unwrap();
    assert!(network.notes()[0].ends_with("given.csv: columns without effect: \"note\""));
    let table = network.node_table().unwrap();
    let stakes: Vec<_> = (0..5).map(|n| table.stake(NodeId(n))).collect();
    assert_eq!(stakes, [Some(0.0), Some(3.0), Some(7.5), Some(1e6), None]);
    assert_eq!(table.rates(NodeId(0)), Some((1_500_000, 1_000_000_000)));
    assert_eq!(table.rates(NodeId(3)), Some((20_000_000, 40_000_000)));
    // Regions without nodes are none; the order is the table's.
    assert_eq!(network.regions(), ["EU", "JP", "AU"]);
    let regions: Vec<_> = (0..4).map(|n| network.region_of(NodeId(n)).index()).collect();
    assert_eq!(regions, [0, 1, 2, 2]);
    assert_eq!(network.preset_rates().unwrap()[1], (10_200_000, 22_800_000));
    // JP to JP would be 7 ms and EU to EU 6 ms, but links count, not pairs of nodes.
    assert_eq!(network.lookahead(), Span(6 * MS));
}

#[test]
fn listed_regions_decide_the_delays() {
    let network = built(preset("bitcoin-2019"), "region\nJP\nAU\nJP\nEU\n").unwrap();
    assert!(network.node_table().unwrap().stake(NodeId(0)).is_none());
    for (from, to, mean) in [(0, 1, 126.0), (1, 0, 126.0), (0, 2, 12.0), (3, 1, 294.0)] {
        let delay = |s| network.delay(NodeId(from), NodeId(to), s).0;
        let mut all: Vec<u64> = (0..20_001).map(delay).collect();
        all.sort_unstable();
        let exact = (mean - 5.0) * libm::exp2(5.0 / mean);
        assert!((at(&all, 0.5) / exact - 1.0).abs() < 1e-2, "{from} to {to}");
        assert!(all[0] >= ((mean - 5.0) * 1e6) as u64);
        let via =
            network.delay_via(NodeId(from), if to < from { to } else { to - 1 }, NodeId(to), 5);
        assert_eq!(via, network.delay(NodeId(from), NodeId(to), 5));
    }
}

#[test]
fn without_regions_placement_is_by_weight_and_missing_rows_have_no_stake() {
    let content = "id,stake\n3,5\n1,2.5\n";
    let network = built(preset("bitcoin-2019"), content).unwrap();
    let plain = Network::build(&preset("bitcoin-2019"), 4, 1).unwrap();
    for node in (0..4).map(NodeId) {
        assert_eq!(network.region_of(node), plain.region_of(node));
    }
    let table = network.node_table().unwrap();
    assert_eq!([0, 1, 2, 3].map(|n| table.stake(NodeId(n)).unwrap()), [0.0, 2.5, 0.0, 5.0]);
    assert_eq!(table.rates(NodeId(1)), None);
    assert!(plain.node_table().is_none());
    let uniform = spec(ModelSpec::Uniform { min: Span(1), max: Span(2) });
    assert!(built(uniform, content).unwrap().node_table().is_some());
}

#[test]
fn broken_rows_are_named_by_line() {
    let no_node = error("id,stake\n0,1\n4,1\n");
    assert!(no_node.contains("given.csv, line 3: index 4 is no node: ids are 0 to 3"), "{no_node}");
    assert!(error("stake\n1\n1\n1\n1\n1\n").contains("line 6: row 4 is no node"));
    assert!(error("id,stake\n0,1\n\n0,2\n").contains("line 4: node 0 again, after line 2"));
    assert!(
        error("id,stake\n-1,1\n").contains("line 2: \"-1\" in column index is not a node's number")
    );
    assert!(error("id,stake\n1\n").contains("line 2: 1 fields; the header has 2"));
    assert!(error("id,stake\n1,-4\n").contains("line 2: stake -4"));
    assert!(error("id,stake\n1,NaN\n").contains("line 2: stake NaN"));
    assert!(error("id,stake\n1,much\n").contains("\"much\" in column stake"));
    let region = error("id,region\n0,AUS\n");
    assert!(
        region.contains("line 2: no region \"AUS\"") && region.contains("did you mean \"AU\""),
        "{region}"
    );
    let rate = error("up,down\n20,5Mbit\n");
    assert!(rate.contains("line 2: up \"20\" has no unit"), "{rate}");
    assert!(error("up,down\n20Mbit,0\n").contains("down \"0\"; give a positive rate"));
}

#[test]
fn broken_files_are_named() {
    assert!(error("").contains("given.csv: no row; expected the columns index,"));
    assert!(error("id,name\n").contains("line 1: no column of use; name some of"));
    assert!(
        error("id,index,stake\n").contains("line 1: two columns \"id\" and \"index\" for index")
    );
    assert!(error("stake,Stake\n").contains("two columns \"stake\" and \"Stake\""));
    assert!(error("id,up\n").contains("column \"up\" without \"down\""));
    assert!(error("id,down\n").contains("column \"down\" without \"up\""));
    for (header, meant) in [
        ("id,regoin", &["\"regoin\" is not known; did you mean \"region\"?"][..]),
        (
            "node,location,stake,bandwidth_up",
            &[
                "line 1: column \"location\" is not known; did you mean \"region\"?",
                "\"bandwidth_up\" is not known; did you mean \"up\"? Rename each, or remove it",
            ],
        ),
        ("id,staek", &["did you mean \"stake\"?"]),
        ("idx,region_name", &["did you mean \"region\"?"]),
    ] {
        let error = error(&format!("{header}\n"));
        assert!(meant.iter().all(|part| error.contains(part)), "{error}");
    }
    let missing = error("id,up,down\n0,1Mbit,1Mbit\n2,1Mbit,1Mbit\n");
    assert!(missing.contains("given.csv: no row for node 1, but column \"up\""), "{missing}");
    assert!(error("region\nEU\n").contains("no row for node 1, but column \"region\""));
    let none = with_file(preset("aws-p50"), "/no/such/nodes.csv".into());
    assert!(message(&none).contains("nodes.csv: cannot read it"));

    let uniform = spec(ModelSpec::Uniform { min: Span(1), max: Span(2) });
    let no_regions = built(uniform, "region\nEU\nEU\nEU\nEU\n").unwrap_err();
    assert!(no_regions.contains("the model has no regions"), "{no_regions}");
    let twice = with_shares(preset("bitcoin-2019"), &["EU"]);
    let twice = built(twice, "region\nEU\nEU\nEU\nEU\n").unwrap_err();
    assert!(twice.starts_with("network.shares"), "{twice}");
    // The countries of the fixture have no latency between AA and CC.
    let countries = file(fixture("countries.csv"), RegionFormat::RipeCountry);
    let gap = built(countries, "region\nAA\nBB\nCC\nAA\n").unwrap_err();
    assert!(gap.starts_with("network.node_file") && gap.contains("AA – CC"), "{gap}");
}

#[test]
fn memory_is_counted_and_estimated() {
    let (_folder, path) = written("region,up,down,stake\nEU,1Mbit,1Mbit,1\n");
    let listed = with_file(preset("bitcoin-2019"), path);
    let plain = preset("bitcoin-2019");
    let extra = Network::build(&listed, 1, 1).unwrap().memory_bytes();
    let network = Network::build(&plain, 1, 1).unwrap().memory_bytes();
    assert!(extra < network + 1000);
    let difference = estimate_bytes(&listed, 1_000_000) - estimate_bytes(&plain, 1_000_000);
    assert!((26_000_000..40_000_000).contains(&difference), "{difference}");

    let nodes = 10_000;
    let rows: String = (0..nodes).map(|i| format!("{i},EU,1Mbit,2Mbit,{i}\n")).collect();
    let (_folder, path) = written(&format!("id,region,up,down,stake\n{rows}"));
    let network = Network::build(&with_file(preset("bitcoin-2019"), path), nodes, 1).unwrap();
    assert!(network.memory_bytes() >= u64::from(nodes) * 26);
}

/// The nodes and edges of one measured network number alike.
#[test]
fn cardanos_nodes_and_edges_fit_each_other() {
    let (Some(nodes), Some(path)) =
        (measured("cardano-10k-nodes.csv.gz"), measured("cardano-10k-edges.csv.gz"))
    else {
        return;
    };
    let mut cardano = with_file(preset("aws-p50"), nodes);
    cardano.topology = TopologySpec::File {
        path,
        latency: Some(LatencyKind::OneWay),
        direction: EdgeDirection::TargetToSource,
        format: None,
        ids: None,
    };
    let network = Network::build(&cardano, 10_000, 1).unwrap();
    let table = network.node_table().unwrap();
    let stakes: Vec<f64> = (0..10_000).map(|n| table.stake(NodeId(n)).unwrap()).collect();
    assert_eq!(stakes.iter().filter(|stake| **stake > 0.0).count(), 2657);
    // From the file: the first row is node 2, a relay; one of the last is 7096.
    assert_eq!((stakes[2], stakes[7096]), (0.0, 50.005115));
    // Each relay of a producer knows it: node 0's relays are 2 and 4, its edges 0,2 and 0,4.
    let fed_by = |node: u32| network.topology().degree(NodeId(node));
    assert!(fed_by(2) > 0 && fed_by(4) > 0 && stakes[0] > 0.0);
    // A node too few: the edges are read first, the nodes' rows where there are no edges.
    let refusal = |spec: &NetworkSpec| Network::build(spec, 9_999, 1).unwrap_err().to_string();
    let edge = refusal(&cardano);
    assert!(
        edge.contains("cardano-10k-edges.csv.gz, line 17572: target 9999 is no node"),
        "{edge}"
    );
    cardano.topology = preset("aws-p50").topology;
    let row = refusal(&cardano);
    assert!(row.contains("cardano-10k-nodes.csv.gz, line 7339: index 9999 is no node"), "{row}");
}

#[test]
fn stakes_alone_are_whole_numbers() {
    let read = |content: &str| {
        let (_folder, path) = written(content);
        let no_ids = || Ok(None);
        crate::network::stakes(&NodeFileSpec { path }, 3, no_ids).map_err(|it| it.to_string())
    };
    assert_eq!(read("stake,id,region\n5,2,nowhere\n1e3,0,x\n"), Ok(vec![1_000, 0, 5]));
    assert_eq!(read("stake\n5\n6\n"), Ok(vec![5, 6, 0]));
    let problem = |content: &str| read(content).expect_err("a broken file");
    assert!(problem("id,region\n0,x\n").contains("no column \"stake\""));
    assert!(problem("stake\n1.5\n").contains("give a whole number"));
    assert!(problem("stake\n-1\n").contains("give a whole number"));
    assert!(problem("stake\n1\n1\n1\n1\n").contains("row"));
}

/// Four nodes on a graph of three, whose ids are names or sparse numbers, with a node file.
fn on_graph(edges: &str, nodes: u32, content: &str) -> Result<Network, String> {
    let (_edges, path) = written(edges);
    let (_rows, rows) = written(content);
    let mut network = preset("bitcoin-2019");
    network.topology = TopologySpec::File {
        path,
        format: None,
        latency: None,
        direction: EdgeDirection::Undirected,
        ids: Some(IdKind::Mapped),
    };
    Network::build(&with_file(network, rows), nodes, 1).map_err(|error| error.to_string())
}

const NAMES: &str = "source,target\nzed,amy\namy,\"b, c\"\n";
const SPARSE: &str = "source,target\n9000000000,17\n17,400\n";

#[test]
fn rows_go_by_the_ids_of_the_topology() {
    let stakes = |network: &Network| {
        let table = network.node_table().expect("stakes");
        [0, 1, 2].map(|node| table.stake(NodeId(node)).expect("a node"))
    };
    let names = on_graph(NAMES, 3, "stake,id\n5,\"b, c\"\n7,zed\n").expect("it fits");
    assert_eq!(stakes(&names), [7.0, 0.0, 5.0], "in the order in which they appear");
    let sparse = on_graph(SPARSE, 3, "id,stake\n400,4\n9000000000,9\n17,1\n").expect("it fits");
    assert_eq!(stakes(&sparse), [1.0, 4.0, 9.0], "in ascending order");
    for number in ["index", "node"] {
        let content = format!("{number},stake\n2,5\n0,7\n");
        let numbers = on_graph(NAMES, 3, &content).expect("it fits");
        assert_eq!(stakes(&numbers), [7.0, 0.0, 5.0], "{number} is still the node's number");
    }
    let regions = "id,region\nzed,JP\namy,AU\n\"b, c\",JP\n";
    let network = on_graph(NAMES, 3, regions).expect("it fits");
    let of = |node| network.regions()[network.region_of(NodeId(node)).index()].clone();
    assert_eq!([0, 1, 2].map(of), ["JP", "AU", "JP"]);
    // Ids that are the numbers need no map.
    let dense = "source,target\n0,1\n1,2\n";
    assert_eq!(stakes(&on_graph(dense, 3, "id,stake\n2,5\n").expect("it fits")), [0.0, 0.0, 5.0]);
}

#[test]
fn ids_that_no_node_has_are_refused_with_their_line_and_the_fix() {
    let refused = |edges, nodes, content| on_graph(edges, nodes, content).expect_err("refused");
    let unknown = refused(NAMES, 3, "id,stake\nzed,1\nzoe,2\n");
    for part in ["given.csv, line 3: id \"zoe\" is of no node", "column \"index\""] {
        assert!(unknown.contains(part), "{unknown}");
    }
    let number = refused(SPARSE, 3, "id,stake\n0,1\n");
    assert!(number.contains("line 2: id \"0\" is of no node"), "{number}");
    let named = refused(NAMES, 3, "index,stake\nzed,1\n");
    for part in ["line 2: \"zed\" in column index is not a node's number", "call the column \"id\""]
    {
        assert!(named.contains(part), "{named}");
    }
    let twice = refused(NAMES, 3, "id,stake\nzed,1\nzed,2\n");
    assert!(twice.contains("line 3: node \"zed\" again, after line 2"), "{twice}");
    let lacking = refused(NAMES, 3, "id,region\nzed,JP\n\"b, c\",JP\n");
    assert!(lacking.contains("no row for node \"amy\""), "{lacking}");
    let unnamed = refused(NAMES, 4, "id,region\nzed,JP\namy,JP\n\"b, c\",JP\n");
    assert!(unnamed.contains("node 3, which has no id in the topology's file"), "{unnamed}");
}
