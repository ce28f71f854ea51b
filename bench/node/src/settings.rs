//! What a node is told: by flags, else by the environment, else by a `.env` file.

use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;

/// `anthill node`.
#[derive(Args, Clone, Debug, Default)]
pub struct NodeArgs {
    /// Which node this is, from 1 [env: NODE_ID].
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    pub node_id: Option<String>,
    /// Where it listens: a name or an address [env: HOST] [default: localhost].
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// The port that it listens on [env: PORT].
    #[arg(long, value_name = "PORT", allow_hyphen_values = true)]
    pub port: Option<String>,
    /// The other nodes, all of them: `host:port,host:port` [env: PEERS].
    #[arg(long, value_name = "HOST:PORT,...")]
    pub peers: Option<String>,
    /// Its stake, where the protocol has stakes [env: STAKE] [default: 1].
    #[arg(long, value_name = "STAKE", allow_hyphen_values = true)]
    pub stake: Option<String>,
    /// Which protocol [env: PROTOCOL] [default: pos-bft].
    #[arg(long, value_name = "NAME")]
    pub protocol: Option<String>,
    /// Where it keeps its data [env: DATA] [default: anthill-nodes/PROTOCOL-NODE_ID-PORT].
    #[arg(long, value_name = "DIR")]
    pub data: Option<String>,
    /// Where it answers HTTP [env: HTTP] [default: 127.0.0.1 and the port 1000 above PORT].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub http: Option<String>,
    /// Lets --http listen where other machines can reach it.
    #[arg(long)]
    pub http_anyone: bool,
    /// Holds every message back for so long, as a longer link would [env: DELAY].
    #[arg(long, value_name = "DURATION")]
    pub delay: Option<String>,
    /// Set any key of the scenario, the same for all nodes; repeatable [env: SET, one].
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Read settings from this file instead of .env.
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// End when stdin does, which the process that started this one holds open.
    #[arg(long, hide = true)]
    pub end_with_stdin: bool,
}

/// What a node is told, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The number of its process, from 0: NODE_ID − 1.
    pub process: u32,
    /// Where it listens.
    pub listen: String,
    /// The other nodes.
    pub peers: Vec<String>,
    /// Its stake.
    pub stake: u64,
    /// The protocol's name.
    pub protocol: String,
    /// Where it keeps its data.
    pub data: PathBuf,
    /// Where it answers HTTP.
    pub http: SocketAddr,
    /// How long every message is held back.
    pub delay: Duration,
    /// Changes of the scenario.
    pub set: Vec<String>,
}

/// Where a setting may come from.
struct Sources {
    file: BTreeMap<String, String>,
    path: PathBuf,
}

impl Sources {
    fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let path = file.unwrap_or(Path::new(".env")).to_owned();
        let mut found = BTreeMap::new();
        if file.is_some() || path.exists() {
            let lines = dotenvy::from_path_iter(&path)
                .with_context(|| format!("{}: cannot be read", path.display()))?;
            for line in lines {
                let (key, value) = line.map_err(|error| {
                    anyhow::anyhow!("{}: {error}: write lines like NODE_ID=1", path.display())
                })?;
                found.insert(key, value);
            }
        }
        Ok(Self { file: found, path })
    }

    /// The value, and what it is called where it came from.
    fn find(&self, flag: Option<&String>, name: &str) -> Option<(String, String)> {
        if let Some(value) = flag {
            return Some((value.clone(), format!("--{}", name.to_lowercase().replace('_', "-"))));
        }
        if let Some(value) = std::env::var(name).ok().filter(|value| !value.is_empty()) {
            return Some((value, name.to_owned()));
        }
        let value = self.file.get(name).filter(|value| !value.is_empty())?;
        Some((value.clone(), format!("{}: {name}", self.path.display())))
    }
}

fn number<T: std::str::FromStr>(found: &(String, String), expected: &str) -> anyhow::Result<T> {
    let (value, source) = found;
    value.trim().parse().map_err(|_| anyhow::anyhow!("{source}={value}: give {expected}"))
}

