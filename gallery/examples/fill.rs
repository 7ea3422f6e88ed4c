//! Makes a gallery's folder whose index knows many photos, for measuring: `fill DIR COUNT`.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count] = &arguments[..] else {
        eprintln!("fill DIR COUNT");
        return ExitCode::from(2);
    };
    let filled = count
        .parse()
        .map_err(|error| format!("{count}: {error}"))
        .and_then(|count| gallery::fill(Path::new(folder), count).map_err(|e| e.to_string()));
    match filled {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
