//! What is automatic for a run that starts from a trained network.

use super::*;

/// Starts from another network.
fn fine_tuned(epochs: u32) -> RunConfig {
    let mut config = RunConfig::default();
    config.train.start_from = "runs/published".to_owned();
    config.train.epochs = epochs;
    config
}

#[test]
fn a_run_from_a_trained_network_gets_these_values() {
    let resolved = resolve(&fine_tuned(24), &facts()).unwrap();
    let train = &resolved.config.train;
    // To the last digit: what is written down must not look like nobody's wish.
    assert_eq!((train.lr, train.head_lr_factor), (Auto::Set(0.005), Auto::Set(10.0)));
    assert_eq!((train.freeze_epochs, train.frozen_epochs(), resolved.warmup_epochs), (Auto::Set(1), 1, 1.0));
    for (key, words) in [
        ("train.lr", "a tenth of 0.1 per 64 images"),
        ("train.head_lr_factor", "the usual rate, of which the network gets a tenth"),
        ("train.freeze_epochs", "the class weights learn alone"),
        ("train.warmup_epochs", "31 steps that grow, after the frozen epochs"),
    ] {
        assert!(why(&resolved, key).contains(words), "{key}: {}", why(&resolved, key));
    }
    // A rate that was set by hand counts for all weights.
    let mut by_hand = fine_tuned(24);
    by_hand.train.lr = Auto::Set(0.02);
    let resolved = resolve(&by_hand, &facts()).unwrap();
    assert_eq!((resolved.lr, resolved.config.train.head_lr_factor), (0.02, Auto::Set(1.0)));
    // What was written down is what the run goes on with.
    let written = resolve(&fine_tuned(24), &facts()).unwrap().config;
    assert_eq!(resolve(&written, &facts()).unwrap().config, written);
}

#[test]
fn a_short_run_from_a_trained_network_freezes_nothing_and_one_from_scratch_never_does() {
    let frozen = |config: &RunConfig| resolve(config, &facts()).unwrap().config.train.frozen_epochs();
    assert_eq!([1, 2, 3].map(|epochs| frozen(&fine_tuned(epochs))), [0, 0, 1]);
    // The warm-up is half of what is left of a short run.
    let resolved = resolve(&fine_tuned(1), &facts()).unwrap();
    assert_eq!(resolved.warmup_epochs, 0.5);
    let mut asked = fine_tuned(5);
    asked.train.freeze_epochs = Auto::Set(4);
    assert_eq!((frozen(&asked), resolve(&asked, &facts()).unwrap().warmup_epochs), (4, 0.5));
    asked.train.start_from.clear();
    assert_eq!(frozen(&asked), 0, "there is nothing that a network from scratch could lose");
}

#[test]
fn a_warm_up_by_hand_has_to_fit_into_the_epochs_in_which_the_network_learns() {
    let problem = |freeze, warmup| {
        let mut config = fine_tuned(5);
        (config.train.freeze_epochs, config.train.warmup_epochs) = (Auto::Set(freeze), Auto::Set(warmup));
        resolve(&config, &facts()).err().map(|error| error.to_string())
    };
    for (freeze, most, words) in [(0, 5.0, "the 5 epochs"), (3, 2.0, "the 2 epochs"), (4, 1.0, "the 1 epoch that")] {
        assert_eq!(problem(freeze, most), None, "{freeze}");
        let told = problem(freeze, most + 0.5).unwrap();
        assert!(told.contains("train.warmup_epochs") && told.contains(words), "{told}");
    }
    // From scratch, nothing is frozen.
    let mut config = RunConfig::default();
    config.train.freeze_epochs = Auto::Set(3);
    (config.train.epochs, config.train.warmup_epochs) = (5, Auto::Set(5.0));
    assert!(resolve(&config, &facts()).is_ok());
    // Where the network would never learn, that alone is told.
    let told = problem(5, 1.0).unwrap();
    assert!(told.contains("train.freeze_epochs") && !told.contains("train.warmup_epochs"), "{told}");
}
