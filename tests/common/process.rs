//! What Linux tells of a process.

/// The number behind a word in one of the files about a process, which is named by its number or "self"; `None` where the
/// system has no such files.
pub fn number_of(process: &str, file: &str, word: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(word))?;
    line.split_whitespace().next()?.parse().ok()
}
