//! `vitrina gallery reindex`: rebuilds the index of the photos from the files.

use std::io::{self, IsTerminal, Write};

use gallery::{Progress, Recovered};

use crate::config::Settings;

/// The width of the bar, in characters.
const WIDTH: usize = 30;

pub fn run(settings: Settings) -> anyhow::Result<()> {
    let Settings { file, data, .. } = settings;
    let config = file.gallery.check(file.root, data.join("gallery"))?;
    let shown = io::stderr().is_terminal();
    let recovered = gallery::reindex(&config, |progress| {
        if shown {
            // The index does not depend on the terminal.
            let _ = write!(io::stderr(), "\r{}", bar(progress));
        }
    })?;
    if shown {
        writeln!(io::stderr())?;
    }
    let Recovered { added, damaged, .. } = recovered;
    write!(io::stdout(), "{added} photos are in the index")?;
    if damaged > 0 {
        write!(io::stdout(), "; {damaged} files are not what was stored: see the log above")?;
    }
    writeln!(io::stdout())?;
    Ok(())
}

fn bar(Progress { done, total }: Progress) -> String {
    let part = if total == 0 { 1.0 } else { done as f64 / total as f64 };
    let full = (part * WIDTH as f64) as usize;
    format!("[{:<WIDTH$}] {:3.0} %  {done} of {total}", "#".repeat(full.min(WIDTH)), part * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_full_at_the_end() {
        assert!(bar(Progress { done: 7, total: 7 }).starts_with(&format!("[{}]", "#".repeat(30))));
        assert!(bar(Progress { done: 0, total: 0 }).contains("100 %"));
        assert!(bar(Progress { done: 1, total: 4 }).contains("25 %  1 of 4"));
    }
}
