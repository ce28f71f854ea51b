//! An encrypted connection between two processes: Noise XX over TCP, each side known by its key.
//!
//! Noise and not TLS: both sides have nothing but a key, there are no certificates, names or versions to
//! negotiate, and the three messages of XX show each side's key to the other and to nobody else. The keys are
//! those of the nodes: an ed25519 key has one counterpart on X25519 (RFC 7748), so whoever signs a node's
//! votes is also who can connect as that node.
//!
//! On the wire are records: their length (4 bytes, big-endian), at most 65,535, and what Noise made of them.
//! Inside, a byte that says whether the frame goes on in the next record, and its bytes.

use std::sync::Arc;
use std::time::Duration;

use anthill_protocol::PublicKey;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use snow::StatelessTransportState;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::frame;

const PATTERN: &str = "Noise_XX_25519_ChaChaPoly_BLAKE2s";
/// Says what is spoken, to whoever listens on that port.
const PROLOGUE: &[u8] = b"anthill node 1";
/// The most bytes of a record, as Noise has it.
const RECORD: usize = 65_535;
/// The most bytes of a record before the other side is known.
const FIRST_RECORD: usize = 1_024;
/// The most bytes of a frame before it is known who the other side is.
const FIRST_FRAME: usize = 2_048;
/// Bytes that Noise adds, and the byte that says whether the frame goes on.
const ADDED: usize = 16 + 1;
/// How long the first messages may take, all together.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Why a connection ended.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The transport failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// What arrived was not made by the other side.
    #[error("what arrives cannot be decrypted ({0}): the other side speaks something else")]
    Noise(#[from] snow::Error),
    /// The other side has gone.
    #[error("the other side closed the connection")]
    Closed,
    /// The other side is slow, or gone without a word.
    #[error("nothing was heard for {0:?}")]
    Silent(Duration),
    /// A frame is too long.
    #[error("a frame of more than {0} bytes")]
    TooLong(usize),
    /// The other side does not want to talk.
    #[error("refused: {0}")]
    Refused(String),
}

/// A node's key for connections.
#[derive(Clone)]
pub struct LinkKey([u8; 32]);

impl LinkKey {
    /// From a node's secret key.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret).to_scalar_bytes())
    }

    /// What a connection shows of the owner of a public key; `None`: it is no key.
    pub fn shown(key: &PublicKey) -> Option<[u8; 32]> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&key.0).ok()?;
        Some(key.to_montgomery().to_bytes())
    }
}

type Wire<S> = Framed<S, LengthDelimitedCodec>;

/// The half that sends.
pub struct Sender<S> {
    sink: SplitSink<Wire<S>, Bytes>,
    noise: Arc<StatelessTransportState>,
    nonce: u64,
}

/// The half that receives.
pub struct Receiver<S> {
    stream: SplitStream<Wire<S>>,
    noise: Arc<StatelessTransportState>,
    nonce: u64,
    most: usize,
}

/// Makes a stream into an encrypted connection; also says what the other side has shown of its key.
///
/// # Errors
/// If the other side is silent, slow, or speaks something else.
pub async fn secure<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    key: &LinkKey,
    is_initiator: bool,
) -> Result<(Sender<S>, Receiver<S>, [u8; 32]), LinkError> {
    let greeting = greet(stream, key, is_initiator);
    tokio::time::timeout(PATIENCE, greeting).await.map_err(|_| LinkError::Silent(PATIENCE))?
}

async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    key: &LinkKey,
    is_initiator: bool,
) -> Result<(Sender<S>, Receiver<S>, [u8; 32]), LinkError> {
    let mut wire = codec(FIRST_RECORD).new_framed(stream);
    let builder =
        snow::Builder::new(PATTERN.parse()?).local_private_key(&key.0)?.prologue(PROLOGUE)?;
    let mut noise =
        if is_initiator { builder.build_initiator()? } else { builder.build_responder()? };
    let mut buffer = [0; FIRST_RECORD];
    while !noise.is_handshake_finished() {
        if noise.is_my_turn() {
            let len = noise.write_message(&[], &mut buffer)?;
            wire.send(Bytes::copy_from_slice(&buffer[..len])).await?;
        } else {
            let record = wire.next().await.ok_or(LinkError::Closed)??;
            noise.read_message(&record, &mut buffer)?;
        }
    }
    let shown = noise.get_remote_static().and_then(|key| key.try_into().ok());
    let shown = shown.ok_or(LinkError::Closed)?;
    let noise = Arc::new(noise.into_stateless_transport_mode()?);
    wire.codec_mut().set_max_frame_length(RECORD);
    let (sink, stream) = wire.split();
    let sender = Sender { sink, noise: Arc::clone(&noise), nonce: 0 };
    Ok((sender, Receiver { stream, noise, nonce: 0, most: FIRST_FRAME }, shown))
}

