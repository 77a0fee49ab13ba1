//! Answers of a made-up network, broken files, and (where they are at hand) a real detector on real photographs.
#![allow(clippy::print_stdout, reason = "a skipped test says why")]

use super::decode::{Level, STRIDES, decode, suppress};
use super::picture::Picture;
use super::*;
use crate::data::testing::shared_data;
use image::DynamicImage;
use std::path::{Path, PathBuf};

fn face(left: f32, top: f32, side: f32, score: f32) -> Face {
    Face { score, left, top, width: side, height: side, landmarks: template(112) }
}

#[test]
fn an_answer_becomes_a_box_and_points_in_pixels() {
    // 4 × 3 cells of 16 px; the one at column 2, row 1 answers.
    let (columns, rows) = (4, 3);
    let at = columns + 2;
    let mut class = vec![0.0; columns * rows];
    let mut object = vec![1.0; columns * rows];
    let mut boxes = vec![0.0; columns * rows * 4];
    let mut points = vec![0.0; columns * rows * 10];
    (class[at], object[at]) = (0.81, 1.2);
    boxes[4 * at..4 * at + 4].copy_from_slice(&[0.5, -0.25, 3.0_f32.ln(), 2.0_f32.ln()]);
    points[10 * at..10 * at + 4].copy_from_slice(&[0.5, 0.0, -1.0, 0.25]);
    let level = Level { stride: 16, columns, rows, class: &class, object: &object, boxes: &boxes, points: &points };
    let found = decode(&level, 0.6);
    assert_eq!(found.len(), 1);
    let face = found[0];
    // The object score counts as 1; centre (2.5, 0.75)·16, sides 3·16 and 2·16.
    let near = |a: f32, b: f32| (a - b).abs() < 1e-4;
    assert!(near(face.score, 0.9) && near(face.left, 40.0 - 24.0) && near(face.top, 12.0 - 16.0), "{face:?}");
    assert!(near(face.width, 48.0) && near(face.height, 32.0), "{face:?}");
    assert_eq!(face.landmarks[..3], [[40.0, 16.0], [16.0, 20.0], [32.0, 16.0]]);
    assert!(decode(&level, 0.95).is_empty());
}

#[test]
fn numbers_that_are_not_finite_and_answers_that_are_too_short_are_no_faces() {
    let good = ([1.0_f32], [1.0_f32], [0.0_f32; 4], [0.0_f32; 10]);
    let level = |(class, object, boxes, points): &([f32; 1], [f32; 1], [f32; 4], [f32; 10])| {
        let level = Level { stride: 8, columns: 1, rows: 1, class, object, boxes, points };
        decode(&level, 0.5).len()
    };
    assert_eq!(level(&good), 1);
    for broken in [
        ([f32::NAN], good.1, good.2, good.3),
        (good.0, [f32::NAN], good.2, good.3),
        (good.0, good.1, [f32::NAN, 0.0, 0.0, 0.0], good.3),
        (good.0, good.1, [0.0, 0.0, 1e9, 0.0], good.3),
        (good.0, good.1, good.2, [f32::INFINITY; 10]),
    ] {
        assert_eq!(level(&broken), 0, "{broken:?}");
    }
    let short = Level { stride: 8, columns: 2, rows: 2, class: &[1.0; 4], object: &[1.0; 2], boxes: &[], points: &[] };
    assert!(decode(&short, 0.5).is_empty());
}

#[test]
fn of_boxes_on_one_face_the_best_stays() {
    let kept = suppress(vec![
        face(0.0, 0.0, 100.0, 0.7),
        face(5.0, 5.0, 100.0, 0.9),
        face(300.0, 0.0, 100.0, 0.8),
        // Shares 50 of 150: more than 0.3 of the union.
        face(355.0, 5.0, 100.0, 0.6),
        // Shares a quarter.
        face(360.0, 0.0, 100.0, 0.65),
        face(0.0, 0.0, 0.0, 0.99),
    ]);
    let scores: Vec<f32> = kept.iter().map(|face| face.score).collect();
    assert_eq!(scores, [0.99, 0.9, 0.8, 0.65]);
}

#[test]
fn the_main_face_is_large_and_near_the_middle() {
    let faces = [face(0.0, 0.0, 90.0, 0.99), face(150.0, 100.0, 80.0, 0.7), face(190.0, 140.0, 20.0, 0.95)];
    assert_eq!(main_face(&faces, 400, 300), Some(&faces[1]));
    assert_eq!(main_face(&faces[2..], 400, 300), Some(&faces[2]));
    assert_eq!(main_face(&[], 400, 300), None);
}

