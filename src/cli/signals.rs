//! The signals by which a person or a system asks for a stop.

use crate::train::Control;
use anyhow::Context as _;

/// Ctrl+C asks for a stop, which keeps what was learned; pressed again, it ends the program at once. SIGTERM, by which job
/// schedulers and service managers end a program, asks for a stop, too.
pub fn stop_on_signals(control: &Control) -> anyhow::Result<()> {
    // First: the threads that are started from now on leave the signal to the one that waits for it.
    #[cfg(unix)]
    stop_on_termination(control)?;
    let control = control.clone();
    let stop = move || {
        if control.is_cancelled() {
            std::process::exit(130);
        }
        control.cancel();
    };
    ctrlc::set_handler(stop).context("Ctrl+C cannot be watched for")
}

/// However often it comes, SIGTERM only asks for a stop: `timeout` sends it twice, to the program and to all that it started.
/// Who cannot wait has SIGKILL. `ctrlc` watches for SIGTERM only together with SIGHUP, and a run that was started with `nohup`
/// would then end with the terminal.
#[cfg(unix)]
fn stop_on_termination(control: &Control) -> anyhow::Result<()> {
    use nix::sys::signal::{SigSet, Signal};
    let failed = "the signal to end the program (SIGTERM) cannot be watched for";
    let control = control.clone();
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.thread_block().context(failed)?;
    let watch = move || {
        while signals.wait().is_ok() {
            control.cancel();
        }
    };
    std::thread::Builder::new().name("sigterm".to_owned()).spawn(watch).context(failed)?;
    Ok(())
}
