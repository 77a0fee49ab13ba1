use super::{SgdRule, reference, sgd, square_sum};
use crate::kernels::primitive::{primitive, tensor};
use crate::kernels::testing::{largest_difference, random, run_with_threads, values};
use burn::backend::Flex;
use burn::tensor::Tensor;

const RULES: [SgdRule; 4] = [
    SgdRule { lr: 0.1, momentum: 0.9, decay: 5e-4, nesterov: false },
    SgdRule { lr: 0.1, momentum: 0.9, decay: 5e-4, nesterov: true },
    SgdRule { lr: 0.02, momentum: 0.9, decay: 0.0, nesterov: false },
    SgdRule { lr: 0.3, momentum: 0.0, decay: 0.01, nesterov: false },
];

fn slow(
    [weight, gradient]: [Tensor<Flex, 2>; 2],
    velocity: Option<Tensor<Flex, 2>>,
    rule: SgdRule,
) -> [Tensor<Flex, 2>; 2] {
    reference::sgd::<Flex>(primitive(weight), primitive(gradient), velocity.map(primitive), rule).map(tensor)
}

#[test]
fn a_step_equals_the_reference_in_any_memory_order() {
    // The second is larger than a task.
    for size in [[3, 5], [301, 257]] {
        let [weight, gradient, velocity] = [1, 2, 3].map(|seed| random::<2>(size, seed));
        let turned = random::<2>([size[1], size[0]], 4).transpose();
        for rule in RULES {
            for (velocity, gradient) in [
                (None, gradient.clone()),
                (Some(velocity.clone()), gradient.clone()),
                (Some(turned.clone()), turned.clone()),
            ] {
                let kept = values(&weight);
                let fast = sgd(weight.clone(), gradient.clone(), velocity.clone(), rule);
                let slow = slow([weight.clone(), gradient], velocity, rule);
                for (fast, slow) in fast.into_iter().zip(slow) {
                    assert_eq!(fast.dims(), slow.dims());
                    assert!(largest_difference(fast, slow) < 3e-7, "{rule:?}");
                }
                assert_eq!(values(&weight), kept, "a weight that somebody else holds was overwritten");
            }
        }
    }
}

/// `v ← 0.9 v + g`, `w ← w − 0.1 v` from w = 1, g = 2 at every step.
#[test]
fn two_steps_by_hand() {
    let one = |value: f32| Tensor::<Flex, 1>::from_floats([value], &Default::default());
    let rule = SgdRule { lr: 0.1, momentum: 0.9, decay: 0.0, nesterov: false };
    let [w, v] = sgd(one(1.0), one(2.0), None, rule);
    let [w, v] = sgd(w, one(2.0), Some(v), rule);
    assert!((values(&v)[0] - 3.8).abs() < 1e-6 && (values(&w)[0] - 0.42).abs() < 1e-6);
}

#[test]
fn the_sum_of_squares_is_exact_enough_and_the_same_on_any_number_of_threads() {
    let x = random::<2>([501, 333], 1);
    let exact: f64 = values(&x).iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
    let sums = [1, 2, 3].map(|threads| run_with_threads(threads, || values(&square_sum(x.clone()))[0]));
    assert!((f64::from(sums[0]) / exact - 1.0).abs() < 1e-6);
    assert!(sums.iter().all(|sum| sum.to_bits() == sums[0].to_bits()));
}
