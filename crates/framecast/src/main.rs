//! The `framecast` program: everything is in the library.

fn main() -> std::process::ExitCode {
    framecast::cli::run()
}
