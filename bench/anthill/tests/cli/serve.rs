//! `anthill run --serve`, asked by a plain TCP connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{Desk, json, refusal};

/// A run that is being served; ends with this value.
struct Served {
    child: Child,
    address: String,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Served {
    /// Starts a run that takes as long as `flags` say, at a port of the system's choice.
    fn start(desk: &Desk, flags: &str) -> Self {
        let line = format!("run phold --nodes 1k --serve 127.0.0.1:0 --progress off {flags}");
        let mut command = desk.command(&line);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("stderr"));
        let mut said = String::new();
        stderr.read_line(&mut said).expect("a line");
        let address = said.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("no address in `{said}`")).to_owned();
        assert!(address.starts_with("127.0.0.1:") && !address.ends_with(":0"), "{address}");
        Self { child, address, stderr }
    }

    fn connect(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        stream.write_all(request.as_bytes()).expect("sent");
        stream
    }

    /// Head and body of one answer.
    fn ask(&self, method: &str, path: &str, host: &str) -> (String, String) {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        self.connect(&request).read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.to_owned(), body.to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn page_metrics_and_refusals_while_it_runs() {
    let desk = Desk::new();
    let served = Served::start(&desk, "--until 10000s");
    let own = served.address.clone();

    let (head, page) = served.ask("GET", "/", &own);
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("text/html"), "{head}");
    assert!(page.contains("phold · 1,000 nodes") && page.contains("connect-src 'self'"), "{page}");
    let references = page.replace("\"http://www.w3.org/2000/svg\"", "");
    assert!(!references.contains("http://") && !references.contains("https://"), "{references}");

    let (head, metrics) = served.ask("GET", "/metrics", "localhost");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("version=0.0.4"), "{head}");
    let mut samples = 0;
    for line in metrics.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, value) = line.rsplit_once(' ').expect("name and value");
        assert!(name.starts_with("anthill_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        samples += 1;
    }
    assert!(samples >= 8 && metrics.contains("anthill_nodes 1000\n"), "{metrics}");
    assert!(metrics.contains("\nanthill_events_total "), "{metrics}");

    for (method, path, host, status) in [
        ("POST", "/", own.as_str(), "405"),
        ("DELETE", "/metrics", &own, "405"),
        ("PUT", "/events", &own, "405"),
        ("GET", "/../etc/passwd", &own, "404"),
        ("GET", "/", "evil.example", "403"),
    ] {
        let (head, _) = served.ask(method, path, host);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{method} {path}: {head}");
    }
}

#[test]
fn events_grow_and_end_with_what_was_saved() {
    let desk = Desk::new();
    let result = |flags: &str| {
        let output = desk.anthill(&format!("run phold --nodes 1k --format json {flags}"));
        json(&output.stdout)["result"].clone()
    };
    // Long enough for several samples, on any machine that the suite runs on.
    let length = "--until 40s --out served --format json";
    let mut served = Served::start(&desk, length);
    let request = format!("GET /events HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
    let stream = BufReader::new(served.connect(&request));
    let samples: Vec<Value> = stream
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| Some(json(line.strip_prefix("data: ")?.as_bytes())))
        .collect();
    assert!(samples.len() >= 3, "{} samples", samples.len());
    let events: Vec<u64> = samples.iter().filter_map(|s| s["events"].as_u64()).collect();
    assert!(events.is_sorted() && events[0] < events[events.len() - 1], "{events:?}");
    let between = samples.iter().filter(|s| s["events"] != 0 && s["ended"] == false).count();
    assert!(between >= 1, "it was glimpsed while it ran: {events:?}");

    assert!(served.child.wait().expect("it ends").success());
    let mut said = String::new();
    served.stderr.read_to_string(&mut said).expect("the rest");
    assert_eq!(said, "", "nothing to complain of");
    let (last, saved) = (&samples[samples.len() - 1], desk.json("served/summary.json"));
    assert_eq!(last["ended"], true);
    assert_eq!(last["events"], saved["events"]);
    assert_eq!(last["shard_events"], saved["shard_events"]);
    let digest = saved["digest"].as_str().expect("a digest");
    assert_eq!(last["state"], format!("finished; digest {digest}"));
    assert_eq!(result("--until 40s"), saved["result"], "being watched changes nothing");
    assert!(TcpStream::connect(&served.address).is_err(), "the server ends with the run");
}