#[test]
fn a_picture_for_the_network_is_blue_first_padded_with_black_and_scaled_back() {
    let image = DynamicImage::ImageRgb8(image::RgbImage::from_fn(40, 20, |x, y| image::Rgb([x as u8, y as u8, 7])));
    let picture = Picture::within(&image, 640);
    assert_eq!((picture.width, picture.height, picture.scale), (64, 32, [1.0, 1.0]));
    let at = |plane: usize, x: usize, y: usize| picture.planes[(plane * 32 + y) * 64 + x];
    assert_eq!([at(0, 30, 10), at(1, 30, 10), at(2, 30, 10)], [7.0, 10.0, 30.0]);
    assert_eq!([at(0, 40, 10), at(1, 63, 31), at(2, 10, 20)], [0.0; 3]);
    let small = Picture::within(&image, 20);
    assert_eq!((small.width, small.height, small.scale), (32, 32, [2.0, 2.0]));
    let fixed = Picture::filling(&image, (32, 64));
    assert_eq!((fixed.width, fixed.height), (32, 64));
    assert!((fixed.scale[0] - 1.25).abs() < 1e-9, "{:?}", fixed.scale);
    // Pixel centres: the middle of a picture of half the size is the middle of the image.
    let there = face(9.5, 4.5, 10.0, 0.9).scaled(2.0, 2.0);
    assert!((there.left - 19.5).abs() < 1e-5 && (there.top - 9.5).abs() < 1e-5 && (there.width - 20.0).abs() < 1e-5);
}

#[test]
fn strides_are_those_of_the_outputs() {
    assert_eq!(STRIDES, [8, 16, 32]);
}

#[test]
fn a_file_that_is_no_detector_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.onnx");
    let said = |path: &Path| Detector::open(path).map(|_| ()).unwrap_err().to_string();
    assert!(said(&path).contains("no such file"), "{}", said(&path));
    assert!(said(folder.path()).contains("it is no file"), "{}", said(folder.path()));
    std::fs::File::create(&path).unwrap().set_len((32 << 20) + 1).unwrap();
    assert!(said(&path).contains("it has more than 32 MiB"), "{}", said(&path));
    // Text, noise, and bytes that begin like a message with a huge length.
    for bytes in [&b"hello"[..], b"", &[0xFF; 64], &[0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], &[0x08, 0x06]] {
        std::fs::write(&path, bytes).unwrap();
        let said = said(&path);
        let expected = if cfg!(feature = "faces") { "no YuNet face detector" } else { "feature `faces`" };
        assert!(said.contains(expected), "{bytes:?}: {said}");
    }
}

#[cfg(feature = "faces")]
mod hostile {
    use super::super::graph_check::check;
    use tract_onnx::pb::{
        AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, TensorShapeProto, TypeProto, ValueInfoProto,
        tensor_shape_proto::{Dimension, dimension},
        type_proto,
    };

