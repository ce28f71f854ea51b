//! What a node offers over HTTP, to its own machine unless somebody says otherwise.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::machine::Remark;
use crate::net::Net;
use crate::reactor::{Figures, Input};
use crate::text::{hex, unhex};

/// How long the node may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most bytes of a request.
const MOST_BYTES: usize = 4 << 20;

/// What does not change about a node.
pub(crate) struct About {
    pub node_id: u32,
    pub protocol: String,
    pub scenario: [u8; 32],
    pub seed: u64,
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    about: Arc<About>,
    inputs: mpsc::Sender<Input>,
    net: Arc<Net>,
}

impl Api {
    pub(crate) fn new(about: About, inputs: mpsc::Sender<Input>, net: Arc<Net>) -> Self {
        Self { about: Arc::new(about), inputs, net }
    }

    async fn ask<T>(&self, input: impl FnOnce(oneshot::Sender<T>) -> Input) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let asked = async {
            self.inputs.send(input(answer)).await.ok()?;
            answered.await.ok()
        };
        tokio::time::timeout(PATIENCE, asked).await.ok()?
    }
}

/// Answers until the process ends.
pub(crate) async fn serve(listener: TcpListener, api: Api) {
    let router = Router::new()
        .route("/status", get(status))
        .route("/metrics", get(metrics))
        .route("/transactions", post(submit))
        .route("/outputs", get(outputs))
        .route("/contracts/{id}/call", post(call))
        .route("/{*path}", get(query))
        .layer(DefaultBodyLimit::max(MOST_BYTES))
        .with_state(api);
    if let Err(error) = axum::serve(listener, router).await {
        tracing::error!(%error, "HTTP ended");
    }
}

