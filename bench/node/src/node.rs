//! One process: a node with its sockets, its clock and its disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anthill_engine::crypto::{Scheme, secret_of};
use anthill_engine::scenario::Scenario;
use anthill_protocol::{NodeId, Snapshot};
use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::clock::{Clock, start_nonce, unix_ms};
use crate::hello::{Genesis, Hello, VERSION};
use crate::http;
use crate::journal::{Journal, JournalError};
use crate::live::Place;
use crate::machine::Machine;
use crate::net::Net;
use crate::offer::{Offer, hash_of};
use crate::reactor::{Input, Reactor, WAITING};
use crate::secure::LinkKey;
use crate::settings::{NodeArgs, Settings};

/// Who a process is: never changes.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
struct Identity {
    process: u32,
    processes: u32,
    scenario: [u8; 32],
    stake: u64,
    born_ms: u64,
}

/// Runs a node until `is_over` says so; asked ten times a second.
///
/// # Errors
/// If the settings do not go together, a port is in use, the data is another's, or something that it needs
/// fails while it runs.
pub fn run(
    settings: &Settings,
    offers: &[Offer],
    is_over: impl Fn() -> bool,
) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run_here(settings, offers, is_over))
}

/// `anthill node`: reads the settings, logs to stderr, and runs until `is_over` says so.
///
/// # Errors
/// As [`Settings::read`] and [`run`].
pub fn start(
    args: &NodeArgs,
    offers: &[Offer],
    is_over: impl Fn() -> bool + Sync,
) -> anyhow::Result<()> {
    log_from_environment();
    let settings = Settings::read(args)?;
    let is_left = Arc::new(AtomicBool::new(false));
    if args.end_with_stdin {
        let is_left = Arc::clone(&is_left);
        std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            // Whatever ends it.
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            is_left.store(true, Ordering::Relaxed);
        })?;
    }
    run(&settings, offers, || is_over() || is_left.load(Ordering::Relaxed))
}

/// Logs to stderr what `ANTHILL_LOG` says: a level, or levels by module; by default `info`.
fn log_from_environment() {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    let wanted = std::env::var("ANTHILL_LOG").ok();
    let parsed = wanted.as_deref().map(str::parse::<Targets>);
    let is_junk = matches!(parsed, Some(Err(_)));
    let targets = parsed.and_then(Result::ok);
    let targets = targets.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    // Somebody may have set up logs already, as a test has.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
    if is_junk {
        tracing::warn!(ANTHILL_LOG = wanted, "not a level: give error, warn, info, debug or trace");
    }
}

/// The offer of a protocol.
///
/// # Errors
/// If there is none: names the nearest.
pub fn find<'a>(offers: &'a [Offer], name: &str) -> anyhow::Result<&'a Offer> {
    let names = || offers.iter().map(|offer| offer.protocol.name);
    offers.iter().find(|offer| offer.protocol.name == name).with_context(|| {
        let near = anthill_engine::scenario::nearest(name, names());
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        format!("no protocol `{name}`{near}; there are {}", names().collect::<Vec<_>>().join(", "))
    })
}

