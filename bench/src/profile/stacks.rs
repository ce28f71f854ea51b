//! Named stacks: what the program counters of samples stand for.
//!
//! A stack is a thread and its functions, outermost first, inlined ones among them. Names are
//! shortened to what tells functions apart: no hashes, no type parameters.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::sampler::Samples;

/// What a run was doing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profile {
    /// Samples per second of CPU time.
    pub hz: u32,
    /// Samples for which there was no place.
    pub lost: usize,
    /// How often each stack was met. The first name is the thread's.
    pub stacks: BTreeMap<Vec<String>, u64>,
}

/// Samples of one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    /// With it innermost.
    pub own: u64,
    /// With it anywhere.
    pub total: u64,
}

impl Profile {
    /// Names what was sampled. Takes a second or more: the debug information is read.
    pub(crate) fn of(samples: &Samples) -> Self {
        let mut names: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        let mut stacks = BTreeMap::new();
        for sample in &samples.samples {
            let mut stack = vec![sample.thread.clone()];
            for (i, counter) in sample.counters.iter().enumerate().rev() {
                // A return address belongs to the call before it.
                let inside = if i == 0 { *counter } else { counter.wrapping_sub(1) };
                stack.extend_from_slice(names.entry(inside).or_insert_with(|| functions(inside)));
            }
            *stacks.entry(without_plumbing(stack)).or_insert(0) += 1;
        }
        Self { hz: samples.hz, lost: samples.lost, stacks }
    }

    /// Samples in all.
    pub(crate) fn samples(&self) -> u64 {
        self.stacks.values().sum()
    }

    /// One line per stack: the functions, outermost first, and the samples (Brendan Gregg's format,
    /// which flamegraph tools read).
    pub(crate) fn folded(&self) -> String {
        let mut text = String::new();
        for (stack, count) in &self.stacks {
            // A write to a string does not fail.
            let _ = writeln!(text, "{} {count}", stack.join(";"));
        }
        text
    }

    /// Samples by function; threads left out.
    pub(crate) fn functions(&self) -> BTreeMap<&str, Share> {
        let mut shares: BTreeMap<&str, Share> = BTreeMap::new();
        for (stack, count) in &self.stacks {
            let functions = stack.get(1..).unwrap_or_default();
            for (i, name) in functions.iter().enumerate() {
                // Once, also in recursions.
                if !functions[..i].contains(name) {
                    shares.entry(name).or_default().total += count;
                }
            }
            if let Some(innermost) = functions.last() {
                shares.entry(innermost).or_default().own += count;
            }
        }
        shares
    }
}

/// Functions that only pass a call on: how threads start, how panics are caught, how closures are called.
/// A name that ends in `::` stands for all in that module.
const PLUMBING: &[&str] = &[
    "__libc_start_call_main",
    "__libc_start_main",
    "_start",
    "alloc::boxed::Box::call_once",
    "clone",
    "clone3",
    "core::ops::function::",
    "core::panic::unwind_safe::",
    "libc_start_call_main::",
    "pthread_create_c::",
    "std::panic::",
    "std::panicking::",
    "std::rt::",
    "std::sys::backtrace::",
    "std::sys::thread::",
    "std::thread::lifecycle::",
    "std::thread::scoped::",
];

/// A stack without what only passes calls on, the innermost function excepted, and with a row of equal
/// names, such as of closures in closures, once: two thirds of the levels were these.
fn without_plumbing(stack: Vec<String>) -> Vec<String> {
    let is_plumbing = |name: &str| {
        PLUMBING.iter().any(|known| match known.ends_with("::") {
            true => name.starts_with(known),
            false => name == *known,
        })
    };
    let last = stack.len().saturating_sub(1);
    let mut kept: Vec<String> = Vec::with_capacity(stack.len());
    for (i, name) in stack.into_iter().enumerate() {
        let is_thread = i == 0;
        let is_repeated = name.contains("{closure") && kept.last() == Some(&name);
        if is_thread || i == last || !(is_plumbing(&name) || is_repeated) {
            kept.push(name);
        }
    }
    kept
}

/// The functions at an address, outermost first: more than one where calls were inlined.
fn functions(address: u64) -> Vec<String> {
    let mut names = Vec::new();
    backtrace::resolve(address as *mut _, |symbol| {
        let name = symbol.name().map_or_else(|| "unknown".into(), |name| format!("{name:#}"));
        let short = short(&name);
        names.push(match symbol.filename() {
            // Of inlined functions the line tables know the last part of the name alone.
            Some(file) if !short.contains("::") => format!("{}::{short}", module(file)),
            _ => short,
        });
    });
    if names.is_empty() {
        names.push("unknown".into());
    }
    names.reverse();
    names
}

/// The module that a source file holds: `.../protocol/src/gossip/mod.rs` is `protocol::gossip`, and
/// of a package from a registry only its name and what is inside it: no folder of this machine.
fn module(file: &Path) -> String {
    let parts: Vec<&str> = file.iter().filter_map(|part| part.to_str()).collect();
    let Some(name) = parts.last() else { return String::new() };
    let registry = parts.iter().enumerate().rev().find_map(|(place, part)| {
        let (package, _) = versioned(part)?;
        Some((package, place + 1))
    });
    let source = parts.iter().rposition(|part| *part == "src").filter(|place| *place > 0);
    let Some((package, inside)) = registry.or(source.map(|src| (parts[src - 1], src + 1))) else {
        return name.replace('.', "_");
    };
    let package = package.replace('-', "_");
    // Other languages' folders tell nothing that the file's name does not.
    let Some(stem) = name.strip_suffix(".rs") else { return format!("{package}::{name}") };
    let folders = &parts[inside..parts.len() - 1];
    let modules = folders.iter().copied().skip_while(|folder| *folder == "src").chain([stem]);
    let modules = modules.filter(|part| !["mod", "lib", "main"].contains(part));
    std::iter::once(package.as_str()).chain(modules).collect::<Vec<_>>().join("::")
}

