//! Why there is no window.

/// Opening the window failed; the message names the commands that do the same without one.
#[derive(Debug, thiserror::Error)]
pub enum UiError {
    /// Neither an X server nor a Wayland compositor was announced.
    #[error(
        "there is no display to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set); \
         the same works without a window, for example: arclens train sample-data"
    )]
    NoDisplay,
    /// The window system or the graphics driver refused.
    #[error(
        "the window could not be opened ({0}); the same works without a window, for example: arclens train sample-data"
    )]
    Window(#[source] eframe::Error),
}
