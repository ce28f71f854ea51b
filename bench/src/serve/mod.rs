//! `anthill run --serve`: a page that follows a run, and its counters for Prometheus.
//!
//! Owns one thread with a server that ends with the run. It only answers questions: three paths
//! that can be read (`/`, `/events`, `/metrics`), nothing that changes anything. Twice a second it
//! asks the engine for a glimpse ([`anthill_engine::Live`]), however many are watching, so watching
//! costs the same for one and for many; what they may take is bounded too (`connections`). The address is bound before anything runs, only loopback
//! unless `--serve-anyone`, and then names other than this machine's own are refused too, because a
//! web page elsewhere could point a name of its own at 127.0.0.1 and read along.

mod connections;
mod listen;
mod prometheus;
mod sample;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anthill_engine::outcome::Outcome;
use anyhow::Context as _;
use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use maud::{Markup, html};
use tokio::sync::watch;
use tokio::time;

pub(crate) use listen::listen;
pub(crate) use sample::Subject;
use sample::{Sample, Sampler};

use crate::engines::Control;
use crate::{page, terminal};

const SCRIPT: &str = include_str!("live.js");
/// How often the engine is asked.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long the end of a run waits for its watchers to hear of it.
const FAREWELL: Duration = Duration::from_secs(1);

/// A server that runs as long as this value.
#[derive(Debug)]
pub(crate) struct Server {
    /// How the run ended, for the last event.
    last: Arc<Mutex<Option<Outcome>>>,
    /// Dropped: the server ends.
    stop: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the answers are made from.
#[derive(Clone)]
struct Shared {
    subject: Arc<Subject>,
    samples: watch::Receiver<Arc<Sample>>,
    /// Names by which it may be called; `None`: any.
    names: Option<SocketAddr>,
}

impl Server {
    /// Starts to answer on a bound address, and says where on stderr.
    ///
    /// # Errors
    /// If the system refuses a thread or the address.
    pub(crate) fn start(
        listener: TcpListener,
        anyone: bool,
        subject: Subject,
        control: &Arc<Control>,
    ) -> anyhow::Result<Self> {
        let address = listener.local_addr().context("cannot serve the live view")?;
        listener.set_nonblocking(true).context("cannot serve the live view")?;
        let (stop, stopped) = watch::channel(());
        let last = Arc::new(Mutex::new(None));
        let sampler = Sampler::new(Arc::clone(control), Arc::clone(&last));
        let names = (!anyone).then_some(address);
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let served = runtime.and_then(|runtime| {
                runtime.block_on(serve(listener, names, subject, sampler, stopped))
            });
            if let Err(problem) = served {
                // The run is worth more than its view.
                terminal::complain("warning", &format!("the live view ended: {problem}"));
            }
        };
        let thread = thread::Builder::new().name("serve".to_owned()).spawn(work);
        let thread = Some(thread.context("cannot start a thread for the live view")?);
        terminal::complain("serving", &format!("http://{address}/ until the run ends"));
        Ok(Self { last, stop: Some(stop), thread })
    }

    /// Tells those who watch how the run ended.
    pub(crate) fn finish(self, outcome: &Outcome) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome.clone());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: TcpListener,
    names: Option<SocketAddr>,
    subject: Subject,
    mut sampler: Sampler,
    mut stopped: watch::Receiver<()>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let ended = stopped.clone();
    let (samples, latest) = watch::channel(Arc::new(sampler.take()));
    let shared = Shared { subject: Arc::new(subject), samples: latest, names };
    let server = connections::answer(listener, router(shared), ended);
    let sampling = async move {
        let mut ticks = time::interval(INTERVAL);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = stopped.changed() => break,
            }
            sampler.ask();
            // Windows take far less; the glimpse is the one just asked for.
            time::sleep(INTERVAL / 10).await;
            samples.send_replace(Arc::new(sampler.take()));
        }
        // Without a sender, streams of events end after this one.
        samples.send_replace(Arc::new(sampler.take()));
        drop(samples);
        time::sleep(FAREWELL).await;
    };
    tokio::select! {
        () = server => {}
        () = sampling => {}
    }
    Ok(())
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/events", get(events))
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn(without_body))
        .layer(middleware::from_fn_with_state(shared.clone(), own_names_only))
        .with_state(shared)
}

