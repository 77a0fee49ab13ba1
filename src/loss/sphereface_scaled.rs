//! SphereFace with a fixed scale in place of ‖x‖ and a factor that need not be whole, as `opensphere` trains it
//! (`module/head/sphereface.py`: s = 30, m = 1.7; its margin carries no gradient): `φ = ψ(θ)`.
//!
//! Here to reproduce that trainer; m is a factor on the angle.

pub(super) use super::sphereface_curve::{target, target_scalar};
