//! Against pickles that CPython and numpy wrote, and against files that mean harm.

use super::{BinWriter, VerificationSet};
use serde_json::Value;
use std::path::Path;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/format_golden.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    text.as_bytes().chunks(2).map(byte).collect()
}

fn read(bytes: &[u8]) -> Result<(Vec<Vec<u8>>, Vec<bool>), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.bin");
    std::fs::write(&path, bytes).unwrap();
    let set = VerificationSet::open(&path).map_err(|error| error.to_string())?;
    let images = (0..set.n_images()).map(|image| set.bytes(image).map_err(|error| error.to_string()));
    Ok((images.collect::<Result<_, _>>()?, set.same().to_vec()))
}

fn expected() -> (Vec<Vec<u8>>, Vec<bool>) {
    let expected = &golden()["bin_expected"];
    let images = expected["elements_hex"].as_array().unwrap().iter().map(|text| hex(text.as_str().unwrap())).collect();
    (images, expected["issame"].as_array().unwrap().iter().map(|same| same.as_bool().unwrap()).collect())
}

#[test]
fn every_dialect_that_python_wrote_is_read() {
    let all = golden();
    let rows: Vec<&String> = all.as_object().unwrap().keys().filter(|key| key.starts_with("bin_pickle_")).collect();
    assert_eq!(rows.len(), 8, "{rows:?}");
    for row in rows {
        let bytes = hex(all[row]["hex"].as_str().unwrap());
        assert_eq!(read(&bytes).unwrap(), expected(), "{row}");
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "{row} cut at {end}");
        }
    }
}

#[test]
fn the_texts_of_old_pythons_are_read() {
    // Python 2, protocol 0: `pickle.dumps((['\xff\xd8jpg-a', …], [True, False]))`.
    let zero = b"((lp0\nS'\\xff\\xd8jpg-a'\np1\naS'\\xff\\xd8jpg-b'\np2\naS'\\xff\\xd8jpg-c'\np3\naS\"\\xff\\xd8jpg-d\"\np4\na(lp5\nI01\naI00\natp6\n.";
    assert_eq!(read(zero).unwrap(), expected());
    // Protocol 1, an outer list, numbers for truths.
    let mut one = b"](]q\x01(".to_vec();
    for last in *b"abcd" {
        one.extend(b"U\x07\xff\xd8jpg-");
        one.push(last);
    }
    one.extend(b"e](K\x01I0\nee.");
    assert_eq!(read(&one).unwrap(), expected());
    // Python 3, protocol 0: bytes as text with escapes.
    let three = b"((lc_codecs\nencode\np0\n(V\xff\xd8\\u000a\\u005c\nVlatin1\np1\ntRag0\n(V2\ng1\ntRa(lI01\natp2\n.";
    assert_eq!(read(three).unwrap(), (vec![b"\xFF\xD8\n\\".to_vec(), b"2".to_vec()], vec![true]));
}

/// The four short images, then `rest`.
fn images_then(rest: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x80\x04](".to_vec();
    for last in *b"abcd" {
        bytes.extend(b"C\x07\xff\xd8jpg-");
        bytes.push(last);
    }
    bytes.push(b'e');
    bytes.extend(rest);
    bytes
}

