//! What arrives from nobody the node knows, and from those it knows but should not believe.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anthill_engine::crypto::secret_of;
use anthill_node::client::Client;
use anthill_node::frame::Frame;
use anthill_node::hello::{Answer, Hello, VERSION};
use anthill_node::machine::Parcel;
use anthill_node::secure::{LinkError, LinkKey, Receiver, Sender, secure};
use anthill_protocol::{NodeId, Snapshot};

use crate::{height, wait_for};

/// A node of a network of two that decides alone, because the other has next to no stake. The test is the other.
struct Lone {
    child: Child,
    directory: tempfile::TempDir,
    address: SocketAddr,
    client: Client,
    /// Where the node looks for the test.
    listener: TcpListener,
    own: SocketAddr,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it has one").port()
}

fn node(args: &[(&str, String)]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg("node");
    for (flag, value) in args {
        command.arg(flag).arg(value);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

impl Lone {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("it has one");
        let (port, http) = (free_port(), free_port());
        let args = [
            ("--node-id", "1".to_owned()),
            ("--host", "127.0.0.1".to_owned()),
            ("--port", port.to_string()),
            ("--peers", own.to_string()),
            ("--http", format!("127.0.0.1:{http}")),
            ("--stake", "1000".to_owned()),
            ("--set", "protocol.timeout_commit=200ms".to_owned()),
            ("--data", directory.path().display().to_string()),
        ];
        let mut command = node(&args);
        if std::env::var("ANTHILL_LOG").is_err() {
            command.stderr(Stdio::null());
        }
        let child = command.spawn().expect("it starts");
        let client = Client::new(&format!("127.0.0.1:{http}"));
        wait_for("the node answers", || client.json("status").ok());
        Self {
            child,
            directory,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            client,
            listener,
            own,
        }
    }

    /// The scenario's hash, as the node says.
    fn scenario(&self) -> [u8; 32] {
        let status = self.client.json("status").expect("it answers");
        let text = status["scenario"].as_str().expect("a hash");
        std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("digits"))
    }

    /// What the true second node says.
    fn hello(&self) -> Hello {
        Hello {
            version: VERSION,
            protocol: b"pos-bft".to_vec(),
            scenario: self.scenario(),
            process: 1,
            stake: 1,
            born_ms: 1,
            nonce: 77,
            address: self.own.to_string().into_bytes(),
            genesis: None,
        }
    }

    /// Connects with a node's key and says something; what comes back.
    async fn visit(&self, key_of: u32, hello: &Hello) -> (Answer, Link) {
        let stream = tokio::net::TcpStream::connect(self.address).await.expect("it listens");
        let (mut sender, mut receiver, _) =
            secure(stream, &key(key_of), true).await.expect("it greets");
        sender.send(&bytes_of(hello)).await.expect("it listens");
        let answer = receiver.next(Duration::from_secs(60)).await.expect("it answers");
        (Answer::load(&mut &answer[..]).expect("an answer"), (sender, receiver))
    }

    fn height(&self) -> Option<u64> {
        height(&self.client.json("status").ok()?)
    }

    fn goes_on(&self) {
        let before = wait_for("a height", || self.height());
        wait_for("it goes on", || self.height().filter(|it| *it > before + 1));
    }
}