    /// One convolution with a weight, on an image of 64 × 64.
    fn model() -> ModelProto {
        let dim = |value| Dimension { value: Some(dimension::Value::DimValue(value)), ..Dimension::default() };
        let shape = TensorShapeProto { dim: vec![dim(1), dim(3), dim(64), dim(64)] };
        let tensor = type_proto::Tensor { elem_type: 1, shape: Some(shape) };
        let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
        let input = ValueInfoProto { name: "input".into(), r#type: Some(kind), ..ValueInfoProto::default() };
        let weight = TensorProto { name: "w".into(), dims: vec![1, 3, 1, 1], data_type: 1, ..TensorProto::default() };
        let node = NodeProto {
            op_type: "Conv".into(),
            input: vec!["input".into(), "w".into()],
            output: vec!["cls_8".into()],
            ..NodeProto::default()
        };
        let graph =
            GraphProto { node: vec![node], initializer: vec![weight], input: vec![input], ..GraphProto::default() };
        ModelProto { ir_version: 6, graph: Some(graph), ..ModelProto::default() }
    }

    fn refused(change: impl FnOnce(&mut GraphProto), words: &str) {
        let mut model = model();
        change(model.graph.as_mut().unwrap());
        let reason = check(&model).unwrap_err();
        assert!(reason.contains(words), "{reason}");
    }

    #[test]
    fn what_a_detector_does_not_have_is_refused_before_anything_is_built() {
        assert_eq!(check(&model()), Ok([Some(64), Some(64)]));
        refused(|graph| graph.node[0].op_type = "Loop".into(), "the operation Loop");
        refused(|graph| graph.node[0].domain = "com.example".into(), "the operation Conv");
        refused(|graph| graph.node.clear(), "no network");
        refused(|graph| graph.initializer[0].dims = vec![1 << 40, 1 << 40], "weights");
        refused(|graph| graph.initializer[0].dims = vec![-1], "negative");
        refused(|graph| graph.initializer[0].data_location = Some(1), "another file");
        refused(|graph| graph.input.clear(), "0 inputs");
        refused(|graph| graph.node = vec![graph.node[0].clone(); 3000], "3000 operations");
        let pads = AttributeProto { name: "pads".into(), ints: vec![1 << 40], ..AttributeProto::default() };
        refused(|graph| graph.node[0].attribute.push(pads), "pads");
        let inner = AttributeProto { g: Some(GraphProto::default()), ..AttributeProto::default() };
        refused(|graph| graph.node[0].attribute.push(inner), "within");
        refused(|graph| graph.node[0].input[1] = "later".into(), "not in order");
        refused(|graph| graph.node.push(graph.node[0].clone()), "one name");
    }

    #[test]
    fn what_is_computed_of_constants_alone_stays_small() {
        let node = |op: &str, input: &[&str], output: &str| NodeProto {
            op_type: op.into(),
            input: input.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            ..NodeProto::default()
        };
        let with = |nodes: Vec<NodeProto>| {
            let mut model = model();
            let graph = model.graph.as_mut().unwrap();
            let big =
                TensorProto { name: "big".into(), dims: vec![1, 1 << 20], data_type: 1, ..TensorProto::default() };
            graph.initializer.push(big);
            graph.node.extend(nodes);
            check(&model)
        };
        for (op, count) in [("Add", 2), ("Gather", 2), ("Concat", 9)] {
            let said = with(vec![node(op, &vec!["big"; count], "made")]).unwrap_err();
            assert!(said.contains(op) && said.contains("constants"), "{said}");
        }
        // However small it begins: each step doubles it.
        let doubled = |step: usize| {
            let name = format!("x{step}");
            node("Concat", &[name.as_str(), name.as_str()], &format!("x{}", step + 1))
        };
        let nodes = std::iter::once(node("Identity", &["w"], "x0")).chain((0..40).map(doubled));
        assert!(with(nodes.collect()).is_err());
        assert!(with(vec![node("Resize", &["big", "", "w"], "made")]).unwrap_err().contains("Resize"));
        // Arithmetic about shapes as exporters write it, and weights that are used in another form.
        let fine = vec![
            node("Shape", &["input"], "shape"),
            node("Gather", &["shape", "w"], "side"),
            node("Mul", &["side", "w"], "half"),
            node("Concat", &["half", "side", "shape"], "sizes"),
            node("Resize", &["input", "", "", "sizes"], "larger"),
            node("Transpose", &["big"], "turned"),
            node("Mul", &["cls_8", "big"], "scaled"),
        ];
        assert_eq!(with(fine), Ok([Some(64), Some(64)]));
    }
}

/// Of the public data sets; nothing where there is no detector to run on them.
fn real(name: &str) -> Option<PathBuf> {
    if !cfg!(feature = "faces") {
        println!("skipped: this build runs no detector");
        return None;
    }
    shared_data(name)
}

const DETECTORS: [&str; 2] = ["models/face_detection_yunet_2023mar.onnx", "models/face_detection_yunet_2026may.onnx"];

#[test]
fn real_detectors_find_the_main_face_of_real_photographs() {
    let Some(photos) = real("lfw250_unaligned") else { return };
    let list = std::fs::read_to_string(photos.join("landmarks.tsv")).unwrap();
    for name in DETECTORS {
        let Some(path) = real(name) else { return };
        let detector = Detector::open(&path).unwrap();
        for line in list.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let image = crate::data::decode_file(&photos.join(fields[0])).unwrap();
            let faces = detector.detect(&image, MIN_SCORE).unwrap();
            let face = main_face(&faces, image.width(), image.height()).unwrap();
            assert!(face.score >= 0.92, "{line}: {}", face.score);
            for (index, point) in face.landmarks.iter().enumerate() {
                let listed = |at: usize| fields[2 + 2 * index + at].parse::<f64>().unwrap();
                let distance = (point[0] - listed(0)).hypot(point[1] - listed(1));
                // Listed by another detector; OpenCV's own YuNet is up to 8.7 px away from it.
                assert!(distance < 9.0, "{line}: point {index} is {distance:.1} px away");
            }
        }
    }
}

#[test]
fn another_network_is_refused_by_name_and_a_damaged_one_without_harm() {
    let Some(other) = real("models/mobilefacenet_foamliu.onnx") else { return };
    let said = Detector::open(&other).unwrap_err().to_string();
    assert!(said.contains("no YuNet face detector"), "{said}");
    let Some(path) = real(DETECTORS[0]) else { return };
    let bytes = std::fs::read(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.onnx");
    let mut refused = 0;
    for step in 0..40 {
        let mut damaged = bytes.clone();
        let at = step * bytes.len() / 40;
        if step % 2 == 0 {
            damaged.truncate(at);
        } else {
            damaged[at..].iter_mut().take(16).for_each(|byte| *byte ^= 0xA5);
        }
        std::fs::write(&broken, damaged).unwrap();
        refused += u32::from(Detector::open(&broken).is_err());
    }
    assert!(refused >= 20, "{refused}");
}