/// A registry's folder of a package, `name-1.2.3`, in its two parts.
fn versioned(folder: &str) -> Option<(&str, &str)> {
    folder.match_indices('-').map(|(dash, _)| (&folder[..dash], &folder[dash + 1..])).find(
        |(_, version)| {
            let mut numbers = version.splitn(3, '.');
            let is_number =
                |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            let (first, second) = (numbers.next(), numbers.next());
            first.is_some_and(is_number)
                && second.is_some_and(is_number)
                && numbers.next().is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        },
    )
}

/// A function's path without type parameters; `<T as Trait>::f` is `T::f`. Semicolons separate
/// functions in folded stacks, so none stays.
fn short(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    // A path that begins with `<`: of the type, without what it is seen as.
    while let Some(inner) = rest.strip_prefix('<') {
        let end = closing(inner);
        let (of, after) = (&inner[..end], &inner[(end + 1).min(inner.len())..]);
        let of = outside(of).split(" as ").next().unwrap_or_default().trim().to_owned();
        if after.starts_with("::") {
            out = of;
            rest = after;
        } else {
            rest = after;
        }
        if !rest.starts_with('<') {
            break;
        }
    }
    out.push_str(&outside(rest));
    let out = out.replace("::::", "::").replace(';', ",");
    // The crates' own paths are long, and their names tell enough.
    out.replace("anthill_", "")
}

/// Where the bracket that is open at the beginning closes.
fn closing(text: &str) -> usize {
    let mut depth = 1;
    for (place, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if !text[..place].ends_with('-') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place;
        }
    }
    text.len()
}

/// What of a text lies outside of brackets.
fn outside(text: &str) -> String {
    let (mut out, mut depth) = (String::new(), 0usize);
    for (place, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if !text[..place].ends_with('-') => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shortened_to_paths() {
        for (long, expected) in [
            ("core::ptr::read", "core::ptr::read"),
            ("anthill_engine::subshard::Worker<P,M>::collect", "engine::subshard::Worker::collect"),
            (
                "<anthill_protocol::Witness as protocol::Protocol>::start",
                "protocol::Witness::start",
            ),
            ("<alloc::vec::Vec<T,A> as core::ops::Drop>::drop", "alloc::vec::Vec::drop"),
            ("a::b::{{closure}}", "a::b::{{closure}}"),
            (
                "core::ops::function::FnOnce::call_once<fn() -> u8>",
                "core::ops::function::FnOnce::call_once",
            ),
            ("odd;name", "odd,name"),
        ] {
            assert_eq!(short(long), expected);
        }
    }

    #[test]
    fn files_name_modules() {
        for (file, expected) in [
            ("/work/anthill/protocol/src/gossip/mod.rs", "protocol::gossip"),
            ("/rustc/abc/library/core/src/slice/mod.rs", "core::slice"),
            ("/c/registry/src/x/hashbrown-0.17.1/src/raw.rs", "hashbrown::raw"),
            ("./csu/../x/memcpy.S", "memcpy_S"),
            (
                "/home/me/.cargo/registry/src/index-0a/libmimalloc-sys-0.1.49/c_src/v3/internal.h",
                "libmimalloc_sys::internal.h",
            ),
            (
                "/root/.cargo/registry/src/index-0a/blake3-1.8.7/c/blake3_avx512_x86-64_unix.S",
                "blake3::blake3_avx512_x86-64_unix.S",
            ),
            ("/r/src/x/serde-1.0.1-rc.2/src/de/mod.rs", "serde::de"),
            ("/r/x/prost-0.14.1/build.rs", "prost::build"),
        ] {
            assert_eq!(module(Path::new(file)), expected);
        }
    }

    #[test]
    fn what_only_passes_calls_on_is_left_out() {
        let stack = |text: &str| text.split(';').map(str::to_owned).collect::<Vec<_>>();
        for (whole, expected) in [
            (
                "shard-0;pthread_create_c::start_thread;std::sys::thread::unix::Thread::new::thread_start;\
                 core::ops::function::call_once;std::panicking::catch_unwind;engine::work;\
                 engine::{closure#0};engine::{closure#0};core::slice::sort::merge",
                "shard-0;engine::work;engine::{closure#0};core::slice::sort::merge",
            ),
            // The innermost stays: it is where the time went.
            ("main;std::panicking::begin_panic", "main;std::panicking::begin_panic"),
            // A recursion is one.
            ("main;f;f;g", "main;f;f;g"),
            ("std::rt::thread;f", "std::rt::thread;f"),
        ] {
            assert_eq!(without_plumbing(stack(whole)), stack(expected));
        }
    }

    #[test]
    fn functions_are_counted_once_per_sample() {
        let stack = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let stacks = BTreeMap::from([
            (stack(&["shard-0", "main", "f", "f"]), 3),
            (stack(&["shard-1", "main", "g"]), 2),
        ]);
        let profile = Profile { hz: 99, lost: 0, stacks };
        let functions = profile.functions();
        assert_eq!(functions["main"], Share { own: 0, total: 5 });
        assert_eq!(functions["f"], Share { own: 3, total: 3 });
        assert_eq!(functions["g"], Share { own: 2, total: 2 });
        assert_eq!(functions.len(), 3, "threads are not functions");
        assert_eq!(profile.folded(), "shard-0;main;f;f 3\nshard-1;main;g 2\n");
        assert_eq!(profile.samples(), 5);
    }
}
