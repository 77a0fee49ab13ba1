//! The program: everything is in the library.

/// A training step allocates and frees the same hundred megabytes again and again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    keep_freed_pages();
    arclens::cli::main()
}

/// Lets the allocator keep freed pages for half a minute instead of a second: given back to the system within a run, they
/// come back cleared, which costs a twentieth of a CPU step.
fn keep_freed_pages() {
    /// `mi_option_purge_delay`, which the binding has no name for.
    const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
    /// Its value from the start, which says that the number still means this option.
    const DEFAULT_MS: std::ffi::c_long = 1000;
    const KEPT_MS: std::ffi::c_long = 30_000;
    #[expect(
        unsafe_code,
        reason = "a call into C that reads and writes a table of numbers; unknown options are refused"
    )]
    // SAFETY: no other thread runs yet, and the functions take any number.
    unsafe {
        if libmimalloc_sys::mi_option_get(PURGE_DELAY) == DEFAULT_MS {
            libmimalloc_sys::mi_option_set(PURGE_DELAY, KEPT_MS);
        }
    }
}
