//! `anthill run --serve`: a page that follows a run, and its counters for Prometheus.
//!
//! Owns one thread with a server that ends with the run, or stays until Ctrl-C and then has the run's report
//! too. It only answers questions: four paths that can be read (`/`, `/events`, `/metrics`, `/report`), nothing
//! that changes anything. Twice a second it
//! asks the engine for a glimpse ([`anthill_engine::Live`]), however many are watching, so watching
//! costs the same for one and for many; what they may take is bounded too (`connections`). The address is bound before anything runs, only loopback
//! unless `--serve-anyone`, and then names other than this machine's own are refused too, because a
//! web page elsewhere could point a name of its own at 127.0.0.1 and read along.

mod connections;
mod history;
mod listen;
mod map;
mod prometheus;
mod sample;

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anthill_engine::outcome::{Ended, Outcome};
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
use tokio::sync::{Notify, watch};
use tokio::time;

use history::History;
pub(crate) use listen::listen;
pub(crate) use map::Map;
pub(crate) use sample::Subject;
use sample::{Sample, Sampler};

use crate::engines::Control;
use crate::interrupt::Interrupts;
use crate::plan::ServePlan;
use crate::{page, terminal};

const SCRIPT: &str =
    concat!(include_str!("live.js"), include_str!("../map/map.js"), include_str!("map.js"));
const STYLE: &str = include_str!("../map/map.css");
/// How often the engine is asked.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long the end of a run waits for its watchers to hear of it.
const FAREWELL: Duration = Duration::from_secs(1);

/// A server that runs as long as this value.
#[derive(Debug)]
pub(crate) struct Server {
    /// How the run ended, for the last event.
    last: Arc<Mutex<Option<Outcome>>>,
    /// The same before it is told.
    outcome: Option<Outcome>,
    /// The report, once there is one.
    report: Arc<OnceLock<String>>,
    /// Told when the report is there.
    over: Arc<Notify>,
    /// Answers once everybody sees how the run ended.
    shown: mpsc::Receiver<()>,
    /// Whether it outlasts the run.
    stays: bool,
    address: SocketAddr,
    /// Dropped: the server ends.
    stop: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the answers are made from.
#[derive(Clone)]
struct Shared {
    subject: Arc<Subject>,
    samples: watch::Receiver<Arc<Sample>>,
    /// What was so before, for who comes late.
    history: Arc<Mutex<History>>,
    report: Arc<OnceLock<String>>,
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
        plan: &ServePlan,
        subject: Subject,
        control: &Arc<Control>,
    ) -> anyhow::Result<Self> {
        let address = listener.local_addr().context("cannot serve the live view")?;
        listener.set_nonblocking(true).context("cannot serve the live view")?;
        let (stop, stopped) = watch::channel(());
        let last = Arc::new(Mutex::new(None));
        let (report, over) = (Arc::new(OnceLock::new()), Arc::new(Notify::new()));
        let sampler = Sampler::new(Arc::clone(control), Arc::clone(&last));
        let (samples, latest) = watch::channel(Arc::new(Sample::default()));
        let shared = Shared {
            subject: Arc::new(subject),
            samples: latest,
            history: Arc::default(),
            report: Arc::clone(&report),
            names: (!plan.anyone).then_some(address),
        };
        let (show, shown) = mpsc::channel();
        let ends = (Arc::clone(&over), show, stopped);
        let work = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let served = runtime.and_then(|runtime| {
                runtime.block_on(serve(listener, shared, (sampler, samples), ends))
            });
            if let Err(problem) = served {
                // The run is worth more than its view.
                terminal::complain("warning", &format!("the live view ended: {problem}"));
            }
        };
        let thread = thread::Builder::new().name("serve".to_owned()).spawn(work);
        let thread = Some(thread.context("cannot start a thread for the live view")?);
        let end = if plan.stays { "until Ctrl-C" } else { "until the run ends" };
        terminal::complain("serving", &format!("http://{address}/ {end}"));
        let stays = plan.stays;
        let (outcome, stop) = (None, Some(stop));
        Ok(Self { last, outcome, report, over, shown, stays, address, stop, thread })
    }

    /// Tells those who watch how the run ended; `None`: that was the last of the server. Otherwise it is told
    /// once the report is there.
    pub(crate) fn finish(mut self, outcome: &Outcome) -> Option<Self> {
        self.outcome = Some(outcome.clone());
        (self.stays && outcome.ended != Ended::Interrupted).then_some(self)
    }

    /// Goes on with the report until a signal comes.
    pub(crate) fn stay(mut self, report: String, interrupts: &Interrupts) {
        // It is there once.
        let _ = self.report.set(report);
        self.tell();
        self.over.notify_one();
        // Whoever comes because of the line below sees the end; an error: the server is gone, and has said so.
        let _ = self.shown.recv();
        let address = self.address;
        terminal::complain(
            "serving",
            &format!("the run is over; its report: http://{address}/report; Ctrl-C ends this"),
        );
        interrupts.wait();
    }

    fn tell(&mut self) {
        if let Some(outcome) = self.outcome.take() {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tell();
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: TcpListener,
    shared: Shared,
    (mut sampler, samples): (Sampler, watch::Sender<Arc<Sample>>),
    (over, show, mut stopped): (Arc<Notify>, mpsc::Sender<()>, watch::Receiver<()>),
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let ended = stopped.clone();
    let (history, subject) = (Arc::clone(&shared.history), Arc::clone(&shared.subject));
    let publish = move |sampler: &mut Sampler| {
        let sample = Arc::new(sampler.take());
        history.lock().unwrap_or_else(PoisonError::into_inner).add(sample.point(&subject));
        samples.send_replace(sample);
    };
    publish(&mut sampler);
    let server = connections::answer(listener, router(shared), ended);
    let sampling = async move {
        let mut ticks = time::interval(INTERVAL);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = over.notified() => {
                    publish(&mut sampler);
                    let _ = show.send(());
                    let _ = stopped.changed().await;
                    break;
                }
                _ = stopped.changed() => {
                    publish(&mut sampler);
                    break;
                }
            }
            sampler.ask();
            // Windows take far less; the glimpse is the one just asked for.
            time::sleep(INTERVAL / 10).await;
            publish(&mut sampler);
        }
        // Without a sender, streams of events end after this one.
        drop(publish);
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
        .route("/report", get(report))
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
    Html(page::live_document(&title, &subtitle, &body(subject, &sample), (STYLE, SCRIPT)))
}