#[test]
fn a_page_that_stays_has_the_report_until_ctrl_c() {
    let desk = Desk::new();
    let mut served = Served::start(&desk, "--until 50ms --out r --serve-until stopped");
    let mut said = String::new();
    served.stderr.read_line(&mut said).expect("a line");
    assert!(said.contains(&format!("http://{}/report", served.address)), "{said}");
    let digest = desk.json("r/summary.json")["digest"].as_str().expect("a digest").to_owned();
    let own = served.address.clone();
    let (head, report) = served.ask("GET", "/report", &own);
    assert!(head.starts_with("HTTP/1.1 200") && report.contains(&digest), "{head}");
    // Who comes now sees how it ended.
    let (_, page) = served.ask("GET", "/", &own);
    assert!(page.contains(&format!("finished; digest {digest}")), "{page}");
    let pid = served.child.id().to_string();
    let sent = std::process::Command::new("kill").args(["-INT", &pid]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    let status = served.child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0), "the run was over and saved");
    assert!(TcpStream::connect(&served.address).is_err());
}

#[test]
fn there_is_no_report_before_the_end() {
    let desk = Desk::new();
    let served = Served::start(&desk, "--until 10000s");
    let own = served.address.clone();
    assert!(served.ask("GET", "/report", &own).0.starts_with("HTTP/1.1 404"));
}

#[test]
fn an_address_that_cannot_be_had_stops_the_run_before_it_starts() {
    let desk = Desk::new();
    let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = holder.local_addr().expect("an address").to_string();
    for (address, complaint) in
        [(taken.as_str(), "another port"), ("0.0.0.0:0", "--serve-anyone"), ("here", "no address")]
    {
        let line = format!("run phold --nodes 1k --until 1s --out a --serve {address}");
        let refused = refusal(&desk.anthill(&line));
        assert!(refused.contains(complaint), "{refused}");
        assert!(!desk.path("a").exists());
    }
}

/// Whoever follows the address finds what is served.
#[test]
fn the_manifest_is_there_before_anyone_is_told_of_the_page() {
    let desk = Desk::new();
    let _served = Served::start(&desk, "--until 10000s --out r");
    assert_eq!(desk.json("r/manifest.json")["protocol"], "phold");
}

/// More connections than are taken at a time, none of which ever asks anything.
#[test]
fn connections_that_ask_nothing_are_closed_and_keep_nobody_out() {
    let desk = Desk::new();
    let served = Served::start(&desk, "--until 10000s");
    let slow: Vec<TcpStream> = ["", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n"]
        .into_iter()
        .cycle()
        .take(150)
        .map(|begun| served.connect(begun))
        .collect();
    let (head, _) = served.ask("GET", "/metrics", "localhost");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    for mut stream in slow.into_iter().take(3) {
        let mut answer = Vec::new();
        // Closed in whatever way, within the time that a read may take.
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "it never asked");
    }
}

#[test]
fn more_than_a_question_is_refused() {
    let desk = Desk::new();
    let served = Served::start(&desk, "--until 10000s");
    let status = |request: &str| {
        let mut answer = String::new();
        let read = served.connect(request).take(15).read_to_string(&mut answer);
        assert!(read.is_ok(), "{read:?}");
        answer
    };
    let body = "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\nx";
    assert!(status(body).starts_with("HTTP/1.1 413"));
    let chunked = "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert!(status(chunked).starts_with("HTTP/1.1 413"));
    // As much as is read of it at least: what comes after is answered by closing.
    let long = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX: {}", "x".repeat(17 << 10));
    assert!(status(&long).starts_with("HTTP/1.1 431"));
    let (head, _) = served.ask("GET", "/", "localhost");
    assert!(head.starts_with("HTTP/1.1 200"), "it goes on: {head}");
}