#[test]
fn truths_may_be_an_array_or_numbers_of_numpy() {
    let array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R(K\x01K\x02\x85cnumpy\ndtype\nX\x02\x00\x00\x00b1K\x00K\x01\x87R\x89C\x02\x01\x00tb\x86.";
    assert_eq!(read(&images_then(array)).unwrap(), expected());
    let scalars = b"]((cnumpy._core.multiarray\nscalar\n(cnumpy\ndtype\nX\x02\x00\x00\x00b1tR".to_vec();
    // The mark before the function is not closed: not what numpy writes.
    assert!(read(&images_then(&scalars)).is_err());
    let scalar = |byte: u8| {
        let mut bytes = b"cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\nX\x02\x00\x00\x00b1\x85RC\x01".to_vec();
        bytes.extend([byte, 0x86, b'R']);
        bytes
    };
    let scalars = [b"](".as_slice(), &scalar(1), &scalar(0), b"e\x86."].concat();
    assert_eq!(read(&images_then(&scalars)).unwrap(), expected());
}

#[test]
fn arrays_of_protocol_five_come_from_a_buffer() {
    let from = |dtype: &[u8; 2], shape: &[u8]| {
        let image = [
            b"\x8c\x13numpy._core.numeric\x8c\x0b_frombuffer\x93(\x96\x02\0\0\0\0\0\0\0hi\x8c\x05numpy\x8c\x05dtype\x93\x8c\x02",
            dtype.as_slice(),
            b"\x89\x88\x87R",
            shape,
            b"\x8c\x01CtR",
        ]
        .concat();
        read(&[b"\x80\x05](".as_slice(), &image, &image, b"e](\x88e\x86."].concat())
    };
    assert_eq!(from(b"u1", b"K\x02\x85").unwrap(), (vec![b"hi".to_vec(), b"hi".to_vec()], vec![true]));
    assert!(from(b"u1", b"K\x01K\x02\x86").is_ok());
    assert!(from(b"u1", b"K\x02K\x02K\x03\x87").unwrap_err().contains("array of pixels"));
    assert!(from(b"f4", b"K\x02\x85").unwrap_err().contains("array of pixels or of other numbers"));
}

#[test]
fn nothing_that_would_be_run_is_run() {
    let harm = [
        b"cos\nsystem\n(S'echo harm'\ntR.".as_slice(),
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04harm\x85R.",
        b"\x80\x02cbuiltins\neval\nX\x01\x00\x00\x001\x85R.",
        b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93.",
    ];
    for bytes in harm {
        let message = read(bytes).unwrap_err();
        assert!(message.contains("nothing in it was run"), "{message}");
    }
    // Known names in the wrong hands.
    assert!(read(b"\x80\x02cnumpy\nndarray\nK\x01\x85R.").unwrap_err().contains("NdArray"));
    assert!(
        read(b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00rot\x86R.").unwrap_err().contains("rot")
    );
    // Objects, extensions, persistent names.
    for instruction in [b'i', b'o', 0x81, 0x92, 0x82, b'P', b'Q', b'd', b'}', b's', 0x97] {
        let message = read(&[0x80, 4, instruction, b'.']).unwrap_err();
        assert!(message.contains("no place in a list of images"), "{instruction:#x}: {message}");
    }
}

#[test]
fn files_that_lie_about_lengths_or_never_end_are_refused() {
    for bytes in [
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.".as_slice(),
        b"\x80\x04B\xff\xff\xff\xff.",
        b"\x80\x04\x96\x00\x00\x00\x00\x01\x00\x00\x00.",
        b"\x80\x02T\xff\xff\xff\xff.",
    ] {
        assert!(read(bytes).unwrap_err().contains("bytes are promised"));
    }
    assert!(read(&[b'N'].repeat(4_100_000)).unwrap_err().contains("more than 4000000 instructions"));
    assert!(read(b"c0123456789").unwrap_err().contains("end is missing"));
    assert!(read(&[b"c".as_slice(), &b"x".repeat(1000)].concat()).unwrap_err().contains("more than 256 letters"));
    for bytes in [
        b".".as_slice(),
        b"t.",
        b"a.",
        b"(a.",
        b"\x85.",
        b"h\x07.",
        b"R.",
        b"b.",
        b"NNR.",
        b"N)b.",
        b"\x80\x09.",
        b"Ix\n.",
    ] {
        assert!(read(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn what_is_a_pickle_but_no_verification_set_is_told_so() {
    assert!(read(b"\x80\x02N.").unwrap_err().contains("two things"));
    assert!(read(b"\x80\x02]]\x86.").unwrap_err().contains("found none"));
    assert!(read(b"\x80\x02](K\x01K\x02e](\x88e\x86.").unwrap_err().contains("image 0"));
    assert!(read(&images_then(b"](\x88e\x86.")).unwrap_err().contains("for each of 1 pairs, found 4"));
    assert!(read(&images_then(b"](K\x02e\x86.")).unwrap_err().contains("true and false"));
    assert!(read(&images_then(b"N\x86.")).unwrap_err().contains("true and false"));
    // A list that holds itself is looked at once and not followed.
    assert!(read(b"\x80\x02]q\x00h\x00a]\x86.").unwrap_err().contains("image 0"));
}

#[test]
fn the_writer_gives_the_bytes_of_cpython() {
    let (images, same) = expected();
    let mut writer = BinWriter::new(Vec::new(), 2).unwrap();
    images.iter().for_each(|image| writer.image(image).unwrap());
    assert!(writer.image(b"fifth").is_err());
    let bytes = writer.finish(&same).unwrap();
    assert_eq!(bytes, hex(golden()["bin_pickle_bytes_proto3"]["hex"].as_str().unwrap()));
    assert!(BinWriter::new(Vec::new(), 2).unwrap().finish(&same).is_err());
}

#[test]
fn what_is_written_is_read_back_whatever_the_number() {
    for pairs in [1, 127, 128, 500, 501, 1000, 1001, 1500] {
        let image = |n: usize| n.to_string().repeat(1 + n % 300).into_bytes();
        let mut writer = BinWriter::new(Vec::new(), pairs).unwrap();
        (0..2 * pairs).for_each(|n| writer.image(&image(n)).unwrap());
        let same: Vec<bool> = (0..pairs).map(|pair| pair % 3 == 0).collect();
        let bytes = writer.finish(&same).unwrap();
        assert_eq!(read(&bytes).unwrap(), ((0..2 * pairs).map(image).collect(), same), "{pairs}");
    }
}

#[test]
fn any_byte_may_be_wrong_without_a_panic() {
    let all = golden();
    for row in ["bin_pickle_numpy_proto2", "bin_pickle_numpy_proto4", "bin_pickle_py2_str_proto2"] {
        let bytes = hex(all[row]["hex"].as_str().unwrap());
        let mut refused = 0;
        for index in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[index] ^= 0x81;
            refused += usize::from(read(&broken).is_err());
        }
        // Only a wrong byte inside of an image, or of a note that is not looked at, may pass.
        assert!(refused > bytes.len() / 3, "{row}: {refused} of {}", bytes.len());
    }
}
