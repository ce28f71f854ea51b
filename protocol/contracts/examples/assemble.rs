//! Compiles WebAssembly text to binaries beside it: `assemble -- FILE.wat…`.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    for path in std::env::args_os().skip(1).map(PathBuf::from) {
        let assembled = wat::parse_file(&path).map_err(|error| error.to_string());
        let written = assembled.and_then(|wasm| {
            std::fs::write(path.with_extension("wasm"), wasm).map_err(|error| error.to_string())
        });
        if let Err(error) = written {
            eprintln!("{}: {error}", path.display());
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
