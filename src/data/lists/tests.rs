//! The forms of lists; opening them with their images is in `tests/data_formats.rs`.

use super::parse::rows;

fn read(text: &str) -> Vec<(String, String)> {
    rows(text.as_bytes()).unwrap().into_iter().map(|row| (row.path, row.label)).collect()
}

fn pair(path: &str, label: &str) -> (String, String) {
    (path.to_owned(), label.to_owned())
}

#[test]
fn every_form_of_list_gives_path_and_label() {
    let expected = [pair("a/1.jpg", "3"), pair("b 2/2.jpg", "12")];
    for text in [
        // mxnet's im2rec, its labels as floats.
        "0\t3.000000\ta/1.jpg\n1\t12.000000\tb 2/2.jpg\n",
        // Several labels: the first counts.
        "0\t3\t0.5\ta/1.jpg\n1\t12\t0.25\tb 2/2.jpg\n",
        // face2rec2, with and without landmarks.
        "1\ta/1.jpg\t3\n1\tb 2/2.jpg\t12\n",
        "1\ta/1.jpg\t3\t30.1\t51.2\t60.0\t50.0\n1\tb 2/2.jpg\t12\t1\t2\t3\t4\n",
        "a/1.jpg,3\nb 2\\2.jpg,12\n",
        "\u{feff}path,label\na/1.jpg,3\n\"b 2/2.jpg\",12\r\n",
        "id,Image_Path,extra\n3,a/1.jpg,x\n12,b 2/2.jpg,y\n",
        "label;file\n3;a/1.jpg\n12;b 2/2.jpg\n",
        "id;Person_ID;file_path\n7;3;a/1.jpg\n8;12;b 2/2.jpg\n",
        "# remark\na/1.jpg 3\n\nb 2/2.jpg 12\n",
        // The label first, and remarks above the names of the columns.
        "3,a/1.jpg\n12,b 2/2.jpg\n",
        "3 a/1.jpg\n12  b 2/2.jpg\n",
        "# drawn by hand, 2026\n#\npath,label\na/1.jpg,3\nb 2/2.jpg,12\n",
    ] {
        assert_eq!(read(text), expected, "{text:?}");
    }
    assert_eq!(read("a/1.jpg 0 3 0\n"), [pair("a/1.jpg", "3")]);
    // No remark: a name that begins like one.
    assert_eq!(read("#1/1.jpg,3\n#1/2.jpg,4\n"), [pair("#1/1.jpg", "3"), pair("#1/2.jpg", "4")]);
    // Names, and quotes around a comma.
    assert_eq!(read("path,label\n\"a,b.jpg\",Al Gore\n"), [pair("a,b.jpg", "Al Gore")]);
}

#[test]
fn a_line_that_says_something_else_is_named() {
    let say = |text: &str| rows(text.as_bytes()).unwrap_err();
    assert_eq!(say("a.jpg,1\nb.jpg\n").0, 2);
    assert!(say("a.jpg,1\nb.jpg,\n").1.contains("found \"b.jpg, \""));
    assert!(say("hello\n").1.contains("found \"hello\""));
    assert!(rows(b"\xFF\xFEa\0,\x001\0").unwrap_err().1.contains("found UTF-16"));
    assert!(say("").1.contains("found none"));
    assert!(say("a,b,c\n").1.contains("names the columns"));
    assert!(say("0\t2\t5\t1\t.1\t.2\t.3\t.4\ta.jpg\n").1.contains("detection"));
    assert!(say(&format!("7{}\n", ",0".repeat(784))).1.contains("pixels"));
    assert_eq!(
        rows(b"a.jpg 1\n\xFF\xFE 2\n").unwrap_err(),
        (2, "expected text in UTF-8, found other bytes".to_owned())
    );
}

#[test]
fn a_text_lists_images_when_its_first_lines_name_some() {
    let folder = tempfile::tempdir().unwrap();
    let is_list = |name: &str, text: &[u8]| {
        std::fs::write(folder.path().join(name), text).unwrap();
        super::lists_images(&folder.path().join(name))
    };
    assert!(is_list("all.txt", b"path,label\na/1.jpg,anna\nb/1.jpg,bert\n"));
    assert!(is_list("all.list", b"# remark\na/1.JPG 0\n"));
    assert!(is_list("one.tsv", b"a/1.png\t3"));
    assert!(is_list("bare.txt", b"n01/0001_01 0\nn02/0002_01 1\n"));
    assert!(is_list("phone.txt", b"1.heic 0\n"));
    // What is wrong further down is said when the list is opened.
    let long = format!("{}hello\n", "a/1.jpg,3\n".repeat(40));
    assert!(is_list("long.txt", long.as_bytes()));
    assert!(!is_list("licence.txt", b"Permission is hereby granted\nto any person\n"));
    assert!(!is_list("terms.txt", b"either express\nor implied, to use and/or sell it\n"));
    assert!(!is_list("more.txt", b"to use and/or sell it\nhttps://example.org terms\n"));
    assert!(!is_list("words.txt", b"hello\n"));
    assert!(!is_list("empty.txt", b""));
    assert!(!is_list("bytes.txt", b"\xFF\xFE\x00\n"));
    assert!(!is_list("endless.txt", "x".repeat(1 << 20).as_bytes()));
    assert!(!is_list("net.onnx", b"a/1.jpg,3\n"));
    std::fs::create_dir(folder.path().join("folder.txt")).unwrap();
    assert!(!super::lists_images(&folder.path().join("folder.txt")));
}
