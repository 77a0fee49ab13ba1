//! What is kept from one start to the next: theme, workspace, data set, runs folder, face detector, settings. The window's size is eframe's.

use crate::app::{State, Workspace};
use crate::config::RunConfig;
use eframe::{Storage, egui::ThemePreference};
use std::path::PathBuf;

const KEY: &str = "arclens";

/// Kept between starts, as TOML in eframe's storage.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub(super) struct Remembered {
    /// Light, dark, or as the system says.
    pub theme: ThemePreference,
    /// Workspace shown last.
    pub workspace: Workspace,
    /// Data set open last.
    pub data: Option<PathBuf>,
    /// Where runs go.
    pub runs_root: Option<PathBuf>,
    /// The face detector chosen.
    pub detector: Option<PathBuf>,
    /// The settings, unread: those of another version may not be understood, and must not take the rest with them.
    settings: Option<toml::Value>,
}

impl Remembered {
    /// The settings used last, if this version understands them.
    pub fn settings(&self) -> Option<RunConfig> {
        self.settings.clone()?.try_into().ok()
    }
}

/// What was kept; defaults where nothing was, or where it cannot be understood.
pub(super) fn load(storage: &dyn Storage) -> Remembered {
    storage.get_string(KEY).and_then(|text| toml::from_str(&text).ok()).unwrap_or_default()
}

/// Keeps what the state and the theme are now.
pub(super) fn save(storage: &mut dyn Storage, state: &State, theme: ThemePreference) {
    let remembered = Remembered {
        theme,
        workspace: state.workspace,
        data: state.open_data().map(|data| data.catalog.root.clone()),
        runs_root: Some(state.runs_root.clone()),
        detector: state.faces.detector.clone(),
        settings: toml::Value::try_from(&state.config).ok(),
    };
    if let Ok(text) = toml::to_string(&remembered) {
        storage.set_string(KEY, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Fake(BTreeMap<String, String>);

    impl Storage for Fake {
        fn get_string(&self, key: &str) -> Option<String> {
            self.0.get(key).cloned()
        }
        fn set_string(&mut self, key: &str, value: String) {
            self.0.insert(key.to_owned(), value);
        }
        fn remove_string(&mut self, key: &str) {
            self.0.remove(key);
        }
        fn flush(&mut self) {}
    }

    #[test]
    fn the_theme_the_workspace_the_runs_folder_and_the_settings_come_back() {
        let mut storage = Fake::default();
        let mut state = State::new(PathBuf::from("some/runs"));
        state.workspace = Workspace::Verify;
        state.config.train.epochs = 77;
        state.faces.detector = Some(PathBuf::from("some/yunet.onnx"));
        save(&mut storage, &state, ThemePreference::Light);
        let back = load(&storage);
        assert_eq!(back.settings().as_ref(), Some(&state.config));
        assert_eq!(back.detector, state.faces.detector);
        assert_eq!(
            (back.theme, back.workspace, back.runs_root, back.data),
            (ThemePreference::Light, Workspace::Verify, Some(PathBuf::from("some/runs")), None)
        );
    }

    #[test]
    fn settings_of_another_version_do_not_take_the_rest_with_them() {
        let mut storage = Fake::default();
        storage.set_string(KEY, "workspace = \"Verify\"\n[settings.train]\nwarp_factor = 9".to_owned());
        let back = load(&storage);
        assert_eq!((back.workspace, back.settings()), (Workspace::Verify, None));
    }

    #[test]
    fn what_cannot_be_understood_is_forgotten() {
        let mut storage = Fake::default();
        storage.set_string(KEY, "workspace = 7".to_owned());
        assert_eq!(load(&storage).workspace, Workspace::Data);
    }
}