/// Refuses whoever calls this machine by a name that is not its own.
async fn own_names_only(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let called = host.unwrap_or("").rsplit_once(':').map_or(host.unwrap_or(""), |(name, _)| name);
    let own = |address: SocketAddr| {
        called == "localhost" || called.trim_matches(['[', ']']) == address.ip().to_string()
    };
    if shared.names.is_none_or(own) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "only by its own address: see --serve-anyone\n").into_response()
    }
}

/// Refuses whoever sends more than a question.
async fn without_body(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let close = [(header::CONNECTION, "close")];
    (StatusCode::PAYLOAD_TOO_LARGE, close, "nothing here takes a body\n").into_response()
}

async fn index(State(shared): State<Shared>) -> Html<String> {
    let sample = Arc::clone(&shared.samples.borrow());
    let subject = &shared.subject;
    let subtitle = format!("live · protocol {} · seed {}", subject.protocol, subject.seed);
    let title = format!("{} · {} nodes", subject.name, crate::units::count(subject.nodes.into()));
    Html(page::live_document(&title, &subtitle, &body(subject, &sample), SCRIPT))
}

/// The figures as they are now; the script replaces what has an id.
fn body(subject: &Subject, sample: &Sample) -> Markup {
    let figures = sample.figures(subject);
    html! {
        noscript { p { "Without a script these are the figures of the moment the page was opened; reload it for newer ones." } }
        p id="state" role="status" { (sample.state(subject)) }
        p { progress id="progress" max="1" value=(format!("{:.4}", sample.share(subject))) { "" } }
        dl.headlines {
            @for (id, label, value) in figures { div { dt { (label) } dd id=(id) { (value) } } }
        }
        (page::section("rate-over-time", "Events per second", &html! {
            figure { div id="rate" {} figcaption { "Of wall time, since this page was opened." } }
        }))
        (page::section("latencies", "Latency so far", &html! { div.wide { table id="latency" {
            thead { tr { th { "Latency" } @for name in ["count", "median", "90 %", "99 %", "99.9 %", "longest"] { th.figure { (name) } } } }
            tbody { @for row in sample.latency_rows() { tr { @for (i, cell) in row.iter().enumerate() { td class=[(i > 0).then_some("figure")] { (cell) } } } } }
        } } }))
        (page::section("events-by-shard", "Events by shard", &html! { div id="shards" {
            @for (i, events) in sample.glimpse.shard_events.iter().enumerate() { p { (i) ": " (crate::units::count(*events)) } }
        } }))
        (page::section("metrics-so-far", "Metrics so far", &html! { div.wide { table id="metrics" {
            thead { tr { th { "Metric" } th.figure { "value" } } }
            tbody { @for (name, value) in sample.metric_rows(subject) { tr { td { (name) } td.figure { (value) } } } }
        } } }))
        (page::section("checks-of-the-run", "Checks", &html! { div id="checks" {
            p.absent { "What theory says is of whole runs: checks are made at the end, and then stand here." }
        } }))
    }
}

async fn events(
    State(shared): State<Shared>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut samples = shared.samples.clone();
    samples.mark_changed();
    let subject = Arc::clone(&shared.subject);
    let stream = stream::unfold((samples, subject), |(mut samples, subject)| async move {
        samples.changed().await.ok()?;
        let text = samples.borrow_and_update().json(&subject).to_string();
        Some((Ok(Event::default().data(text)), (samples, subject)))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let text = prometheus::text(&shared.subject, &shared.samples.borrow());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
