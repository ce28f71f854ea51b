//! `anthill cluster`: a network of processes on this machine, until Ctrl-C, and what they agreed on.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anthill_protocol::Time;
use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::Value;

use crate::client::Client;
use crate::live::Place;
use crate::machine::Remark;
use crate::node::find;
use crate::offer::Offer;
use crate::settings::duration;
use crate::text::unhex;

/// The most processes.
const MOST: u32 = 100;
/// How long a node may take to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// `anthill cluster`.
#[derive(Args, Clone, Debug)]
pub struct ClusterArgs {
    /// How many nodes.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub nodes: u32,
    /// Which protocol.
    #[arg(long, value_name = "NAME", default_value = "pos-bft")]
    pub protocol: String,
    /// Their stakes, where the protocol has stakes: `100,500,200`.
    #[arg(long, value_name = "STAKE,...", value_delimiter = ',')]
    pub stakes: Vec<u64>,
    /// Every node holds its messages back for so long, as longer links would.
    #[arg(long, value_name = "DURATION")]
    pub delay: Option<String>,
    /// Stop after so long, as on Ctrl-C (`30s`).
    #[arg(long = "for", value_name = "DURATION")]
    pub lasts: Option<String>,
    /// Keep the nodes' data here [default: a directory for temporary files, removed at the end].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Set any key of the scenario; repeatable.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// Save each node's metrics here at the end.
    #[arg(long, value_name = "DIR")]
    pub metrics: Option<PathBuf>,
    /// Do not print what the nodes log.
    #[arg(long)]
    pub quiet: bool,
}

/// The processes of a network on this machine.
pub struct Cluster {
    program: PathBuf,
    args: Vec<Vec<String>>,
    children: Vec<Option<Child>>,
    ports: Vec<u16>,
    https: Vec<u16>,
    quiet: bool,
}

impl Cluster {
    /// Works out ports and arguments; starts nothing.
    ///
    /// # Errors
    /// If there are no free ports.
    pub fn new(program: &Path, args: &ClusterArgs, data: &Path) -> anyhow::Result<Self> {
        let nodes = args.nodes as usize;
        let free = free_ports(2 * nodes)?;
        let (ports, https) = free.split_at(nodes);
        let of_node = |node: usize| {
            let others = (0..nodes).filter(|other| *other != node);
            let peers: Vec<String> = others.map(|it| format!("127.0.0.1:{}", ports[it])).collect();
            let mut given = vec!["node".to_owned()];
            let mut give = |flag: &str, value: String| given.extend([flag.to_owned(), value]);
            give("--node-id", (node + 1).to_string());
            give("--host", "127.0.0.1".to_owned());
            give("--port", ports[node].to_string());
            give("--peers", peers.join(","));
            give("--http", format!("127.0.0.1:{}", https[node]));
            give("--protocol", args.protocol.clone());
            give("--stake", args.stakes.get(node).copied().unwrap_or(1).to_string());
            give("--data", data.join(format!("node-{}", node + 1)).display().to_string());
            args.delay.iter().for_each(|delay| give("--delay", delay.clone()));
            args.set.iter().for_each(|set| give("--set", set.clone()));
            given.push("--end-with-stdin".to_owned());
            given
        };
        Ok(Self {
            program: program.to_owned(),
            args: (0..nodes).map(of_node).collect(),
            children: (0..nodes).map(|_| None).collect(),
            ports: ports.to_vec(),
            https: https.to_vec(),
            quiet: args.quiet,
        })
    }