/// The figures as they are now; the script replaces what has an id.
fn body(subject: &Subject, sample: &Sample) -> Markup {
    let figures = sample.figures(subject);
    html! {
        noscript { p { "Without a script these are the figures of the moment the page was opened; reload it for newer ones." } }
        p { span id="state" role="status" { (sample.state(subject)) } " " a id="report" href="/report" hidden { "The report of this run" } }
        p { progress id="progress" max="1" value=(format!("{:.4}", sample.share(subject))) { "" } }
        dl.headlines {
            @for (id, label, value) in figures { div { dt { (label) } dd id=(id) { (value) } } }
        }
        (page::section("map-of-the-network", "The network", &subject.map.markup()))
        (page::section("rate-over-time", "Events per second", &html! {
            figure { div id="rate" {} figcaption { "Over wall time." } }
        }))
        (page::section("over-virtual-time", "Over virtual time", &over_virtual_time(subject)))
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

/// Places for the plots that the script draws, and what it shades in them.
fn over_virtual_time(subject: &Subject) -> Markup {
    html! {
        div id="plots" data-until=(subject.until_ns) data-faults=(subject.faults) hidden {
            figure { div id="percentiles" {} figcaption { "Latency percentiles of all records so far" span id="faults-note" hidden { "; faults are shaded" } "." } }
            figure { div id="kinds" {} figcaption { "Messages per second of virtual time, by kind." } }
            figure {
                p { label { "Metric " select id="chosen" {} } }
                div id="metric" {}
                figcaption { "The chosen metric so far." }
            }
        }
        p id="no-plots" .absent { "Plots grow here while the run is watched with a script." }
    }
}

async fn events(
    State(shared): State<Shared>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut samples = shared.samples.clone();
    samples.mark_changed();
    let first = true;
    let stream =
        stream::unfold((samples, shared, first), |(mut samples, shared, first)| async move {
            samples.changed().await.ok()?;
            let mut json = samples.borrow_and_update().json(&shared.subject);
            json["report"] = shared.report.get().is_some().into();
            if first {
                json["history"] =
                    shared.history.lock().unwrap_or_else(PoisonError::into_inner).json();
            }
            Some((Ok(Event::default().data(json.to_string())), (samples, shared, false)))
        });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

async fn report(State(shared): State<Shared>) -> Response {
    match shared.report.get() {
        Some(report) => Html(report.clone()).into_response(),
        None => {
            let told = "there is a report once the run is over, with --serve-until stopped\n";
            (StatusCode::NOT_FOUND, told).into_response()
        }
    }
}

async fn metrics(State(shared): State<Shared>) -> impl IntoResponse {
    let text = prometheus::text(&shared.subject, &shared.samples.borrow());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