impl Settings {
    /// Reads and checks all settings.
    ///
    /// # Errors
    /// When one is missing or wrong: names it, where it came from, and what would be right.
    pub fn read(args: &NodeArgs) -> anyhow::Result<Self> {
        let sources = Sources::read(args.env_file.as_deref())?;
        let find = |flag: &Option<String>, name: &str| sources.find(flag.as_ref(), name);
        let missing = |name: &str, example: &str| {
            format!(
                "{name} is not set: give it as a flag, in the environment or in .env, such as {name}={example}"
            )
        };
        let id = find(&args.node_id, "NODE_ID").with_context(|| missing("NODE_ID", "1"))?;
        let node_id: u32 = number(&id, "a whole number from 1")?;
        let port_found = find(&args.port, "PORT").with_context(|| missing("PORT", "8000"))?;
        let port: u16 = number(&port_found, "a port, 1 to 65535")?;
        if port == 0 {
            bail!("{}=0: give a port, 1 to 65535", port_found.1);
        }
        let host = find(&args.host, "HOST").map_or("localhost".to_owned(), |it| it.0);
        let peers = find(&args.peers, "PEERS").unwrap_or((String::new(), "PEERS".to_owned()));
        let peers = read_peers(&peers, &host, port)?;
        let nodes = peers.len() as u32 + 1;
        if node_id == 0 || node_id > nodes {
            bail!(
                "{}={node_id}: there are {nodes} nodes, this one and those of PEERS: give 1 to {nodes}",
                id.1
            );
        }
        let stake = find(&args.stake, "STAKE");
        let stake = stake.as_ref().map_or(Ok(1), |it| number(it, "a whole number, such as 100"))?;
        let protocol = find(&args.protocol, "PROTOCOL").map_or("pos-bft".to_owned(), |it| it.0);
        let data = find(&args.data, "DATA").map(|it| PathBuf::from(it.0));
        let data = data.unwrap_or_else(|| {
            Path::new("anthill-nodes").join(format!("{protocol}-{node_id}-{port}"))
        });
        let http = match find(&args.http, "HTTP") {
            Some((text, source)) => {
                text.to_socket_addrs().ok().and_then(|mut all| all.next()).with_context(|| {
                    format!("{source}={text}: give an address and a port, such as 127.0.0.1:9000")
                })?
            }
            None => {
                let above = port.checked_add(1_000).with_context(|| {
                    format!("there is no port 1000 above PORT={port}: give HTTP=127.0.0.1:PORT")
                })?;
                SocketAddr::from(([127, 0, 0, 1], above))
            }
        };
        if !http.ip().is_loopback() && !args.http_anyone {
            bail!(
                "HTTP={http} can be reached from other machines: give --http-anyone if that is meant"
            );
        }
        let delay = match find(&args.delay, "DELAY") {
            Some((text, source)) => duration(&text).with_context(|| {
                format!("{source}={text}: give a duration up to 60s, such as 20ms")
            })?,
            None => Duration::ZERO,
        };
        let given = find(&None, "SET").map(|it| it.0);
        let set = given.into_iter().chain(args.set.iter().cloned()).collect();
        let (process, listen) = (node_id - 1, join(&host, port));
        Ok(Self { process, listen, peers, stake, protocol, data, http, delay, set })
    }

    /// How many nodes the network has.
    pub fn processes(&self) -> u32 {
        self.peers.len() as u32 + 1
    }
}

/// A duration with its unit, up to a minute.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (value, unit) = text.split_at(at);
    let unit = match unit.trim() {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        _ => return None,
    };
    let seconds = value.parse::<f64>().ok()? * unit;
    (seconds <= 60.0).then(|| Duration::from_secs_f64(seconds))
}

fn join(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        return format!("[{host}]:{port}");
    }
    format!("{host}:{port}")
}

fn resolve(address: &str) -> Result<Vec<SocketAddr>, std::io::Error> {
    address.to_socket_addrs().map(Iterator::collect)
}