    /// Starts a node that does not run; its logs appear with its number in front.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start(&mut self, node: usize) -> anyhow::Result<()> {
        let mut command = Command::new(&self.program);
        command.args(&self.args[node]).stdin(Stdio::piped()).stdout(Stdio::null());
        command.stderr(if self.quiet { Stdio::null() } else { Stdio::piped() });
        // What is set here is not for every node.
        for name in [
            "NODE_ID", "HOST", "PORT", "PEERS", "STAKE", "PROTOCOL", "DATA", "HTTP", "DELAY", "SET",
        ] {
            command.env_remove(name);
        }
        // A Ctrl-C at the terminal is for the cluster, which asks the nodes before it stops them.
        command.process_group(0);
        let mut child = command.spawn().context("a node cannot be started")?;
        if let Some(stderr) = child.stderr.take() {
            std::thread::Builder::new().name("logs".to_owned()).spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    // The terminal may be gone.
                    let _ = writeln!(std::io::stdout().lock(), "[{}] {line}", node + 1);
                }
            })?;
        }
        self.children[node] = Some(child);
        Ok(())
    }

    /// Kills a node, as `kill -9` does.
    pub fn kill(&mut self, node: usize) {
        if let Some(mut child) = self.children[node].take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The node's HTTP.
    pub fn client(&self, node: usize) -> Client {
        Client::new(&format!("127.0.0.1:{}", self.https[node]))
    }

    /// A node that has ended although nobody stopped it, and how.
    pub fn ended(&mut self) -> Option<(usize, String)> {
        self.children.iter_mut().enumerate().find_map(|(node, child)| {
            let status = child.as_mut()?.try_wait().ok()??;
            Some((node, status.to_string()))
        })
    }

    /// Where each node listens, and answers HTTP.
    pub fn addresses(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        self.ports.iter().copied().zip(self.https.iter().copied())
    }

    /// All that the nodes have said up to one instant, and which nodes do not answer.
    ///
    /// Nodes go on while they are asked: what is later than when the first of them was asked would be known of
    /// some and not of others.
    pub fn remarks(&self) -> (Vec<Remark>, Vec<usize>) {
        let now = |node: usize| self.client(node).json("status").ok()?["now_ns"].as_u64();
        let (mut until, mut all, mut silent) = (u64::MAX, Vec::new(), Vec::new());
        for node in 0..self.args.len() {
            match now(node) {
                Some(now) => until = until.min(now),
                None => silent.push(node),
            }
        }
        for node in (0..self.args.len()).filter(|node| !silent.contains(node)).collect::<Vec<_>>() {
            match self.remarks_of(node) {
                Ok(said) => all.extend(said.into_iter().filter(|it| it.at.0 <= until)),
                Err(_) => silent.push(node),
            }
        }
        (all, silent)
    }

    /// All that a node has said so far.
    fn remarks_of(&self, node: usize) -> anyhow::Result<Vec<Remark>> {
        let (client, mut all) = (self.client(node), Vec::new());
        loop {
            let text = client.text(&format!("outputs?from={}", all.len()))?;
            let before = all.len();
            for line in text.lines() {
                all.push(read_remark(line).with_context(|| format!("not an output: {line}"))?);
            }
            if all.len() == before {
                return Ok(all);
            }
        }
    }

    /// Stops all nodes; those that take too long are killed.
    pub fn stop(&mut self) {
        for child in self.children.iter_mut().flatten() {
            drop(child.stdin.take());
        }
        let start = now();
        for child in self.children.iter_mut().flatten() {
            while child.try_wait().ok().flatten().is_none() && now() - start < PATIENCE {
                std::thread::sleep(Duration::from_millis(20));
            }
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        self.children.iter_mut().for_each(|child| *child = None);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

fn now() -> Instant {
    #[allow(clippy::disallowed_methods)] // Processes run in real time.
    Instant::now()
}

fn free_ports(count: usize) -> anyhow::Result<Vec<u16>> {
    // All at once, so that no port is found twice.
    let all = (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>();
    let all = all.context("no free ports on 127.0.0.1")?;
    Ok(all.iter().map(|it| it.local_addr().map(|it| it.port())).collect::<Result<_, _>>()?)
}

fn read_remark(line: &str) -> Option<Remark> {
    let value: Value = serde_json::from_str(line).ok()?;
    Some(Remark {
        at: Time(value["at_ns"].as_u64()?),
        node: u32::try_from(value["node"].as_u64()?).ok()?,
        text: value["text"].as_str()?.to_owned(),
        bytes: unhex(value["bytes"].as_str()?)?,
    })
}

/// What all nodes of a network with these stakes said, against the protocol's judges: a line each, and whether it holds.
///
/// # Errors
/// If the scenario cannot be built.
pub fn judge(
    offer: &Offer,
    (stakes, set): (&[u64], &[String]),
    mut remarks: Vec<Remark>,
) -> anyhow::Result<Vec<(String, bool)>> {
    let processes = stakes.len() as u32;
    let scenario = offer.scenario(processes, set)?;
    let place = Place { own: 0, processes, stakes: stakes.to_vec() };
    let machine = (offer.build)(&scenario, &place)?;
    remarks.sort_by_key(|remark| (remark.at, remark.node));
    let last = remarks.last().map_or(Time::ZERO, |remark| remark.at);
    Ok(machine.judge(&remarks, last))
}

/// `anthill cluster`: whether the nodes agreed.
///
/// # Errors
/// If the arguments are wrong or a node ends by itself.
pub fn run(
    args: &ClusterArgs,
    offers: &[Offer],
    is_over: impl Fn() -> bool,
) -> anyhow::Result<bool> {
    if args.nodes == 0 || args.nodes > MOST {
        bail!("--nodes {}: give 1 to {MOST}", args.nodes);
    }
    if !args.stakes.is_empty() && args.stakes.len() != args.nodes as usize {
        bail!("--stakes: {} stakes for {} nodes", args.stakes.len(), args.nodes);
    }
    let lasts = args.lasts.as_ref().map(|text| {
        duration(text)
            .with_context(|| format!("--for {text}: give a duration up to 60s, such as 30s"))
    });
    let lasts = lasts.transpose()?;
    let offer = find(offers, &args.protocol)?;
    offer.scenario(args.nodes, &args.set)?;
    let temporary = std::env::temp_dir().join(format!("anthill-cluster-{}", std::process::id()));
    let data = args.data.clone().unwrap_or_else(|| temporary.clone());
    let mut cluster = Cluster::new(&std::env::current_exe()?, args, &data)?;
    for node in 0..args.nodes as usize {
        cluster.start(node)?;
    }
    for ((port, http), id) in cluster.addresses().zip(1..) {
        say(&format!("node {id}: 127.0.0.1:{port}, HTTP 127.0.0.1:{http}"))?;
    }
    say("Ctrl-C stops all of them.")?;
    let start = now();
    let mut ended = None;
    while !is_over() && lasts.is_none_or(|lasts| now() - start < lasts) && ended.is_none() {
        std::thread::sleep(Duration::from_millis(100));
        ended = cluster.ended();
    }
    let agreed = conclude(&cluster, offer, args);
    cluster.stop();
    if args.data.is_none() {
        // A node may not have made any.
        let _ = std::fs::remove_dir_all(&temporary);
    }
    match ended {
        Some((node, how)) => bail!("node {} ended by itself ({how}): its log says why", node + 1),
        None => agreed,
    }
}

/// Asks the nodes where they are, and says what was agreed.
fn conclude(cluster: &Cluster, offer: &Offer, args: &ClusterArgs) -> anyhow::Result<bool> {
    let (all, silent) = cluster.remarks();
    let missing: Vec<usize> = silent.iter().map(|node| node + 1).collect();
    for node in (0..args.nodes as usize).filter(|node| !silent.contains(node)) {
        let Ok(status) = cluster.client(node).json("status") else { continue };
        let state = match &status["state"] {
            Value::Null => status["last_output"].as_str().unwrap_or("nothing said").to_owned(),
            state => state.to_string(),
        };
        say(&format!("node {}: {state}", node + 1))?;
        if let Some(directory) = &args.metrics {
            let text = cluster.client(node).text("metrics")?;
            std::fs::create_dir_all(directory)?;
            std::fs::write(directory.join(format!("node-{}.prom", node + 1)), text)?;
        }
    }
    if !missing.is_empty() {
        say(&format!("no answer from nodes {missing:?}"))?;
    }
    let said = all.len();
    let stakes = match args.stakes.is_empty() {
        true => vec![1; args.nodes as usize],
        false => args.stakes.clone(),
    };
    let judged = judge(offer, (&stakes, &args.set), all)?;
    // Of nothing everything holds.
    for (name, holds) in judged.iter().filter(|_| said > 0) {
        say(&format!("{} {name}", if *holds { "holds:   " } else { "BROKEN:  " }))?;
    }
    let is_agreed = judged.iter().all(|(_, holds)| *holds);
    let verdict = match (said, is_agreed, missing.is_empty()) {
        (0, ..) => "nothing was said, so nothing was agreed",
        (_, true, true) => "the nodes agree",
        (_, true, false) => "the nodes that answered agree",
        (_, false, _) => "the nodes DISAGREE",
    };
    say(&format!("{verdict} ({said} outputs of {} nodes)", args.nodes as usize - missing.len()))?;
    Ok(is_agreed)
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}
