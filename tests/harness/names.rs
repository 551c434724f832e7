//! Names that lead elsewhere from one moment to the next.
//!
//! A program asks the system, and the system's answer is `/etc/hosts` before any server's. So the program
//! sees another file in that place, in a mount namespace of its own: see `mount_namespaces(7)`.

use std::path::Path;

use tokio::process::Command;

use crate::tools;

/// `mount` needs the rights of root, which a user has in a namespace of its own.
const UNSHARE: [&str; 2] = ["--mount", "--map-root-user"];

/// For a test that ends here where the machine lets nobody have such a namespace.
pub fn can_be_changed() -> bool {
    let mut unshare = std::process::Command::new("unshare");
    let tried = unshare.args(UNSHARE).args(["mount", "--bind", "/etc/hosts", "/etc/hosts"]).output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        tools::skipped("`unshare --mount --map-root-user` is not possible here");
    }
    can
}

/// The program, to whom `hosts` is `/etc/hosts`.
pub(crate) fn command(hosts: &Path, program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(UNSHARE).args(["sh", "-c", r#"mount --bind "$0" /etc/hosts && exec "$@""#]).arg(hosts).arg(program);
    command
}
