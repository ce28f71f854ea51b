//! The connections of the live view, and what each may take: their number, the time until a request
//! is there, its size, and how long one is kept are bounded, so that nobody who can reach the page
//! keeps others from it, or costs the run more than a little.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time;

/// Connections at a time; further ones wait to be accepted.
const MOST: usize = 64;
/// From a connection, or the answer before, to the end of the next request's head.
const HEAD: Duration = Duration::from_secs(5);
/// The most bytes of a request's head.
const HEAD_BYTES: usize = 16 << 10;
/// How long a connection is kept: whoever reads nothing holds a place no longer than this. A
/// browser that watches comes back by itself.
const LONGEST: Duration = Duration::from_secs(600);
/// How long to wait where the system refuses to accept, such as for want of descriptors.
const PATIENCE: Duration = Duration::from_millis(200);

/// Answers until the run has ended and all who watch have heard of it.
pub(super) async fn answer(listener: TcpListener, router: Router, mut ended: watch::Receiver<()>) {
    let free = Arc::new(Semaphore::new(MOST));
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        let accepted = async {
            // Never closed.
            let place = Arc::clone(&free).acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            // Its sender is dropped.
            _ = ended.changed() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let (router, ended) = (router.clone(), ended.clone());
                open.spawn(async move {
                    let _place = place;
                    let _ = time::timeout(LONGEST, converse(stream, router, ended)).await;
                });
            }
            Err(_) => time::sleep(PATIENCE).await,
        }
    }
    drop(listener);
    while open.join_next().await.is_some() {}
}

/// One connection, until it is closed; after the end of the run, until the answer under way is.
async fn converse(stream: TcpStream, router: Router, mut ended: watch::Receiver<()>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // What goes wrong with a connection is its own affair.
        _ = connection.as_mut() => return,
        _ = ended.changed() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