fn busy() -> Response {
    let text = "the node does not answer: it waits for the others, or is busy\n";
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

fn as_json(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn status(State(api): State<Api>) -> Response {
    let (all, refused) = api.net.acquaintances();
    let peers: Vec<Value> = all
        .iter()
        .map(|it| {
            let (id, address) = (it.process + 1, &it.address);
            json!({ "node_id": id, "address": address, "sends": it.sends, "receives": it.receives })
        })
        .collect();
    let missing: Vec<u32> = api.net.unheard().iter().map(|process| process + 1).collect();
    let About { node_id, protocol, scenario, seed } = &*api.about;
    let mut value = json!({
        "node_id": node_id, "protocol": protocol, "scenario": hex(scenario), "seed": seed,
        "version": env!("CARGO_PKG_VERSION"), "peers": peers, "refused_connections": refused,
    });
    if !api.net.is_established() {
        value["waiting_for"] = json!(missing);
    } else {
        let Some(figures) = api.ask(|answer| Input::Figures { answer }).await else {
            return busy();
        };
        value["now_ns"] = json!(figures.now.0);
        value["events"] = json!(figures.events);
        value["last_output"] = json!(figures.last_remark.map(|it| it.text));
        let path = String::new();
        let own = api.ask(|answer| Input::Query { path, answer }).await.flatten();
        value["state"] = own.and_then(|it| serde_json::from_str(&it).ok()).unwrap_or(Value::Null);
    }
    as_json(value.to_string())
}

async fn metrics(State(api): State<Api>) -> Response {
    if !api.net.is_established() {
        return busy();
    }
    match api.ask(|answer| Input::Figures { answer }).await {
        Some(figures) => prometheus(&api, &figures).into_response(),
        None => busy(),
    }
}

fn prometheus(api: &Api, figures: &Figures) -> String {
    let mut out = String::new();
    let mut say = |name: &str, kind: &str, about: &str, values: &[(String, f64)]| {
        // A String takes everything.
        let _ = writeln!(out, "# HELP anthill_{name} {about}\n# TYPE anthill_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(out, "anthill_{name}{labels} {value}");
        }
    };
    let one = |value: f64| [(String::new(), value)];
    say("events_total", "counter", "events handled since the start", &one(figures.events as f64));
    say("bodies", "gauge", "shared bodies in memory", &one(figures.bodies as f64));
    say(
        "messages_lost_total",
        "counter",
        "messages whose bodies did not come",
        &one(figures.lost as f64),
    );
    let (all, refused) = api.net.acquaintances();
    let connected = all.iter().filter(|it| it.sends && it.receives).count();
    say("peers_connected", "gauge", "nodes connected both ways", &one(connected as f64));
    say(
        "connections_refused_total",
        "counter",
        "connections refused or cut off",
        &one(refused as f64),
    );
    let by_peer = |value: fn(&(usize, u64)) -> f64| -> Vec<(String, f64)> {
        let all = figures.outboxes.iter().zip(1..);
        let others = all.filter(|(_, id)| *id != api.about.node_id);
        others.map(|(counts, id)| (format!("{{peer=\"{id}\"}}"), value(counts))).collect()
    };
    say("frames_waiting", "gauge", "frames that wait for a connection", &by_peer(|it| it.0 as f64));
    say("frames_dropped_total", "counter", "frames that were too many", &by_peer(|it| it.1 as f64));
    let sent =
        figures.sent.iter().map(|(kind, count)| (format!("{{kind=\"{kind}\"}}"), *count as f64));
    say("messages_sent_total", "counter", "messages sent, by kind", &sent.collect::<Vec<_>>());
    for (meter, value, quantiles) in &figures.meters {
        let name = format!("protocol_{}", meter.name);
        match quantiles {
            None if meter.is_max => say(&name, "gauge", meter.about, &one(*value as f64)),
            None => say(&format!("{name}_total"), "counter", meter.about, &one(*value as f64)),
            Some(it) => {
                let name = format!("{name}_seconds");
                let at = |q: &str, ns: u64| (format!("{{quantile=\"{q}\"}}"), ns as f64 / 1e9);
                say(&name, "summary", meter.about, &[at("0.5", it.p50), at("0.99", it.p99)]);
                say(
                    &format!("{name}_count"),
                    "counter",
                    "how many of these",
                    &one(it.count as f64),
                );
                say(&format!("{name}_sum"), "counter", "the sum of these", &one(it.sum / 1e9));
            }
        }
    }
    out
}

async fn submit(State(api): State<Api>, body: Bytes) -> Response {
    if !api.net.is_established() {
        return busy();
    }
    // Bytes, or the same in hexadecimal digits.
    let text = std::str::from_utf8(&body).ok().map(str::trim).and_then(unhex);
    let bytes = text.unwrap_or_else(|| body.to_vec());
    match api.ask(|answer| Input::Request { bytes, answer }).await {
        Some(Ok(said)) => (StatusCode::ACCEPTED, as_json(said)).into_response(),
        Some(Err(why)) => (StatusCode::BAD_REQUEST, why + "\n").into_response(),
        None => busy(),
    }
}

async fn call(State(api): State<Api>, Path(id): Path<String>, body: Bytes) -> Response {
    let input = match std::str::from_utf8(&body).ok().map(str::trim).and_then(unhex) {
        Some(bytes) => bytes,
        None => {
            return (StatusCode::BAD_REQUEST, "give the input in hexadecimal digits\n")
                .into_response();
        }
    };
    answer(&api, format!("contracts/{id}/call/{}", hex(&input))).await
}

async fn query(State(api): State<Api>, Path(path): Path<String>) -> Response {
    answer(&api, path).await
}

async fn answer(api: &Api, path: String) -> Response {
    if !api.net.is_established() {
        return busy();
    }
    match api.ask(|answer| Input::Query { path, answer }).await {
        Some(Some(said)) => as_json(said),
        Some(None) => (StatusCode::NOT_FOUND, "there is no such thing\n").into_response(),
        None => busy(),
    }
}

/// What the node has said, a line each: `from=N` begins later.
async fn outputs(State(api): State<Api>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let from = query.strip_prefix("from=").and_then(|it| it.parse().ok()).unwrap_or(0);
    if !api.net.is_established() {
        return busy();
    }
    let Some(all) = api.ask(|answer| Input::Remarks { from, answer }).await else { return busy() };
    let line = |it: &Remark| {
        let Remark { at, node, text, bytes } = it;
        json!({ "at_ns": at.0, "node": node, "text": text, "bytes": hex(bytes) }).to_string() + "\n"
    };
    all.iter().map(line).collect::<String>().into_response()
}