async fn run_here(
    settings: &Settings,
    offers: &[Offer],
    is_over: impl Fn() -> bool,
) -> anyhow::Result<()> {
    let offer = find(offers, &settings.protocol)?;
    let scenario = offer.scenario(settings.processes(), &settings.set)?;
    // Built once before anything listens, for its errors; the stakes of others are not known yet.
    let stakes = vec![settings.stake.max(1); settings.processes() as usize];
    let (own, processes) = (settings.process, settings.processes());
    (offer.build)(&scenario, &Place { own, processes, stakes })?;

    let (journal, identity) = open(settings, &scenario)?;
    let (listener, web) = listen(settings).await?;
    let (inputs, for_reactor) = mpsc::channel(WAITING);
    let (fatal, mut fatals) = mpsc::unbounded_channel();
    let net = Arc::new(net(settings, &scenario, &identity, inputs.clone(), fatal));
    let known: Option<Genesis> = journal.about("genesis")?;
    if let Some(genesis) = &known {
        net.establish(genesis.clone());
    }
    tokio::spawn(Arc::clone(&net).accept(listener));
    for address in &settings.peers {
        tokio::spawn(Arc::clone(&net).dial(address.clone()));
    }
    let about = http::About {
        node_id: settings.process + 1,
        protocol: settings.protocol.clone(),
        scenario: identity.scenario,
        seed: scenario.seed,
    };
    tokio::spawn(http::serve(web, http::Api::new(about, inputs.clone(), Arc::clone(&net))));

    let over = async {
        while !is_over() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::pin!(over);
    let founding = async {
        match known {
            Some(genesis) => genesis,
            None => found(&net, settings).await,
        }
    };
    let genesis = tokio::select! {
        genesis = founding => genesis,
        why = fatals.recv() => anyhow::bail!(why.unwrap_or_default()),
        () = &mut over => return Ok(()),
    };
    journal.note("genesis", &genesis)?;
    net.establish(genesis.clone());
    let machine = build(offer, &scenario, settings, &genesis)?;
    let clock = Clock::since(genesis.instant_ms());
    let (stopped, mut has_stopped) = watch::channel(false);
    let parts = (Arc::clone(&net.outboxes), stopped);
    let mut reactor = Reactor::new(own, machine, journal, clock, parts);
    let thread = std::thread::Builder::new().name("reactor".to_owned()).spawn(move || {
        reactor.come_up()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        anyhow::Ok(runtime.block_on(reactor.run(for_reactor))?)
    })?;
    let ended = tokio::select! {
        () = &mut over => None,
        why = fatals.recv() => why,
        // Its sender goes with the thread, whether that ends well or not.
        _ = has_stopped.changed() => None,
    };
    // It may have ended already.
    let _ = inputs.send(Input::Stop).await;
    let result = tokio::task::spawn_blocking(move || thread.join()).await?;
    let Ok(result) = result else {
        anyhow::bail!("a handler panicked: this is a bug; nothing that it did was sent")
    };
    result.with_context(|| settings.data.display().to_string())?;
    match ended {
        Some(why) => anyhow::bail!(why),
        None => {
            tracing::info!("stopped; the state is saved");
            Ok(())
        }
    }
}

/// Takes both ports.
async fn listen(settings: &Settings) -> anyhow::Result<(TcpListener, TcpListener)> {
    let listener = TcpListener::bind(&settings.listen).await.with_context(|| {
        format!("{}: cannot listen there; give another PORT or stop what uses it", settings.listen)
    })?;
    let web = TcpListener::bind(settings.http).await.with_context(|| {
        format!("{}: cannot answer HTTP there; give another HTTP=ADDRESS:PORT", settings.http)
    })?;
    tracing::info!(
        node = settings.process + 1,
        of = settings.processes(),
        protocol = settings.protocol,
        listen = settings.listen,
        http = %settings.http,
        data = %settings.data.display(),
        "started"
    );
    Ok((listener, web))
}

/// Waits until everybody was heard.
async fn found(net: &Net, settings: &Settings) -> Genesis {
    let mut said = Vec::new();
    loop {
        if let Some(genesis) = net.found() {
            return genesis;
        }
        let missing: Vec<u32> = net.unheard().iter().map(|process| process + 1).collect();
        if missing != said {
            tracing::info!(
                ?missing,
                peers = settings.peers.join(","),
                "waiting for the other nodes"
            );
            said = missing;
        }
        net.heard.notified().await;
    }
}

fn build(
    offer: &Offer,
    scenario: &Scenario,
    settings: &Settings,
    genesis: &Genesis,
) -> anyhow::Result<Box<dyn Machine>> {
    let (own, processes) = (settings.process, settings.processes());
    (offer.build)(scenario, &Place { own, processes, stakes: genesis.stakes.clone() })
}

/// Opens the data, which must be this node's.
fn open(settings: &Settings, scenario: &Scenario) -> anyhow::Result<(Journal, Identity)> {
    let path = settings.data.display();
    std::fs::create_dir_all(&settings.data)
        .with_context(|| format!("{path}: the directory cannot be made; give another DATA"))?;
    let journal = Journal::open(&settings.data.join("node.redb")).map_err(|error| match error {
        JournalError::InUse => anyhow::anyhow!("{path}: {error} Give another DATA"),
        error => anyhow::anyhow!("{path}: {error}"),
    })?;
    let identity = Identity {
        process: settings.process,
        processes: settings.processes(),
        scenario: hash_of(scenario, settings.processes()),
        stake: settings.stake,
        born_ms: unix_ms(),
    };
    let Some(kept) = journal.about::<Identity>("identity")? else {
        journal.note("identity", &identity)?;
        return Ok((journal, identity));
    };
    let what = if kept.process != identity.process {
        format!("of NODE_ID {}", kept.process + 1)
    } else if kept.processes != identity.processes {
        format!("of a network of {} nodes", kept.processes)
    } else if kept.stake != identity.stake {
        format!("of a node with STAKE={}", kept.stake)
    } else if kept.scenario != identity.scenario {
        "of another scenario".to_owned()
    } else {
        return Ok((journal, kept));
    };
    anyhow::bail!(
        "{path}: the data is {what}: give the same settings, or another DATA for a new network"
    )
}

fn net(
    settings: &Settings,
    scenario: &Scenario,
    identity: &Identity,
    inputs: mpsc::Sender<Input>,
    fatal: mpsc::UnboundedSender<String>,
) -> Net {
    let (seed, given) = (scenario.seed, &scenario.crypto.keys);
    let mut scheme = Scheme::with_keys(anthill_engine::crypto::Mode::Real, seed, given.clone());
    let keys = (0..identity.processes).map(|node| scheme.public_key(NodeId(node))).collect();
    let key = LinkKey::new(&secret_of(seed, given, NodeId(identity.process)));
    let own = Hello {
        version: VERSION,
        protocol: settings.protocol.clone().into_bytes(),
        scenario: identity.scenario,
        process: identity.process,
        stake: identity.stake,
        born_ms: identity.born_ms,
        nonce: start_nonce(),
        address: settings.listen.clone().into_bytes(),
        genesis: None,
    };
    Net::new(own, (key, keys), inputs, settings.delay, fatal)
}