fn codec(most: usize) -> tokio_util::codec::length_delimited::Builder {
    let mut builder = LengthDelimitedCodec::builder();
    builder.max_frame_length(most);
    builder
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sender<S> {
    /// Sends a frame.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn send(&mut self, frame: &[u8]) -> Result<(), LinkError> {
        let mut chunks = frame.chunks(RECORD - ADDED).peekable();
        let (mut plain, mut sealed) = (Vec::new(), vec![0; RECORD]);
        while let Some(chunk) = chunks.next() {
            plain.clear();
            plain.push(u8::from(chunks.peek().is_some()));
            plain.extend_from_slice(chunk);
            let len = self.noise.write_message(self.nonce, &plain, &mut sealed)?;
            self.nonce += 1;
            self.sink.feed(Bytes::copy_from_slice(&sealed[..len])).await?;
        }
        Ok(self.sink.flush().await?)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Receiver<S> {
    /// The other side is known: its frames may be long.
    pub fn trust(&mut self) {
        self.most = frame::MOST_BYTES;
    }

    /// The next frame.
    ///
    /// # Errors
    /// If the connection is gone, or nothing comes within `patience`.
    pub async fn next(&mut self, patience: Duration) -> Result<Vec<u8>, LinkError> {
        let mut frame = Vec::new();
        let mut plain = vec![0; RECORD];
        loop {
            let record = tokio::time::timeout(patience, self.stream.next()).await;
            let record = record.map_err(|_| LinkError::Silent(patience))?;
            let record = record.ok_or(LinkError::Closed)??;
            let len = self.noise.read_message(self.nonce, &record, &mut plain)?;
            self.nonce += 1;
            let (goes_on, bytes) = plain[..len].split_first().ok_or(LinkError::Closed)?;
            if frame.len() + bytes.len() > self.most {
                return Err(LinkError::TooLong(self.most));
            }
            frame.extend_from_slice(bytes);
            if *goes_on == 0 {
                return Ok(frame);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    fn key(seed: u8) -> LinkKey {
        LinkKey::new(&[seed; 32])
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(future)
    }

    #[test]
    fn both_sides_learn_the_other_ones_key_and_long_frames_arrive_whole() {
        run(async {
            let (here, there) = tokio::io::duplex(1 << 20);
            let (one, two) = (key(1), key(2));
            let (one, two) = tokio::join!(secure(here, &one, true), secure(there, &two, false));
            let ((mut sender, _, shown_of_two), (_, mut receiver, shown_of_one)) =
                (one.expect("greeted"), two.expect("greeted"));
            let public = |seed: u8| {
                let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).verifying_key();
                LinkKey::shown(&PublicKey(key.to_bytes())).expect("a key")
            };
            assert_eq!((shown_of_one, shown_of_two), (public(1), public(2)));
            let long = vec![7; 200_000];
            sender.send(&long).await.expect("sent");
            sender.send(&[1, 2, 3]).await.expect("sent");
            assert!(
                matches!(receiver.next(PATIENCE).await, Err(LinkError::TooLong(_))),
                "not trusted yet"
            );
        });
        run(async {
            let (here, there) = tokio::io::duplex(1 << 20);
            let (one, two) = (key(1), key(2));
            let (one, two) = tokio::join!(secure(here, &one, true), secure(there, &two, false));
            let ((mut sender, ..), (_, mut receiver, _)) =
                (one.expect("greeted"), two.expect("greeted"));
            receiver.trust();
            let long = vec![7; 200_000];
            sender.send(&long).await.expect("sent");
            sender.send(&[1, 2, 3]).await.expect("sent");
            assert_eq!(receiver.next(PATIENCE).await.expect("a frame"), long);
            assert_eq!(receiver.next(PATIENCE).await.expect("a frame"), [1, 2, 3]);
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever a stranger sends instead of a greeting, it ends in an error.
        #[test]
        fn any_greeting_but_a_right_one_is_refused(
            bytes in vec(any::<u8>(), 0..300), len in 0u32..100, is_framed in any::<bool>(), is_initiator in any::<bool>()
        ) {
            let framed = [&len.to_be_bytes()[..], &bytes].concat();
            let sent = if is_framed { framed } else { bytes };
            let ended = run(async {
                let (here, mut there) = tokio::io::duplex(1 << 16);
                there.write_all(&sent).await.expect("room");
                there.shutdown().await.expect("closed");
                secure(here, &key(1), is_initiator).await.is_err()
            });
            prop_assert!(ended);
        }

        /// A record that was changed on its way is no frame.
        #[test]
        fn a_changed_byte_ends_the_connection(at in 0usize..64, change in 1u8..) {
            let ended = run(async {
                let (here, there) = tokio::io::duplex(1 << 16);
                let (one, two) = (key(1), key(2));
                let (one, two) = tokio::join!(secure(here, &one, true), secure(there, &two, false));
                let ((mut sender, ..), (_, mut receiver, _)) = (one.expect("greeted"), two.expect("greeted"));
                let mut sealed = vec![0; 200];
                let len = sender.noise.write_message(0, &[0; 50], &mut sealed).expect("sealed");
                let place = at % len;
                sealed[place] ^= change;
                sender.sink.send(Bytes::copy_from_slice(&sealed[..len])).await.expect("sent");
                receiver.next(PATIENCE).await.is_err()
            });
            prop_assert!(ended);
        }
    }
}
