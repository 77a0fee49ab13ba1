//! Compiled CUDA kernels and the results of choosing among them are kept between starts.
//!
//! burn compiles every kernel with NVRTC when it is first needed and times several for each new shape: minutes at every
//! start. By default it keeps neither compiled kernels nor, outside a cargo project, anything at a place of its own.

use cubecl_runtime::config::cache::CacheConfig;
use cubecl_runtime::config::{CubeClRuntimeConfig, RuntimeConfig as _};
use std::sync::Once;

/// Sets both caches to the user's cache folder, unless the user's own `cubecl.toml` says otherwise. To be called before the
/// first tensor of the process; later calls do nothing.
pub(super) fn keep() {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| {
        // Somebody has looked at the settings already: they cannot be changed any more, and setting them would panic.
        if CubeClRuntimeConfig::storage().lock().is_none() {
            CubeClRuntimeConfig::set(kept(CubeClRuntimeConfig::from_current_dir().override_from_env()));
        }
    });
}

fn kept(mut config: CubeClRuntimeConfig) -> CubeClRuntimeConfig {
    config.compilation.cache.get_or_insert(CacheConfig::Global);
    if matches!(config.autotune.cache, CacheConfig::Target) {
        config.autotune.cache = CacheConfig::Global;
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_caches_are_kept_in_the_users_folder_unless_the_user_has_another() {
        let config = kept(CubeClRuntimeConfig::default());
        assert!(matches!(config.compilation.cache, Some(CacheConfig::Global)));
        assert!(matches!(config.autotune.cache, CacheConfig::Global));
        let mut own = CubeClRuntimeConfig::default();
        own.compilation.cache = Some(CacheConfig::Local);
        own.autotune.cache = CacheConfig::File("tuned".into());
        let config = kept(own);
        assert!(matches!(config.compilation.cache, Some(CacheConfig::Local)));
        assert!(matches!(config.autotune.cache, CacheConfig::File(_)));
    }
}
