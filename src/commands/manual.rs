//! The manual pages and the shell completions, made from the same arguments as `--help`.

use std::fs::{self, File};
use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;

/// Writes them below a folder where a package installs them: `man/man1`, and each shell's own place.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    let cannot = || format!("cannot write below {}", folder.display());
    let man = folder.join("man/man1");
    fs::create_dir_all(&man).with_context(cannot)?;
    let command = Args::command().flatten_help(false);
    clap_mangen::generate_to(command, &man).with_context(cannot)?;
    for (shell, place) in [
        (Shell::Bash, "bash-completion/completions/vitrina"),
        (Shell::Zsh, "zsh/vendor-completions/_vitrina"),
        (Shell::Fish, "fish/vendor_completions.d/vitrina.fish"),
    ] {
        let path = folder.join(place);
        fs::create_dir_all(path.parent().unwrap_or(folder)).with_context(cannot)?;
        let mut file = File::create(&path).with_context(cannot)?;
        clap_complete::generate(shell, &mut Args::command(), "vitrina", &mut file);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_every_shell_its_completions() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        let read = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap();
        for command in Args::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = command.get_name();
            let page = read(&format!("man/man1/vitrina-{name}.1"));
            assert!(page.contains(".TH"), "{name}");
            for shell in [
                "bash-completion/completions/vitrina",
                "zsh/vendor-completions/_vitrina",
                "fish/vendor_completions.d/vitrina.fish",
            ] {
                assert!(read(shell).contains(name), "{shell}: {name}");
            }
        }
        assert!(read("man/man1/vitrina.1").contains("broker"));
        assert!(!folder.path().join("man/man1/vitrina-manual.1").exists());
    }
}