fn read_peers(
    (text, source): &(String, String),
    host: &str,
    port: u16,
) -> anyhow::Result<Vec<String>> {
    let own = join(host, port);
    let own_resolved = resolve(&own).with_context(|| {
        format!("HOST={host}: the name cannot be resolved; give localhost or an address")
    })?;
    let mut peers: Vec<(String, Vec<SocketAddr>)> = Vec::new();
    for address in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        let port = address.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) {
            bail!("{source}: `{address}` has no port: write host:port, such as localhost:8001");
        }
        let resolved = resolve(address).map_err(|error| {
            anyhow::anyhow!("{source}: `{address}` cannot be resolved ({error}): give a name or address that can")
        })?;
        let overlaps = |other: &[SocketAddr]| resolved.iter().any(|it| other.contains(it));
        if address == own || overlaps(&own_resolved) {
            bail!("{source}: `{address}` is this node itself: name only the others");
        }
        if let Some((other, _)) =
            peers.iter().find(|(other, all)| other == address || overlaps(all))
        {
            bail!("{source}: `{other}` and `{address}` are one node: name it once");
        }
        peers.push((address.to_owned(), resolved));
    }
    if peers.len() >= 1_000 {
        bail!("{source}: {} peers: a network of real nodes has at most 1000", peers.len());
    }
    Ok(peers.into_iter().map(|(address, _)| address).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(pairs: &[(&str, &str)]) -> NodeArgs {
        let find = |name: &str| pairs.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
        NodeArgs {
            node_id: find("id").or(Some("1".to_owned())),
            host: find("host"),
            port: find("port").or(Some("8000".to_owned())),
            peers: find("peers").or(Some("localhost:8001,localhost:8002".to_owned())),
            stake: find("stake"),
            http: find("http"),
            delay: find("delay"),
            env_file: find("file").map(PathBuf::from),
            ..NodeArgs::default()
        }
    }

    #[test]
    fn the_example_is_read() {
        let settings = Settings::read(&args(&[("stake", "100")])).expect("it is right");
        assert_eq!((settings.process, settings.processes(), settings.stake), (0, 3, 100));
        assert_eq!(settings.listen, "localhost:8000");
        assert_eq!(settings.http, SocketAddr::from(([127, 0, 0, 1], 9000)));
        assert_eq!(settings.protocol, "pos-bft");
        assert!(settings.data.ends_with("pos-bft-1-8000"));
    }

    #[test]
    fn each_mistake_is_named_with_what_would_be_right() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[("id", "0")], "give 1 to 3"),
            (&[("id", "4")], "give 1 to 3"),
            (&[("id", "one")], "whole number from 1"),
            (&[("port", "70000")], "1 to 65535"),
            (&[("port", "0")], "1 to 65535"),
            (&[("port", "65000")], "HTTP=127.0.0.1:PORT"),
            (&[("stake", "-5")], "a whole number"),
            (&[("peers", "localhost:8001,localhost:8000")], "`localhost:8000` is this node itself"),
            (&[("peers", "127.0.0.1:8000")], "`127.0.0.1:8000` is this node itself"),
            (&[("peers", "localhost:8001,localhost:8001")], "are one node"),
            (&[("peers", "localhost:8001,127.0.0.1:8001")], "are one node"),
            (&[("peers", "no.such.name.invalid:8001")], "cannot be resolved"),
            (&[("peers", "localhost")], "has no port"),
            (&[("peers", "localhost:0")], "has no port"),
            (&[("host", "no.such.name.invalid")], "cannot be resolved"),
            (&[("http", "0.0.0.0:9000")], "--http-anyone"),
            (&[("http", "nonsense")], "such as 127.0.0.1:9000"),
            (&[("delay", "20")], "such as 20ms"),
            (&[("delay", "2h")], "such as 20ms"),
            (&[("file", "/nonexistent/.env")], "cannot be read"),
        ];
        for (pairs, expected) in cases {
            let error = format!("{:#}", Settings::read(&args(pairs)).expect_err(expected));
            assert!(error.contains(expected), "{pairs:?}: {error}");
        }
    }

    #[test]
    fn a_file_is_read_and_junk_in_it_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("my.env");
        let file = path.to_str().expect("a name");
        std::fs::write(&path, "# mine\nSTAKE=500\n").expect("written");
        assert_eq!(Settings::read(&args(&[("file", file)])).expect("it is right").stake, 500);
        std::fs::write(&path, "STAKE=500\n\u{1}junk here\n").expect("written");
        let error = format!("{:#}", Settings::read(&args(&[("file", file)])).expect_err("junk"));
        assert!(error.contains("my.env") && error.contains("NODE_ID=1"), "{error}");
    }
}
