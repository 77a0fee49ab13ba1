//! The program: everything is in the library.

/// A training step allocates and frees the same hundred megabytes again and again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    arclens::cli::main()
}