impl Drop for Lone {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Link = (Sender<tokio::net::TcpStream>, Receiver<tokio::net::TcpStream>);

fn key(node: u32) -> LinkKey {
    LinkKey::new(&secret_of(1, &None, NodeId(node)))
}

fn bytes_of(value: &impl Snapshot) -> Vec<u8> {
    let mut out = Vec::new();
    value.save(&mut out);
    out
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Connects as the second node, so that there is a genesis.
async fn join(lone: &Lone) -> Link {
    let (answer, link) = lone.visit(1, &lone.hello()).await;
    assert!(matches!(answer, Answer::Welcome(_)), "{answer:?}");
    link
}

/// Garbage, silence, frames without end, a thousand connections: the node goes on.
pub(crate) fn do_no_harm() {
    let lone = Lone::start();
    let runtime = runtime();
    let link = runtime.block_on(join(&lone));
    lone.goes_on();
    let connect = || {
        let stream = TcpStream::connect(lone.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        stream
    };
    // A frame of 2³² − 1 bytes, one of all zeros, text, and half a frame that never ends.
    let mut silent = Vec::new();
    for garbage in [&[0xff; 64][..], &[0; 64], b"GET / HTTP/1.1\r\n\r\n", &[0, 0, 1, 0, 7]] {
        let mut stream = connect();
        // It may be closed before all is written.
        let _ = stream.write_all(garbage);
        silent.push(stream);
    }
    for mut stream in silent {
        let mut rest = Vec::new();
        // Closed, by whatever name: an end or a reset.
        if let Err(error) = stream.read_to_end(&mut rest) {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "a connection stays open");
        }
    }
    // A thousand that say nothing; the node's own peer still gets in among them.
    let crowd: Vec<TcpStream> = (0..1_000).map(|_| connect()).collect();
    drop(link);
    let mut link = runtime.block_on(async {
        loop {
            if let Ok(link) = tokio::time::timeout(Duration::from_secs(60), join(&lone)).await {
                return link;
            }
        }
    });
    lone.goes_on();
    runtime.block_on(async {
        link.0.send(&Frame::Ping.encode()).await.expect("it listens");
        let answer = link.1.next(Duration::from_secs(60)).await.expect("it answers");
        assert_eq!(Frame::decode(&answer), Ok(Frame::Pong));
    });
    drop(crowd);
    // Transactions with rubbish, and paths that nobody has.
    assert!(lone.client.post("transactions", &"f".repeat(100)).is_err());
    assert!(lone.client.post("transactions", &"f".repeat(5 << 20)).is_err());
    for path in [
        "blocks/-1",
        "blocks/99999999999",
        "accounts/zz",
        "contracts/00/call/1",
        "../../etc/passwd",
    ] {
        assert!(lone.client.text(path).is_err(), "{path}");
    }
    lone.goes_on();
}

/// An unknown key, another scenario, version, protocol or number is refused with a reason, before and after
/// the genesis, and so is whoever has lost what it signed.
pub(crate) fn are_told_why() {
    let lone = Lone::start();
    runtime().block_on(async {
        let right = lone.hello();
        let strange = [
            (9, right.clone(), "the key is not that of NODE_ID 2"),
            (1, Hello { version: VERSION + 1, ..right.clone() }, "version"),
            (1, Hello { scenario: [0; 32], ..right.clone() }, "scenario is another"),
            (1, Hello { protocol: b"raft".to_vec(), ..right.clone() }, "it runs raft"),
            (1, Hello { process: 7, ..right.clone() }, "there are 2 nodes"),
            (1, Hello { born_ms: u64::MAX / 2, ..right.clone() }, "ahead|contradict"),
            (0, Hello { process: 0, ..right.clone() }, "two nodes have NODE_ID 1"),
        ];
        let refused = async |cases: &[(u32, Hello, &str)]| {
            for (key, hello, expected) in cases {
                let (answer, (_, mut receiver)) = lone.visit(*key, hello).await;
                let Answer::Refused(why) = answer else { panic!("let in: {hello:?}") };
                let why = String::from_utf8(why).expect("text");
                assert!(expected.split('|').any(|it| why.contains(it)), "{why}");
                assert!(receiver.next(Duration::from_secs(60)).await.is_err(), "it stays open");
            }
        };
        refused(&strange).await;
        let status = lone.client.json("status").expect("it answers");
        assert_eq!(status["waiting_for"], serde_json::json!([2]));
        assert!(status["events"].is_null(), "nobody has called a handler");
        let link = join(&lone).await;
        wait_for("there is a genesis", || lone.height());
        refused(&strange).await;
        let without = [
            (1, Hello { born_ms: 2, ..right.clone() }, "contradict itself"),
            (1, Hello { genesis: Some([7; 32]), ..right.clone() }, "another genesis"),
            (1, Hello { nonce: 5, address: b"elsewhere:1".to_vec(), ..right }, "is connected from"),
        ];
        refused(&without).await;
        drop(link);
    });
    lone.goes_on();
    assert!(
        lone.client.json("status").expect("it answers")["refused_connections"].as_u64() >= Some(15)
    );
}

/// A peer with the right key that sends what no node would: that connection ends, and nothing else.
pub(crate) fn garble() {
    let lone = Lone::start();
    let runtime = runtime();
    let first = runtime.block_on(join(&lone));
    lone.goes_on();
    let message =
        |from, to, bytes: &[u8]| Frame::Message { from, to, bytes: bytes.to_vec() }.encode();
    let zeros = [0u32.to_le_bytes(), (1u32 << 30).to_le_bytes()].concat();
    let garbage = [
        vec![0xee; 40],
        vec![],
        message(1, 0, &[1, 2, 3]),
        message(0, 0, &[]),
        message(5, 0, &[]),
        message(1, 0, &zeros),
        message(1, 1, &[8, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0]),
        Frame::Body(Parcel { interned: false, bytes: vec![3; 100] }).encode(),
        Frame::Body(Parcel { interned: true, bytes: vec![] }).encode(),
        [&Frame::Want(vec![7]).encode()[..], &[1]].concat(),
        vec![0; (1 << 24) + (1 << 13)],
    ];
    for frame in &garbage {
        let ended = runtime.block_on(async {
            let (mut sender, mut receiver) = join(&lone).await;
            // An empty frame has no record to be in: a ping follows, which is right.
            let _ = sender.send(if frame.is_empty() { &[0xee] } else { frame }).await;
            loop {
                match receiver.next(Duration::from_secs(60)).await {
                    Ok(bytes) if matches!(Frame::decode(&bytes), Ok(Frame::Bye(_))) => {}
                    Ok(_) => continue,
                    Err(error) => return error,
                }
            }
        });
        assert!(
            !matches!(ended, LinkError::Silent(_)),
            "left open after {:?}",
            &frame[..frame.len().min(30)]
        );
    }
    // What is not here is said not to be; the first connection was open all the time.
    let (mut sender, mut receiver) = first;
    runtime.block_on(async {
        sender.send(&Frame::Ping.encode()).await.expect("it listens");
        let answer = receiver.next(Duration::from_secs(60)).await.expect("it answers");
        assert_eq!(Frame::decode(&answer), Ok(Frame::Pong));
    });
    lone.goes_on();
}

/// Mistakes of whoever starts a node: exit code 2 and a sentence that says what to do.
pub(crate) fn mistakes() {
    let lone = Lone::start();
    let (port, data) = (lone.address.port(), lone.directory.path().display().to_string());
    let fails = |changes: &[(&str, String)], expected: &str| {
        let directory = tempfile::tempdir().expect("a directory");
        let mut args = vec![
            ("--node-id", "1".to_owned()),
            ("--host", "127.0.0.1".to_owned()),
            ("--port", free_port().to_string()),
            ("--peers", lone.own.to_string()),
            ("--http", format!("127.0.0.1:{}", free_port())),
            ("--data", directory.path().display().to_string()),
        ];
        for (flag, value) in changes {
            args.retain(|it| it.0 != *flag || *flag == "--set");
            args.push((flag, value.clone()));
        }
        let output = node(&args).stderr(Stdio::piped()).output().expect("it starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    };
    fails(&[("--port", port.to_string())], "give another PORT");
    fails(&[("--data", data.clone())], "another process uses it");
    fails(&[("--protocol", "pos-bf".to_owned())], "did you mean `pos-bft`");
    fails(&[("--set", "protocol.nonsense=1".to_owned())], "nonsense");
    fails(&[("--set", "adversary.kind=silent".to_owned())], "adversary");
    fails(&[("--peers", "127.0.0.1:1,127.0.0.1:1".to_owned())], "name it once");
    drop(lone.listener.try_clone());
    let (directory, kept) = (tempfile::tempdir().expect("a directory"), data);
    drop(lone);
    // The directory went with the node.
    assert!(!std::path::Path::new(&kept).exists());
    drop(directory);
}
