//! The `tollgate` command.

use std::process::ExitCode;

/// glibc's allocator costs a tenth of a proxied request.
#[global_allocator]
static ALLOCATOR: tollgate::Allocator = tollgate::Allocator;

fn main() -> ExitCode {
    // The allocator would have 2 MiB pages, and the kernel would clear each of them whole: half of the
    // time to start, and 15 MiB nobody uses. Requests were not slower without. An old kernel may refuse.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    tollgate::cli::main()
}
