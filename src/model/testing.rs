//! What tests of several modules read: names and shapes of the weights that other projects' networks have, put together from
//! how those projects describe them and not from ours.

use super::Form;
use std::collections::BTreeMap;

/// Shapes by name, as a `state_dict()` of PyTorch's has them, counters included.
pub type Shapes = BTreeMap<String, Vec<usize>>;

/// Ends the names of PyTorch's counters, which are whole numbers.
pub const COUNTER: &str = "num_batches_tracked";

/// Of the networks that the file lists, by their names in `arcface_torch`.
pub fn arcface_shapes() -> BTreeMap<String, Shapes> {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/golden/backbone_shapes.json")).unwrap();
    let nets = golden["nets"].as_object().unwrap().iter();
    nets.map(|(name, net)| (name.clone(), serde_json::from_value(net["keys"].clone()).unwrap())).collect()
}

/// Of an IR network for faces of 112 pixels with so many units per stage: face.evoLVe's (`backbone/model_irse.py`) with and
/// without squeeze and excitation, or AdaFace's (`net.py`).
pub fn ir_shapes(form: Form, units: [usize; 4]) -> Shapes {
    let mut network = Network::default();
    network.weight("input_layer.0.weight", &[64, 3, 3, 3]);
    network.norm("input_layer.1", 64);
    network.weight("input_layer.2.weight", &[64]);
    let (mut number, mut before) = (0, 64);
    for (width, count) in [64, 128, 256, 512].into_iter().zip(units) {
        for _ in 0..count {
            network.ir_unit(form, number, [before, width]);
            (number, before) = (number + 1, width);
        }
    }
    network.norm("output_layer.0", 512);
    network.weight("output_layer.3.weight", &[512, 512 * 7 * 7]);
    network.weight("output_layer.3.bias", &[512]);
    network.norm("output_layer.4", 512);
    if form == Form::Adaface {
        // Made with `affine=False`.
        ["weight", "bias"].iter().for_each(|kind| drop(network.0.remove(&format!("output_layer.4.{kind}"))));
    }
    network.0
}

#[derive(Default)]
struct Network(Shapes);

impl Network {
    fn weight(&mut self, name: &str, shape: &[usize]) {
        self.0.insert(name.to_owned(), shape.to_vec());
    }

    fn norm(&mut self, name: &str, channels: usize) {
        for kind in ["weight", "bias", "running_mean", "running_var"] {
            self.weight(&format!("{name}.{kind}"), &[channels]);
        }
        self.weight(&format!("{name}.{COUNTER}"), &[]);
    }

    /// A pooling without weights is the shortcut where the channels stay.
    fn ir_unit(&mut self, form: Form, number: usize, [before, width]: [usize; 2]) {
        let at = |layer: &str| format!("body.{number}.{layer}");
        if before != width {
            self.weight(&at("shortcut_layer.0.weight"), &[width, before, 1, 1]);
            self.norm(&at("shortcut_layer.1"), width);
        }
        self.norm(&at("res_layer.0"), before);
        self.weight(&at("res_layer.1.weight"), &[width, before, 3, 3]);
        let [prelu, conv, norm] = if form == Form::Adaface { [3, 4, 5] } else { [2, 3, 4] };
        if form == Form::Adaface {
            self.norm(&at("res_layer.2"), width);
        }
        self.weight(&at(&format!("res_layer.{prelu}.weight")), &[width]);
        self.weight(&at(&format!("res_layer.{conv}.weight")), &[width, width, 3, 3]);
        self.norm(&at(&format!("res_layer.{norm}")), width);
        if form == Form::EvolveSe {
            self.weight(&at("res_layer.5.fc1.weight"), &[width / 16, width, 1, 1]);
            self.weight(&at("res_layer.5.fc2.weight"), &[width, width / 16, 1, 1]);
        }
    }
}
