//! Which devices there are, said in words; chooses one.
//!
//! CUDA is asked for through the driver's own library before burn touches it, because burn panics in a foreign thread
//! where the driver, NVRTC or the CUDA headers are missing.

use super::TrainError;
#[cfg(feature = "cuda")]
use super::cuda_cache;

/// A device as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DeviceInfo {
    /// Word for `train.device`: `cpu`, `cuda:0`.
    pub id: String,
    /// In words: "CPU, 2 threads".
    pub name: String,
    /// It can be used.
    pub usable: bool,
    /// Why it cannot be used, and what would help.
    pub reason: Option<String>,
}

/// The device a run will use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// burn-flex on all cores.
    Cpu,
    /// The CUDA card with this index.
    Cuda(usize),
}

impl DeviceInfo {
    /// What a run computes on that chooses it.
    pub fn device(&self) -> Device {
        let index = self.id.strip_prefix("cuda:").and_then(|index| index.parse().ok());
        index.map_or(Device::Cpu, Device::Cuda)
    }
}

/// Every device, the fastest usable first.
pub fn devices() -> Vec<DeviceInfo> {
    let mut list = cuda_devices();
    list.push(DeviceInfo {
        id: "cpu".to_owned(),
        name: match rayon::current_num_threads() {
            1 => "CPU, 1 thread".to_owned(),
            threads => format!("CPU, {threads} threads"),
        },
        usable: true,
        reason: None,
    });
    list.sort_by_key(|device| !device.usable);
    list
}

/// The one of the devices that `auto`, `cpu`, `cuda` or `cuda:N` names, usable or not.
pub fn find_device<'a>(list: &'a [DeviceInfo], wanted: &str) -> Option<&'a DeviceInfo> {
    match wanted {
        "auto" => list.iter().find(|device| device.usable),
        "cuda" => list.iter().find(|device| device.id == "cuda:0"),
        id => list.iter().find(|device| device.id == id),
    }
}

/// Turns `auto`, `cpu` or `cuda:N` into a device that is known to work.
///
/// # Errors
/// When the named device does not exist or cannot be used, with the reason.
pub fn choose(wanted: &str) -> Result<(Device, String), TrainError> {
    let list = devices();
    let Some(device) = find_device(&list, wanted) else {
        let known: Vec<&str> = list.iter().map(|device| device.id.as_str()).collect();
        return Err(TrainError::Device {
            wanted: wanted.to_owned(),
            reason: format!("it is not among: auto, {}", known.join(", ")),
        });
    };
    if let Some(reason) = &device.reason {
        return Err(TrainError::Device { wanted: wanted.to_owned(), reason: reason.clone() });
    }
    Ok((device.device(), device.name.clone()))
}

#[cfg(not(feature = "cuda"))]
fn cuda_devices() -> Vec<DeviceInfo> {
    Vec::new()
}

#[cfg(feature = "cuda")]
fn cuda_devices() -> Vec<DeviceInfo> {
    // The probe compiles a kernel, which takes seconds: once per process is enough, and a failed probe must not be
    // repeated because CUDA is then unusable in this process.
    static FOUND: std::sync::OnceLock<Vec<DeviceInfo>> = std::sync::OnceLock::new();
    FOUND.get_or_init(cuda::probe).clone()
}

#[cfg(feature = "cuda")]
mod cuda {
    use super::{DeviceInfo, cuda_cache};
    use burn::backend::cuda::CudaDevice;
    use burn::tensor::Tensor;
    use burn::{Dispatch, DispatchDevice};
    use std::path::Path;
    use std::time::Duration;

    /// First kernel compiled and run within this time, or the card counts as unusable.
    const PROBE_LIMIT: Duration = Duration::from_secs(60);

