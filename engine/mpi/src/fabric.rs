//! The calls.
//!
//! Events go from process to process directly: each first learns how many bytes come from each other one (an
//! all-to-all of one word), then receives and sends only where there are some. A process that fails aborts all:
//! MPI has no other way that is sure to reach those who wait for it.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;
use std::env;
use std::sync::OnceLock;

use anthill_engine::processes::{Bytes, Fabric};
use mpi::environment::Universe;
use mpi::ffi;
use mpi::topology::Communicator as _;
use mpi::traits::AsRaw as _;

/// Bytes sent in one piece: counts are 31 bits wide.
const PIECE: usize = 1 << 30;
/// Of processes that start together on a machine, each sets some of these.
const LAUNCHED: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"];
/// The exit code of a run that was abandoned: a check could not be made.
const ABANDONED: c_int = 1;

/// Why there are no processes.
#[derive(Debug)]
pub struct MpiError(String);

impl core::fmt::Display for MpiError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MpiError {}

/// The processes that one `mpirun` has started.
#[derive(Debug)]
pub struct Mpi {
    rank: u32,
    size: u32,
    on_this_machine: u32,
}

/// MPI itself: set up once in a process, and ended when this is dropped, which waits for all.
pub struct Session {
    _universe: Universe,
}

impl core::fmt::Debug for Session {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Session")
    }
}

impl Mpi {
    /// The processes of this run, if it was started as several; the session is to be kept to the end of the
    /// process.
    ///
    /// # Errors
    /// If MPI cannot be set up, or the processes are of different programs.
    pub fn join() -> Result<Option<(Self, Session)>, MpiError> {
        let is_several = |name: &str| {
            env::var(name).is_ok_and(|size| size.parse().is_ok_and(|size: u32| size > 1))
        };
        if !LAUNCHED.into_iter().any(is_several) {
            return Ok(None);
        }
        let threading = mpi::Threading::Serialized;
        let (universe, provided) = mpi::initialize_with_threading(threading)
            .ok_or_else(|| MpiError("MPI is set up already".to_owned()))?;
        if provided < threading {
            let problem = "this MPI library lets only the main thread call it";
            return Err(MpiError(problem.to_owned()));
        }
        let world = universe.world();
        let mut found =
            Self { rank: world.rank() as u32, size: world.size() as u32, on_this_machine: 1 };
        found.on_this_machine = world.split_shared(world.rank()).size() as u32;
        found.check_program()?;
        Ok((found.size > 1).then_some((found, Session { _universe: universe })))
    }

    /// Events are sent as they lie in memory, which only the same program reads.
    fn check_program(&self) -> Result<(), MpiError> {
        let program = env::current_exe().and_then(std::fs::read);
        let program =
            program.map_err(|error| MpiError(format!("cannot read the program: {error}")))?;
        // FNV-1a: nobody wants to deceive it.
        let hash = program.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut words = [hash, !hash];
        self.all_min(&mut words);
        if words[0] == !words[1] {
            return Ok(());
        }
        Err(MpiError("the processes run different programs: all need the same file".to_owned()))
    }

    fn reduce(&self, words: &mut [u64], operation: ffi::MPI_Op) {
        let own = words.to_vec();
        // SAFETY: both buffers hold so many words; the communicator lives as long as the session.
        let code = unsafe {
            ffi::MPI_Allreduce(
                own.as_ptr().cast(),
                words.as_mut_ptr().cast(),
                count(words.len()),
                ffi::RSMPI_UINT64_T,
                operation,
                world(),
            )
        };
        check(code, "a reduction");
    }
}

fn world() -> ffi::MPI_Comm {
    mpi::topology::SimpleCommunicator::world().as_raw()
}

fn count(length: usize) -> c_int {
    c_int::try_from(length).expect("fewer than 2³¹")
}

/// Errors end the process unless someone has asked for codes.
fn check(code: c_int, what: &str) {
    assert_eq!(code, 0, "MPI: {what} has failed");
}

impl Fabric for Mpi {
    fn rank(&self) -> u32 {
        self.rank
    }

    fn size(&self) -> u32 {
        self.size
    }

    fn on_this_machine(&self) -> u32 {
        self.on_this_machine
    }

    fn all_min(&self, words: &mut [u64]) {
        // SAFETY: a constant of the library, which is set up.
        self.reduce(words, unsafe { ffi::RSMPI_MIN });
    }

    fn all_sum(&self, words: &mut [u64]) {
        // SAFETY: as above.
        self.reduce(words, unsafe { ffi::RSMPI_SUM });
    }

    fn exchange(&self, outgoing: &mut [Bytes], incoming: &mut [Bytes]) {
        outgoing[self.rank as usize].clear();
        let lengths: Vec<u64> = outgoing.iter().map(|bytes| bytes.len() as u64).collect();
        let mut coming = vec![0u64; lengths.len()];
        // SAFETY: both have a word for each process.
        let code = unsafe {
            ffi::MPI_Alltoall(
                lengths.as_ptr().cast(),
                1,
                ffi::RSMPI_UINT64_T,
                coming.as_mut_ptr().cast(),
                1,
                ffi::RSMPI_UINT64_T,
                world(),
            )
        };
        check(code, "an exchange of lengths");
        let mut requests: Vec<ffi::MPI_Request> = Vec::new();
        for ((bytes, length), from) in incoming.iter_mut().zip(coming).zip(0..) {
            bytes.clear();
            bytes.resize(length as usize, MaybeUninit::uninit());
            for piece in bytes.chunks_mut(PIECE) {
                let (at, length) = (piece.as_mut_ptr().cast::<c_void>(), count(piece.len()));
                // SAFETY: the piece outlives the request, which is waited for below, and nobody else uses it.
                let code = unsafe {
                    let request = new_request(&mut requests);
                    ffi::MPI_Irecv(at, length, ffi::RSMPI_UINT8_T, from, 0, world(), request)
                };
                check(code, "receiving");
            }
        }
        for (bytes, to) in outgoing.iter().zip(0..) {
            for piece in bytes.chunks(PIECE) {
                let (at, length) = (piece.as_ptr().cast::<c_void>(), count(piece.len()));
                // SAFETY: as above; nobody writes it.
                let code = unsafe {
                    let request = new_request(&mut requests);
                    ffi::MPI_Isend(at, length, ffi::RSMPI_UINT8_T, to, 0, world(), request)
                };
                check(code, "sending");
            }
        }
        let mut statuses = Vec::<ffi::MPI_Status>::with_capacity(requests.len());
        // SAFETY: all requests are active, and there is room for a status of each.
        let code = unsafe {
            ffi::MPI_Waitall(count(requests.len()), requests.as_mut_ptr(), statuses.as_mut_ptr())
        };
        check(code, "waiting");
    }

    /// Ends all processes.
    fn abandon(&self, why: &str) {
        static ONCE: OnceLock<()> = OnceLock::new();
        ONCE.get_or_init(|| {
            eprintln!("anthill: process {} of {} ends the run: {why}", self.rank, self.size);
            // SAFETY: ends the process.
            unsafe { ffi::MPI_Abort(world(), ABANDONED) };
        });
    }
}

/// A place for one more request.
///
/// # Safety
/// The pointer is used before the next call.
unsafe fn new_request(requests: &mut Vec<ffi::MPI_Request>) -> *mut ffi::MPI_Request {
    // SAFETY: a constant of the library.
    requests.push(unsafe { ffi::RSMPI_REQUEST_NULL });
    requests.last_mut().map_or(ptr::null_mut(), ptr::from_mut)
}