    pub(super) fn probe() -> Vec<DeviceInfo> {
        let missing = |reason: String| {
            vec![DeviceInfo { id: "cuda:0".into(), name: "NVIDIA GPU".into(), usable: false, reason: Some(reason) }]
        };
        let names = match driver_names() {
            Ok(names) => names,
            Err(reason) => return missing(reason),
        };
        cuda_cache::keep();
        if let Err(reason) = compiler_present() {
            return names
                .into_iter()
                .enumerate()
                .map(|(i, name)| DeviceInfo {
                    id: format!("cuda:{i}"),
                    name,
                    usable: false,
                    reason: Some(reason.clone()),
                })
                .collect();
        }
        names
            .into_iter()
            .enumerate()
            .map(|(i, name)| {
                let reason = first_product(i).err();
                DeviceInfo { id: format!("cuda:{i}"), name, usable: reason.is_none(), reason }
            })
            .collect()
    }

    #[expect(unsafe_code, reason = "cudarc marks its look for the shared library unsafe; it only opens and closes it")]
    fn driver_names() -> Result<Vec<String>, String> {
        // SAFETY: dlopen of the driver's library, which has no preconditions.
        if !unsafe { cudarc::driver::sys::is_culib_present() } {
            return Err("no NVIDIA driver found (libcuda); install the driver to train on the GPU".into());
        }
        cudarc::driver::result::init().map_err(|error| format!("the NVIDIA driver does not start ({error:?}); is the card in use or the driver newer than the kernel module?"))?;
        let count = cudarc::driver::result::device::get_count()
            .map_err(|error| format!("the NVIDIA driver lists no cards ({error:?})"))?;
        if count == 0 {
            return Err("the NVIDIA driver is there, but it sees no card".into());
        }
        (0..count)
            .map(|index| {
                let device = cudarc::driver::result::device::get(index).map_err(|error| format!("{error:?}"))?;
                cudarc::driver::result::device::get_name(device).map_err(|error| format!("{error:?}"))
            })
            .collect()
    }

    #[expect(unsafe_code, reason = "cudarc marks its look for the shared library unsafe; it only opens and closes it")]
    fn compiler_present() -> Result<(), String> {
        // SAFETY: dlopen of NVRTC, which has no preconditions.
        if !unsafe { cudarc::nvrtc::sys::is_culib_present() } {
            return Err("the CUDA driver is there, but NVRTC (libnvrtc) is missing; install the CUDA toolkit or the nvidia-cuda-nvrtc package".into());
        }
        let home = std::env::var_os("CUDA_PATH").map(std::path::PathBuf::from);
        let folders = [
            home.as_deref(),
            Some(Path::new("/usr/local/cuda")),
            Some(Path::new("/opt/cuda")),
            Some(Path::new("/usr")),
        ];
        let found = folders.into_iter().flatten().any(|folder| folder.join("include/cuda_runtime.h").is_file());
        if found || cfg!(windows) {
            Ok(())
        } else {
            Err("the CUDA driver and NVRTC are there, but the CUDA headers are not; set CUDA_PATH to a folder with include/cuda_runtime.h".into())
        }
    }

    /// One small product on a thread of its own: a panic or a hang there must not take the program with it.
    fn first_product(index: usize) -> Result<(), String> {
        let (send, receive) = std::sync::mpsc::sync_channel(1);
        let run = move || {
            let result = std::panic::catch_unwind(|| {
                let device = DispatchDevice::Cuda(CudaDevice::new(index));
                let ones = Tensor::<Dispatch, 2>::ones([8, 8], &device);
                ones.clone().matmul(ones).sum().try_into_data().map(|data| data.iter::<f32>().next())
            });
            // Nobody waits any more when the limit has passed.
            send.send(matches!(result, Ok(Ok(Some(sum))) if (sum - 512.0).abs() < 1e-3)).ok();
        };
        let spawned = std::thread::Builder::new().name("cuda-probe".into()).spawn(run);
        if let Err(error) = spawned {
            return Err(format!("no thread for the CUDA probe ({error})"));
        }
        match receive.recv_timeout(PROBE_LIMIT) {
            Ok(true) => Ok(()),
            Ok(false) => Err("the card is there, but a first computation on it failed; restart the program after updating driver and CUDA toolkit".into()),
            Err(_) => Err("the card is there, but a first computation on it did not finish within a minute".into()),
        }
    }
}
